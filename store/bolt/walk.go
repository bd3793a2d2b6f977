package bolt

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// How much of a file the walk reads before every opening. A file of up to walkWhole
// bytes in use is read whole, at less than 2 ms a MiB. Of a larger one the walk reads the
// meta pages, the freelist and walkSample pages of the trees, level by level from the
// top, newest keys first; only a whole walk can tell whether the freelist is complete.
const (
	walkWhole  = 256 << 20
	walkSample = 16 << 10

	maxFreelist = 1 << 30 // bytes of it that are read; bbolt would need as many twice
)

// The parts of a bbolt page.
const (
	pageHeader    = 16 // id (8), flags (2), count (2), overflow (4)
	elementSize   = 16
	bucketHeader  = 16 // root page (8), sequence (8)
	maxKey        = 32768
	flagBranch    = 0x01
	flagLeaf      = 0x02
	flagFreelist  = 0x10
	elementBucket = 0x01
	manyFree      = 0xffff // count of a freelist whose length stands in its first element
)

// walk reads the trees of a bbolt file without mapping it, and holds every page to
// what bbolt relies on: it has no checksums and does not look.
type walk struct {
	file   io.ReaderAt
	meta   meta
	budget uint64 // pages that may still be read
	whole  bool
	used   []uint64 // a bit for every page that was seen or is free
	queue  []node
	buf    []byte
}

// node is a page to visit; its keys lie from low on and before high.
type node struct {
	page      uint64
	low, high []byte // nil: no bound
}

func newWalk(f io.ReaderAt, m meta) *walk {
	w := &walk{file: f, meta: m, budget: walkSample}
	if m.pages <= walkWhole/m.pageSize {
		w.whole, w.budget = true, m.pages
	}
	return w
}

func badPage(page uint64, format string, args ...any) error {
	return corrupt(fmt.Sprintf("page %d", page), fmt.Sprintf(format, args...)+": restore a backup, or salvage what is intact")
}

// check walks from the root and then through the freelist.
func (w *walk) check() error {
	w.used = make([]uint64, (w.meta.pages+63)/64)
	w.used[0] = 3 // the meta pages
	w.queue = append(w.queue, node{page: w.meta.root})
	for ; len(w.queue) > 0 && w.budget > 0; w.budget-- {
		next := w.queue[0]
		w.queue = w.queue[1:]
		if err := w.visit(next); err != nil {
			return err
		}
	}
	if err := w.freelist(); err != nil {
		return err
	}
	if w.whole {
		for page := range w.meta.pages {
			if w.used[page/64]&(1<<(page%64)) == 0 {
				return badPage(page, "it is neither in use nor free")
			}
		}
	}
	return nil
}

// claim marks a page as used, which may happen once.
func (w *walk) claim(page uint64, as string) error {
	if page >= w.meta.pages {
		return badPage(page, "named %s, and the file has %d pages", as, w.meta.pages)
	}
	if bit := uint64(1) << (page % 64); w.used[page/64]&bit == 0 {
		w.used[page/64] |= bit
		return nil
	}
	return badPage(page, "it is used twice, the second time %s", as)
}

// read brings in a page with its overflow pages, and claims them all. What it returns
// is good until the next call.
func (w *walk) read(page uint64, as string, limit uint64) ([]byte, error) {
	if page < 2 || page >= w.meta.pages {
		return nil, badPage(page, "named %s, and the file has %d pages", as, w.meta.pages)
	}
	if err := w.fill(page, w.meta.pageSize); err != nil {
		return nil, err
	}
	if id := binary.NativeEndian.Uint64(w.buf); id != page {
		return nil, badPage(page, "it says it is page %d", id)
	}
	count := 1 + uint64(binary.NativeEndian.Uint32(w.buf[12:]))
	if count > w.meta.pages-page || count > limit/w.meta.pageSize+1 {
		return nil, badPage(page, "it is said to take %d pages", count)
	}
	for i := range count {
		if err := w.claim(page+i, as); err != nil {
			return nil, err
		}
	}
	if count > 1 {
		if err := w.fill(page, count*w.meta.pageSize); err != nil {
			return nil, err
		}
	}
	return w.buf, nil
}

