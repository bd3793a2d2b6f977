package bolt

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
)

// The most that a walk accepts from a file. bbolt recurses as deep as the file says, and
// a stack that overflows ends the process.
const (
	maxLevels = 100     // trees and buckets inside one another, levels of a tree among them
	maxBranch = 1 << 20 // bytes of a branch page
	maxPages  = 1 << 31 // 8 TiB
)

// The parts of a bbolt page.
const (
	pageHeader    = 16 // id (8), flags (2), count (2), overflow (4)
	elementSize   = 16
	bucketHeader  = 16 // root page (8), sequence (8)
	maxKey        = 32768
	flagBranch    = 0x01
	flagLeaf      = 0x02
	flagMeta      = 0x04
	flagFreelist  = 0x10
	elementBucket = 0x01
	manyFree      = 0xffff // count of a freelist whose length stands in its first element
)

// walk reads every used page of a bbolt file without mapping the file, and checks
// everything that bbolt relies on: bbolt has no checksums and does not check. It does not
// read values, except for those that are buckets. A walk takes time in proportion to the
// number of pages, and one bit of memory for each.
type walk struct {
	ctx    context.Context // ends the walk
	file   io.ReaderAt
	meta   meta
	used   pageSet  // pages that were seen, or are free
	free   uint64   // how many of the used set are free
	levels [][]byte // memory for one page a level, so that its keys stay valid while the levels below are visited
	logEnd uint64   // number of the last record of the log, as its bucket says

	// damaged, if not nil, is called for each damaged page, and the walk goes on with the
	// others. whole is called for each intact leaf page.
	damaged func(n node, err error)
	whole   func(n node)
}

// node is a page to visit. Its keys are at or after low and before high.
type node struct {
	page      uint64
	low, high []byte // nil: no bound
	level     int
	in        string // the bucket it is of, below those that it is in
}

func newWalk(ctx context.Context, f io.ReaderAt, m meta) *walk {
	w := &walk{ctx: ctx, file: f, meta: m}
	w.used.add(0, 2) // the meta pages
	return w
}

func badPage(page uint64, format string, args ...any) error {
	return corrupt(fmt.Sprintf("page %d", page), fmt.Sprintf(format, args...)+": restore a backup, or salvage what is intact")
}

// check walks from the root and then through the freelist: every page is in use or free,
// and none is both, or twice.
func (w *walk) check() error {
	if err := w.visit(node{page: w.meta.root}); err != nil {
		return err
	}
	return w.others()
}

// others visits the pages that are in no tree.
func (w *walk) others() error {
	if err := w.freelist(); err != nil {
		return err
	}
	if w.used.size < w.meta.pages {
		return badPage(w.used.firstWithout(), "it is neither in use nor free, as %d pages", w.meta.pages-w.used.size)
	}
	return nil
}

// claim marks pages as used. It refuses a page that is marked already.
func (w *walk) claim(page, count uint64, as string) error {
	if page < 2 || page >= w.meta.pages {
		return badPage(page, "named %s, and the file has %d pages", as, w.meta.pages)
	}
	if count > w.meta.pages-page {
		return badPage(page, "it is said to take %d pages", count)
	}
	if twice, ok := w.used.add(page, count); !ok {
		return badPage(twice, "it is used twice, the second time %s", as)
	}
	return nil
}

// read brings in the first bytes of a page, with all its elements, and claims it with its
// overflow pages. What it returns is good until the next page of that level.
func (w *walk) read(id uint64, as string, level int) (page, error) {
	if id < 2 || id >= w.meta.pages {
		return page{}, w.claim(id, 1, as)
	}
	if err := w.ctx.Err(); err != nil {
		return page{}, err
	}
	if level >= len(w.levels) {
		w.levels = append(w.levels, nil)
	}
	p := page{id: id}
	if err := w.fill(&p, w.meta.pageSize, level); err != nil {
		return p, err
	}
	if says := binary.NativeEndian.Uint64(p.data); says != id {
		return p, badPage(id, "it says it is page %d", says)
	}
	count := 1 + uint64(binary.NativeEndian.Uint32(p.data[12:]))
	if err := w.claim(id, count, as); err != nil {
		return p, err
	}
	p.size = count * w.meta.pageSize
	want := uint64(pageHeader + p.claims()*elementSize)
	switch p.flags() {
	case flagFreelist:
		return p, nil // it has no elements
	case flagBranch: // all of its keys are needed at once
		if want = p.size; want > max(maxBranch, w.meta.pageSize) {
			return p, badPage(id, "a branch of %d bytes", want)
		}
	}
	if want = min(want, p.size); want > uint64(len(p.data)) {
		return p, w.fill(&p, want, level)
	}
	return p, nil
}

// fill reads the first bytes of a page.
func (w *walk) fill(p *page, size uint64, level int) error {
	if uint64(cap(w.levels[level])) < size {
		w.levels[level] = make([]byte, size)
	}
	p.data = w.levels[level][:size]
	return w.readAt(p.data, p.id, 0)
}

func (w *walk) readAt(data []byte, page, offset uint64) error {
	if _, err := w.file.ReadAt(data, int64(page*w.meta.pageSize+offset)); err != nil {
		return fmt.Errorf("page %d: %w", page, err)
	}
	return nil
}

// bytes returns bytes of a page that lie within it.
func (w *walk) bytes(p page, from, to uint64) ([]byte, error) {
	if to <= uint64(len(p.data)) {
		return p.data[from:to:to], nil
	}
	data := make([]byte, to-from)
	return data, w.readAt(data, p.id, from)
}

