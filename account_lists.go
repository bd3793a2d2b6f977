package creditledger

import (
	"slices"
	"sort"
)

// blockList keeps blocks in an order. Looking up is a binary search; inserting and
// removing shift the shorter side, so that work at either end, where drawing and
// granting mostly happen, does not grow with the length.
type blockList struct {
	order func(a, b *block) int // total: 0 only for the same block
	buf   []*block
	lo    int // buf[:lo] is unused room in front
}

func (l *blockList) len() int        { return len(l.buf) - l.lo }
func (l *blockList) all() []*block   { return l.buf[l.lo:] }
func (l *blockList) at(i int) *block { return l.buf[l.lo+i] }

func (l *blockList) first() *block {
	if l.len() == 0 {
		return nil
	}
	return l.buf[l.lo]
}

// reset fills the list with blocks in any order.
func (l *blockList) reset(blocks []*block) {
	l.buf, l.lo = blocks, 0
	slices.SortFunc(l.buf, l.order)
}

func (l *blockList) search(b *block) int {
	s := l.all()
	return sort.Search(len(s), func(i int) bool { return l.order(s[i], b) >= 0 })
}

func (l *blockList) insert(b *block) {
	i := l.search(b)
	if i < l.len()/2 {
		if l.lo == 0 {
			l.makeRoom()
		}
		l.lo--
		s := l.all()
		copy(s[:i], s[1:i+1])
		s[i] = b
		return
	}
	if l.lo > l.len() && len(l.buf) == cap(l.buf) {
		// More room in front than blocks: use it rather than ask for more.
		n := copy(l.buf, l.all())
		clear(l.buf[n:])
		l.buf, l.lo = l.buf[:n], 0
	}
	l.buf = slices.Insert(l.buf, l.lo+i, b)
}

// makeRoom makes room in front, as append does at the end.
func (l *blockList) makeRoom() {
	room := 4 + l.len()/2
	buf := make([]*block, room+l.len())
	copy(buf[room:], l.all())
	l.buf, l.lo = buf, room
}

// remove takes b out; false when it is not there.
func (l *blockList) remove(b *block) bool {
	i := l.search(b)
	s := l.all()
	if i == len(s) || s[i] != b {
		return false
	}
	if i < len(s)/2 {
		copy(s[1:i+1], s[:i])
		s[0] = nil
		l.lo++
	} else {
		copy(s[i:], s[i+1:])
		s[len(s)-1] = nil
		l.buf = l.buf[:len(l.buf)-1]
	}
	const few = 64
	switch n := l.len(); {
	case n == 0 && cap(l.buf) <= few:
		l.buf, l.lo = l.buf[:0], 0
	case cap(l.buf) > few && n < cap(l.buf)/4: // a list that was long gives its memory back
		l.buf, l.lo = append(make([]*block, 0, max(2*n, few/2)), l.all()...), 0
	}
	return true
}
