package bolt

import (
	"errors"
	"os"
	"syscall"
)

// What to ask lseek for: the first byte at or after an offset that is not in a hole, and
// the first that is.
const (
	seekData = 3
	seekHole = 4
)

// dataFrom returns where the data of a file goes on from an offset, and where the next
// hole begins. A file may claim to be larger than all disks, so holes must not be read.
// After the last data both are size. On a file system without holes, everything is data.
func dataFrom(f *os.File, at, size int64) (from, to int64) {
	from, err := f.Seek(at, seekData)
	if err != nil {
		if errors.Is(err, syscall.ENXIO) {
			return size, size
		}
		return at, size
	}
	if to, err = f.Seek(from, seekHole); err != nil || to <= from {
		to = size
	}
	return from, min(to, size)
}
