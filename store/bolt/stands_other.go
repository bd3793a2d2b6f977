//go:build !linux

package bolt

import "os"

// stands reports whether a path names the log file, and this has the length that it had.
func (l *logFile) stands(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && os.SameFile(info, l.info) && info.Size() == l.info.Size()
}
