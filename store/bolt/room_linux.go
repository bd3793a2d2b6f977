package bolt

import "syscall"

// roomFor reports whether so many bytes are free in the file system of a directory.
func roomFor(dir string, size int64) bool {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return true // it will be seen
	}
	return int64(s.Bavail) > size/int64(s.Bsize)
}
