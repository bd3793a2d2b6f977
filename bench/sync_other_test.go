//go:build !linux

package bench

import "os"

// syncData puts what was written to f on the disk.
func syncData(f *os.File) error { return f.Sync() }
