package testmemory

import "syscall"

// free returns how many bytes may be written in a directory.
func free(dir string) uint64 {
	var s syscall.Statfs_t
	if syscall.Statfs(dir, &s) != nil || syscall.Access(dir, 0o3) != nil {
		return 0
	}
	return s.Bavail * uint64(s.Bsize)
}
