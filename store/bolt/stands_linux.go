package bolt

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// stands reports whether a path names the log file, and this has the length that it had. It does
// not ask for the times of the file: since Linux 6.13 the write that follows such a question
// has to store new ones, which costs a quarter of the time of a commit.
func (l *logFile) stands(path string) bool {
	const wanted = unix.STATX_TYPE | unix.STATX_INO | unix.STATX_SIZE
	var s unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW, wanted, &s)
	if errors.Is(err, unix.ENOSYS) {
		info, err := os.Lstat(path)
		return err == nil && os.SameFile(info, l.info) && info.Size() == l.info.Size()
	}
	was, ok := l.info.Sys().(*syscall.Stat_t)
	return err == nil && ok && s.Ino == was.Ino && unix.Mkdev(s.Dev_major, s.Dev_minor) == was.Dev && s.Size == uint64(was.Size)
}