// visit checks a page of a tree and all below it.
func (w *walk) visit(n node) error {
	err := w.look(n)
	if err != nil && w.damaged != nil && w.ctx.Err() == nil {
		w.damaged(n, err)
		return nil
	}
	return err
}

func (w *walk) look(n node) error {
	if n.level == maxLevels {
		return badPage(n.page, "it lies under %d others, more than a file has", maxLevels)
	}
	p, err := w.read(n.page, "in a tree", n.level)
	if err != nil {
		return err
	}
	switch p.flags() {
	case flagBranch:
		return w.branch(n, p)
	case flagLeaf:
		if err := w.leaf(n, p); err != nil || w.whole == nil {
			return err
		}
		w.whole(n)
		return nil
	}
	return badPage(n.page, "its flags are %#x, not those of a tree", p.flags())
}

// branch checks a branch page, and then the pages it leads to.
func (w *walk) branch(n node, p page) error {
	if p.count() == 0 || !p.fits() {
		return badPage(n.page, "a branch with no children, or no room for them")
	}
	child := node{low: n.low, level: n.level + 1, in: n.in}
	end := uint64(0)
	for i := range p.count() {
		e, at, ok := p.branch(i)
		if !ok || !p.packed(i, e, end) {
			return badPage(n.page, "key %d lies outside it, or where another one should", i)
		}
		end = e.end
		key := p.data[e.from:e.end:e.end]
		if !inOrder(key, child.low, i > 0, n.high) {
			return badPage(n.page, "key %d is out of order", i)
		}
		if i > 0 {
			child.high = key
			if err := w.visit(child); err != nil {
				return err
			}
		}
		child.page, child.low = at, key
	}
	child.high = n.high
	return w.visit(child)
}

// leaf checks all elements of a leaf page, and the buckets among them.
func (w *walk) leaf(n node, p page) error {
	if !p.fits() || p.emptied() {
		return badPage(n.page, "it has no room for its elements, or more of them than it says")
	}
	low, end := n.low, uint64(0)
	for i := range p.count() {
		e, ok := p.leaf(i)
		if !ok || !p.packed(i, e, end) {
			return badPage(n.page, "element %d lies outside it, or where another one should", i)
		}
		if e.value-e.from > maxKey {
			return badPage(n.page, "key %d has %d bytes", i, e.value-e.from)
		}
		key, err := w.bytes(p, e.from, e.value)
		if err != nil {
			return err
		}
		if !inOrder(key, low, i > 0, n.high) {
			return badPage(n.page, "key %d is out of order", i)
		}
		low, end = key, e.end
		if e.bucket {
			if err := w.bucket(n, p, e, key); err != nil {
				return err
			}
		}
	}
	return nil
}

// bucket checks the value that stands for a bucket: its root page, or a whole small
// leaf page behind the header.
func (w *walk) bucket(n node, p page, e extent, name []byte) error {
	size := e.end - e.value
	if size < bucketHeader || size > bucketHeader+w.meta.pageSize {
		return badPage(n.page, "a bucket of %d bytes", size)
	}
	value, err := w.bytes(p, e.value, e.end)
	if err != nil {
		return err
	}
	if n.in == "/"+string(topBucket) && string(name) == string(bucketLog) {
		w.logEnd = binary.NativeEndian.Uint64(value[8:])
	}
	if root := binary.NativeEndian.Uint64(value); root != 0 {
		return w.visit(node{page: root, level: n.level + 1, in: n.in + "/" + string(name)})
	}
	small := page{id: n.page, data: value[bucketHeader:], size: size - bucketHeader}
	if small.size < pageHeader || small.flags() != flagLeaf || small.claims() == 0 && small.size > pageHeader ||
		binary.NativeEndian.Uint64(small.data) != 0 || binary.NativeEndian.Uint32(small.data[12:]) != 0 { // it has neither number nor overflow
		return badPage(n.page, "a bucket in it is damaged")
	}
	for i := range small.count() {
		if e, _ := small.leaf(i); e.bucket {
			return badPage(n.page, "a bucket inside a bucket without pages")
		}
	}
	return w.leaf(node{page: n.page}, small)
}

// freelist checks that exactly those pages are free that are not in use.
func (w *walk) freelist() error {
	at := w.meta.freelist
	p, err := w.read(at, "as the freelist", 0)
	if err != nil {
		return err
	}
	if p.flags() != flagFreelist {
		return badPage(at, "its flags are %#x, not those of the freelist", p.flags())
	}
	from := uint64(pageHeader)
	if w.free = uint64(p.claims()); w.free == manyFree {
		w.free = binary.NativeEndian.Uint64(p.data[from:])
		from += 8
	}
	if w.free > (p.size-from)/8 {
		return badPage(at, "it lists %d free pages, more than it can hold", w.free)
	}
	last, piece := uint64(1), make([]byte, min(8*w.free, 1<<16))
	for done := uint64(0); done < w.free; done += uint64(len(piece) / 8) {
		piece = piece[:min(uint64(len(piece)), 8*(w.free-done))]
		if err := w.readAt(piece, at, from+8*done); err != nil {
			return err
		}
		for i := 0; i < len(piece); i += 8 {
			free := binary.NativeEndian.Uint64(piece[i:])
			if free <= last {
				return badPage(at, "free page %d is listed after page %d", free, last)
			}
			if err := w.claim(free, 1, "as free"); err != nil {
				return err
			}
			last = free
		}
	}
	return nil
}
