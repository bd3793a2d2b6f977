package bolt

import (
	"errors"
	"os"
	"syscall"
)

// What lseek is asked for: the first byte from an offset on that is not in a hole, and
// the first that is.
const (
	seekData = 3
	seekHole = 4
)

// dataFrom returns where the data of a file goes on from an offset, and where the next hole
// begins: a file may claim to be larger than all disks. After the last data both are size.
// A file system that knows of no holes has none.
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
