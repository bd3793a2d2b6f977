package bolt

import (
	"context"
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
	metaTx       = 48 // offset of the transaction id
	metaChecksum = 56 // offset of the FNV-1a sum of what stands before it

	minPageSize = 1 << 10
	maxPageSize = 1 << 20
	minPages    = 4          // two metas, freelist, root
	noFreelist  = ^uint64(0) // the freelist is not stored
)

// meta is what a meta page says.
type meta struct {
	pageSize uint64
	root     uint64 // page
	freelist uint64 // page
	pages    uint64 // how many pages the file uses
	tx       uint64
	alone    bool // the other meta page is damaged
	older    bool // the other meta page may have been the newer one
}

// maxFree is how many free pages a file may list to be written to. bbolt keeps them all in
// memory, at some 50 bytes each.
const maxFree = 4 << 20

// preflight reads a file before bbolt maps it. It refuses with a CorruptError what bbolt
// would take for a database and crash on. It refuses to write to a file whose last commit
// may be gone. The caller holds the lock. What is strange but can be read comes back as
// warnings.
func preflight(ctx context.Context, f io.ReaderAt, size int64, writing bool) (warnings []string, err error) {
	m, err := readMeta(f, size)
	if err != nil {
		return nil, err
	}
	if err := m.check(size); err != nil {
		return nil, err
	}
	if m.older && writing {
		return nil, corrupt("meta page", "one of the two is damaged and may have been the newer: the last commit may be missing. Restore a backup, or salvage what is intact; opened for reading only, the file is as the other page has it")
	}
	if m.alone {
		warnings = append(warnings, "one of the two meta pages is damaged: the file is as the other one has it, and the last commit before may be missing; verify it against a checkpoint")
	}
	w := newWalk(ctx, f, m)
	if err := w.check(); err != nil {
		return nil, err
	}
	if w.free > maxFree && writing {
		return nil, corrupt("freelist", fmt.Sprintf("%d free pages, which would take too much memory: compact the file into a new one", w.free))
	}
	return warnings, nil
}

// check compares a meta page with the size of the file.
func (m meta) check(size int64) error {
	switch {
	case m.pages > maxPages:
		return corrupt("meta page", fmt.Sprintf("%d pages: no more than %d can be opened", m.pages, uint64(maxPages)))
	case m.pages < minPages || m.pages > uint64(size)/m.pageSize:
		return corrupt("meta page", fmt.Sprintf("%d pages of %d bytes in a file of %d bytes: it was cut short, restore a backup",
			m.pages, m.pageSize, size))
	case m.freelist == noFreelist:
		return corrupt("meta page", "the file was last written without its freelist (NoFreelistSync), which cannot be opened safely: write to it once without that option")
	case m.root < 2 || m.root >= m.pages || m.freelist < 2 || m.freelist >= m.pages:
		return corrupt("meta page", fmt.Sprintf("root page %d and freelist page %d of %d", m.root, m.freelist, m.pages))
	}
	return nil
}

// readMeta finds the meta page that counts. The second one lies a page behind the
// first; when the first is damaged, the size of a page has to be guessed.
func readMeta(f io.ReaderAt, size int64) (meta, error) {
	if size == 0 {
		return meta{}, corrupt("file", "it is empty, and a ledger never is: restore a backup, or remove the file to begin a new ledger")
	}
	if first, ok := metaAt(f, 0, 0); ok {
		second, ok := metaAt(f, 1, int64(first.pageSize))
		switch {
		case !ok:
			return first.without(second), nil
		case second.pageSize != first.pageSize:
			return meta{}, corrupt("meta page", fmt.Sprintf("pages are of %d bytes in one and of %d in the other", first.pageSize, second.pageSize))
		case second.tx > first.tx:
			return second, second.follows(first, 0)
		}
		return first, first.follows(second, 1)
	}
	for guess := int64(minPageSize); guess <= maxPageSize && guess < size; guess *= 2 {
		if second, ok := metaAt(f, 1, guess); ok && int64(second.pageSize) == guess {
			first, _ := metaAt(f, 0, 0)
			return second.without(first), nil
		}
	}
	return meta{}, corrupt("file", "it is not a bbolt database, or both its meta pages are damaged: restore a backup")
}

// follows checks that the meta pages belong to two consecutive commits, because bbolt
// writes them in turn. Otherwise one of them was set back, and its commit is gone. There
// is one exception. A backup has its meta pages in the order of their commits, and not
// where bbolt would put them, so the first commit after it replaces the newer one and
// leaves a gap.
func (m meta) follows(older meta, page uint64) error {
	switch {
	case m.tx == older.tx+1:
		return nil
	case m.tx == older.tx+2 && older.tx%2 != page:
		return nil
	}
	return corrupt("meta page", fmt.Sprintf("the two are of commits %d and %d, which do not follow one another: what was committed last may be missing, restore a backup", older.tx, m.tx))
}

// without returns a meta page if the other one is damaged. Nothing is missing only if the
// damaged one still says that it belonged to the commit before, as it does after a write
// that was cut off.
func (m meta) without(damaged meta) meta {
	m.alone, m.older = true, damaged.tx+1 != m.tx
	return m
}

// metaAt reads a meta page that begins at an offset, and reports whether it is sound.
func metaAt(f io.ReaderAt, page uint64, at int64) (meta, bool) {
	buf := make([]byte, metaOffset+metaSize)
	if _, err := f.ReadAt(buf, at); err != nil {
		return meta{}, false
	}
	header, buf := buf[:metaOffset], buf[metaOffset:]
	u32 := func(at int) uint64 { return uint64(binary.NativeEndian.Uint32(buf[at:])) }
	u64 := func(at int) uint64 { return binary.NativeEndian.Uint64(buf[at:]) }
	sum := fnv.New64a()
	sum.Write(buf[:metaChecksum])
	m := meta{pageSize: u32(8), root: u64(16), freelist: u64(32), pages: u64(40), tx: u64(metaTx)}
	sound := binary.NativeEndian.Uint64(header) == page && binary.NativeEndian.Uint16(header[8:]) == flagMeta &&
		u32(0) == metaMagic && u32(4) == metaVersion && u64(metaChecksum) == sum.Sum64() &&
		m.pageSize >= minPageSize && m.pageSize <= maxPageSize && m.pageSize&(m.pageSize-1) == 0
	return m, sound
}