func (w *walk) fill(page, size uint64) error {
	if uint64(cap(w.buf)) < size {
		w.buf = make([]byte, size)
	}
	w.buf = w.buf[:size]
	if _, err := w.file.ReadAt(w.buf, int64(page*w.meta.pageSize)); err != nil {
		return fmt.Errorf("page %d: %w", page, err)
	}
	return nil
}

// visit checks a page of a tree and queues those below it.
func (w *walk) visit(n node) error {
	data, err := w.read(n.page, "in a tree", walkWhole)
	if err != nil {
		return err
	}
	p := page{id: n.page, data: data}
	switch p.flags() {
	case flagBranch:
		return w.branch(n, p)
	case flagLeaf:
		return p.leaf(n, func(key, value []byte) error { return w.bucket(n.page, value) })
	}
	return badPage(n.page, "its flags are %#x, not those of a tree", p.flags())
}

func (w *walk) branch(n node, p page) error {
	if p.count() == 0 || !p.fits() {
		return badPage(n.page, "a branch with no children, or no room for them")
	}
	children := make([]node, p.count())
	for i := range children {
		e := p.element(i)
		key, ok := p.slice(i, binary.NativeEndian.Uint32(e), binary.NativeEndian.Uint32(e[4:]))
		if !ok {
			return badPage(n.page, "key %d lies outside it", i)
		}
		key = bytes.Clone(key)
		low := n.low
		if i > 0 {
			low = children[i-1].low
		}
		if !inOrder(key, low, i > 0, n.high) {
			return badPage(n.page, "key %d is out of order", i)
		}
		children[i] = node{page: binary.NativeEndian.Uint64(e[8:]), low: key, high: n.high}
		if i > 0 {
			children[i-1].high = key
		}
	}
	for i := len(children) - 1; i >= 0; i-- {
		w.queue = append(w.queue, children[i])
	}
	return nil
}

// bucket checks the value that stands for a bucket: its root page, or a whole small
// leaf page behind the header.
func (w *walk) bucket(in uint64, value []byte) error {
	if len(value) < bucketHeader {
		return badPage(in, "a bucket of %d bytes", len(value))
	}
	if root := binary.NativeEndian.Uint64(value); root != 0 {
		w.queue = append(w.queue, node{page: root})
		return nil
	}
	p := page{id: in, data: value[bucketHeader:]}
	if len(p.data) < pageHeader || p.flags() != flagLeaf {
		return badPage(in, "a bucket in it is damaged")
	}
	return p.leaf(node{page: in}, func(_, _ []byte) error {
		return badPage(in, "a bucket inside a bucket without pages")
	})
}

// freelist checks that exactly those pages are free that are not in use.
func (w *walk) freelist() error {
	at := w.meta.freelist
	data, err := w.read(at, "as the freelist", maxFreelist)
	if err != nil {
		return err
	}
	p := page{id: at, data: data}
	if p.flags() != flagFreelist {
		return badPage(at, "its flags are %#x, not those of the freelist", p.flags())
	}
	ids := data[pageHeader:]
	count := uint64(binary.NativeEndian.Uint16(data[10:]))
	if count == manyFree {
		count = binary.NativeEndian.Uint64(ids)
		ids = ids[8:]
	}
	if count > uint64(len(ids))/8 {
		return badPage(at, "it lists %d free pages, more than it can hold", count)
	}
	last := uint64(1)
	for i := range count {
		free := binary.NativeEndian.Uint64(ids[8*i:])
		if free <= last {
			return badPage(at, "free page %d is listed after page %d", free, last)
		}
		if err := w.claim(free, "as free"); err != nil {
			return err
		}
		last = free
	}
	return nil
}
