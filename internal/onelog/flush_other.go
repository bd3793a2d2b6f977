//go:build !linux

package onelog

import "os"

// Flush puts what was written on the disk.
func Flush(f *os.File) error { return f.Sync() }
