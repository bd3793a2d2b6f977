package bolt

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
)

// A bbolt file begins with two meta pages, written in turn; the valid one with the
// higher transaction id counts. All numbers are in the machine's byte order.
const (
	metaMagic    = 0xED0CDAED
	metaVersion  = 2
	metaOffset   = 16 // behind the page header
	metaSize     = 64
	metaChecksum = 56 // offset of the FNV-1a sum of what stands before it

	minPageSize = 1 << 10
	maxPageSize = 1 << 24
	minPages    = 4          // two metas, freelist, root
	noFreelist  = ^uint64(0) // the freelist is not stored
)

// meta is what a meta page says.
type meta struct {
	pageSize uint64
	root     uint64 // page
	freelist uint64 // page
	pages    uint64 // how many the file has in use
	tx       uint64
	alone    bool // the other meta page is damaged
}

// preflight reads a file before bbolt maps it, and refuses with a CorruptError what
// bbolt would take for a database and crash on. The caller holds the lock. What is
// strange but can be read comes back as warnings.
func preflight(f io.ReaderAt, size int64) (warnings []string, err error) {
	m, err := readMeta(f, size)
	if err != nil {
		return nil, err
	}
	switch {
	case m.pages < minPages || m.pages > uint64(size)/m.pageSize:
		return nil, corrupt("meta page", fmt.Sprintf("%d pages of %d bytes in a file of %d bytes: it was cut short, restore a backup",
			m.pages, m.pageSize, size))
	case m.freelist == noFreelist:
		return nil, corrupt("meta page", "the file was last written without its freelist (NoFreelistSync), which cannot be opened safely: write to it once without that option")
	case m.root < 2 || m.root >= m.pages || m.freelist < 2 || m.freelist >= m.pages:
		return nil, corrupt("meta page", fmt.Sprintf("root page %d and freelist page %d of %d", m.root, m.freelist, m.pages))
	}
	if m.alone {
		warnings = append(warnings, "one of the two meta pages is damaged: the file is as the other one has it, and the last commit before may be missing; verify it against a checkpoint")
	}
	return warnings, newWalk(f, m).check()
}

// readMeta finds the meta page that counts. The second one lies a page behind the
// first; when the first is damaged, the size of a page has to be guessed.
func readMeta(f io.ReaderAt, size int64) (meta, error) {
	if size == 0 {
		return meta{}, corrupt("file", "it is empty, and a ledger never is: restore a backup, or remove the file to begin a new ledger")
	}
	if first, ok := metaAt(f, 0); ok {
		second, ok := metaAt(f, int64(first.pageSize))
		switch {
		case !ok:
			first.alone = true
		case second.pageSize != first.pageSize:
			return meta{}, corrupt("meta page", fmt.Sprintf("pages are of %d bytes in one and of %d in the other", first.pageSize, second.pageSize))
		case second.tx > first.tx:
			return second, nil
		}
		return first, nil
	}
	for guess := int64(minPageSize); guess <= maxPageSize && guess < size; guess *= 2 {
		if second, ok := metaAt(f, guess); ok && int64(second.pageSize) == guess {
			second.alone = true
			return second, nil
		}
	}
	return meta{}, corrupt("file", "it is not a bbolt database, or both its meta pages are damaged: restore a backup")
}

func metaAt(f io.ReaderAt, page int64) (meta, bool) {
	buf := make([]byte, metaSize)
	if _, err := f.ReadAt(buf, page+metaOffset); err != nil {
		return meta{}, false
	}
	u32 := func(at int) uint64 { return uint64(binary.NativeEndian.Uint32(buf[at:])) }
	u64 := func(at int) uint64 { return binary.NativeEndian.Uint64(buf[at:]) }
	sum := fnv.New64a()
	sum.Write(buf[:metaChecksum])
	m := meta{pageSize: u32(8), root: u64(16), freelist: u64(32), pages: u64(40), tx: u64(48)}
	sound := u32(0) == metaMagic && u32(4) == metaVersion && u64(metaChecksum) == sum.Sum64() &&
		m.pageSize >= minPageSize && m.pageSize <= maxPageSize && m.pageSize&(m.pageSize-1) == 0
	return m, sound
}
