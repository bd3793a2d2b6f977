package bolt

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// trees walks over the pages of the trees, and reports whether it found no damage. It
// notes what damage leaves open: no page says what was in another one.
func (s *scan) trees() (w *walk, sound bool) {
	m, err := readMeta(s.file, s.size)
	if err == nil {
		err = m.check(s.size)
	}
	if err != nil {
		s.leavesOpen("the meta pages lead nowhere: nothing shows whether all is here")
		return nil, false
	}
	if m.older {
		s.leavesOpen("one of the two meta pages is damaged: the last commit may be missing")
	}
	w, sound = newWalk(context.Background(), s.file, m), !m.alone
	w.damaged = func(n node, _ error) {
		sound = false
		if n.page >= 2 && n.page < m.pages && !w.used.has(n.page) {
			w.used.add(n.page, 1) // it is noted already
		}
		switch bucket := strings.TrimPrefix(n.in, "/"+string(topBucket)+"/"); {
		case bucket == string(bucketRecords):
			s.leavesOpen("page %d is damaged: records beside the journal may be missing", n.page)
		case !slices.ContainsFunc(derived, func(b []byte) bool { return bucket == string(b) }):
			s.leavesOpen("page %d is damaged: accounts of which nothing is left may be missing, and records beside the journal", n.page)
		}
	}
	w.whole = func(n node) {
		if n.in == "/"+string(topBucket)+"/"+string(bucketRecords) {
			s.aside.add(n.page, 1)
		}
	}
	_ = w.visit(node{page: m.root})
	s.logEnd = w.logEnd
	return w, sound
}

// derived are the buckets in which nothing can be lost: everything in them follows from
// the log, or does not belong to the ledger.
var derived = [][]byte{bucketMeta, bucketJournal, bucketBlocks, bucketOpen, bucketBlockIDs, bucketHolders, bucketExpiries, bucketKeys, bucketDue, bucketRows, bucketOpenRows}

// unreached looks for pages that should be in a damaged tree. The page that leads to them
// may be damaged, and then nothing says which tree they belonged to. Those that can be
// read are read like all others.
func (s *scan) unreached(ctx context.Context, w *walk) error {
	if w == nil {
		return nil
	}
	if err := w.freelist(); err != nil {
		s.leavesOpen("nothing tells which pages were in use beside those that are damaged: what was in others may be missing (%v)", err)
		return nil
	}
	err := s.pages(ctx, func(page uint64) bool {
		if page < w.meta.pages && !w.used.has(page) {
			w.used.add(page, s.readable(page, w.meta.pages))
		}
		return false
	})
	if w.used.size < w.meta.pages {
		s.leavesOpen("page %d is in no tree, as %d are, and cannot be read: what was in it may be missing", w.used.firstWithout(), w.meta.pages-w.used.size)
	}
	return err
}

// readable is how many pages the page of a tree takes that begins there, 0 if none can be
// read.
func (s *scan) readable(at, pages uint64) uint64 {
	data := make([]byte, s.pageSize)
	if _, err := s.file.ReadAt(data, int64(at)*s.pageSize); err != nil || binary.NativeEndian.Uint64(data) != at {
		return 0
	}
	p := page{id: at, data: data}
	count := 1 + uint64(binary.NativeEndian.Uint32(data[12:]))
	p.size = count * uint64(s.pageSize)
	if count > pages-at || !p.fits() {
		return 0
	}
	switch p.flags() {
	case flagBranch:
		return count // the pages that it leads to are looked at by themselves
	case flagLeaf:
		for i := range p.count() {
			if _, ok := p.leaf(i); !ok {
				return 0
			}
		}
		return count
	}
	return 0
}

// maxOpen is how many things are listed that the file leaves open.
const maxOpen = 100

func (s *scan) leavesOpen(format string, args ...any) {
	if len(s.open) < maxOpen {
		s.open = append(s.open, fmt.Sprintf(format, args...))
	}
}
