//go:build darwin || dragonfly || freebsd || (linux && !android) || netbsd || openbsd

package bolt

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"
)

// openFlags refuse a symbolic link and do not wait for the other end of a pipe.
const openFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// lock takes the lock that bbolt takes, on the same open file, before anything of
// the file is read: bbolt then finds it taken by itself. It reports false when
// another holds it until wait is over, and ctx's error if that ends before.
func lock(ctx context.Context, f *os.File, exclusive bool, wait time.Duration) (bool, error) {
	how := syscall.LOCK_SH
	if exclusive {
		how = syscall.LOCK_EX
	}
	const pause = 10 * time.Millisecond
	for deadline := time.Now().Add(wait); ; time.Sleep(pause) {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR):
			return false, os.NewSyscallError("flock", err)
		case time.Now().Add(pause).After(deadline):
			return false, nil
		}
	}
}

// unlock releases the lock. It does so even if bbolt left a memory map behind, which
// would otherwise keep the lock as long as the process lives.
func unlock(f *os.File) { _ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }
