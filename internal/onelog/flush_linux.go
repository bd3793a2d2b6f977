package onelog

import (
	"os"
	"syscall"
)

// Flush puts what was written on the disk, without times and the like.
func Flush(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) }
