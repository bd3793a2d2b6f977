//go:build !linux

package bolt

import "os"

// dataFrom treats all of a file as data.
func dataFrom(_ *os.File, at, size int64) (from, to int64) { return at, size }
