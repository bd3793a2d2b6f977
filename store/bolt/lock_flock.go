//go:build darwin || dragonfly || freebsd || (linux && !android) || netbsd || openbsd

package bolt

import (
	"errors"
	"os"
	"syscall"
)

// openFlags refuse a symbolic link and do not wait for the other end of a pipe.
const openFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// bboltLocksAlike says that tryLock takes the lock that bbolt takes: taken on the same open
// file before anything of it is read, it is found taken by itself.
const bboltLocksAlike = true

func tryLock(f *os.File, exclusive bool) (bool, error) {
	how := syscall.LOCK_SH
	if exclusive {
		how = syscall.LOCK_EX
	}
	err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR):
		return false, nil
	}
	return false, os.NewSyscallError("flock", err)
}

// unlock releases the lock. It does so even if bbolt left a memory map behind, which
// would otherwise keep the lock as long as the process lives.
func unlock(f *os.File) { _ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }
