package bolt

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxLocks is how much is read of what the system says of locks.
const maxLocks = 1 << 20

// holder is the process that holds the lock of a file, 0 if the system does not say it.
func holder(f *os.File) int {
	info, err := f.Stat()
	if err != nil {
		return 0
	}
	is, ok := info.Sys().(*syscall.Stat_t)
	list, err := os.Open("/proc/locks")
	if !ok || err != nil {
		return 0
	}
	defer list.Close()
	name := fmt.Sprintf("%02x:%02x:%d", unix.Major(is.Dev), unix.Minor(is.Dev), is.Ino)
	for lines := bufio.NewScanner(io.LimitReader(list, maxLocks)); lines.Scan(); {
		if field := strings.Fields(lines.Text()); len(field) > 5 && field[1] == "FLOCK" && field[5] == name {
			process, _ := strconv.Atoi(field[4])
			return max(process, 0)
		}
	}
	return 0
}
