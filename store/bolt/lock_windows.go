package bolt

import (
	"errors"
	"math"
	"os"

	"golang.org/x/sys/windows"
)

const openFlags = 0

// bboltLocksAlike is false where the same process could not repeat the lock that bbolt takes of a
// ledger file: that is left to bbolt.
const bboltLocksAlike = false

// tryLock locks a byte far behind the end of the file, because a locked byte cannot be read here.
func tryLock(f *os.File, exclusive bool) (bool, error) {
	flags := uint32(windows.LOCKFILE_FAIL_IMMEDIATELY)
	if exclusive {
		flags |= windows.LOCKFILE_EXCLUSIVE_LOCK
	}
	at := &windows.Overlapped{Offset: math.MaxUint32, OffsetHigh: math.MaxInt32}
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, at)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, windows.ERROR_LOCK_VIOLATION):
		return false, nil
	}
	return false, os.NewSyscallError("LockFileEx", err)
}

func unlock(*os.File) {}
