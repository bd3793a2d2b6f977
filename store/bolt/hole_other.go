//go:build !linux

package bolt

import "os"

// dataFrom takes all of a file for data.
func dataFrom(_ *os.File, at, size int64) (from, to int64) { return at, size }
