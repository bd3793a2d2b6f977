//go:build aix || android || solaris

package bolt

import (
	"errors"
	"os"
	"syscall"
)

const openFlags = 0

// bboltLocksAlike is false where the same process could not repeat the lock that bbolt takes of a
// ledger file, or would lose it: that is left to bbolt.
const bboltLocksAlike = false

// tryLock locks a file against other processes. These systems have no locks of open files.
func tryLock(f *os.File, exclusive bool) (bool, error) {
	how := syscall.Flock_t{Type: syscall.F_RDLCK}
	if exclusive {
		how.Type = syscall.F_WRLCK
	}
	err := syscall.FcntlFlock(f.Fd(), syscall.F_SETLK, &how)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.EINTR):
		return false, nil
	}
	return false, os.NewSyscallError("fcntl", err)
}

func unlock(*os.File) {}
