package bolt

import (
	"bytes"
	"encoding/binary"
)

// page is a bbolt page, or the page inside a small bucket. Its bytes cannot be trusted.
// data has at least the header and the count elements.
type page struct {
	id   uint64
	data []byte // the first bytes of the page, or all of them
	size uint64 // of the page with its overflow pages
}

func (p page) flags() uint16 { return binary.NativeEndian.Uint16(p.data[8:]) }

// claims returns how many elements the page says it has.
func (p page) claims() int { return int(binary.NativeEndian.Uint16(p.data[10:])) }

// count returns how many elements the page says it has, but no more than it has room for.
func (p page) count() int {
	return min(p.claims(), (len(p.data)-pageHeader)/elementSize)
}

// fits reports whether there is room for all elements that the page says it has.
func (p page) fits() bool { return p.count() == p.claims() }

// element returns the 16 bytes that describe an element.
func (p page) element(i int) []byte { return p.data[pageHeader+i*elementSize:][:elementSize] }

// extent says where the bytes of an element lie in its page.
type extent struct {
	from, value, end uint64 // the key, the value behind it, and what comes next
	bucket           bool   // the value is a bucket
}

// within places size bytes from pos on, which counts from the element's description.
func (p page) within(i int, pos, key, value uint32) (extent, bool) {
	e := extent{from: uint64(pageHeader+i*elementSize) + uint64(pos)}
	e.value = e.from + uint64(key)
	e.end = e.value + uint64(value)
	return e, e.end <= p.size && e.from >= uint64(pageHeader+p.count()*elementSize)
}

// branch returns where the key of an element of a branch page lies, and the page that
// it leads to.
func (p page) branch(i int) (e extent, child uint64, ok bool) {
	b := p.element(i)
	e, ok = p.within(i, binary.NativeEndian.Uint32(b), binary.NativeEndian.Uint32(b[4:]), 0)
	return e, binary.NativeEndian.Uint64(b[8:]), ok
}

// leaf returns where an element of a leaf page lies.
func (p page) leaf(i int) (extent, bool) {
	b := p.element(i)
	flags := binary.NativeEndian.Uint32(b)
	e, ok := p.within(i, binary.NativeEndian.Uint32(b[4:]), binary.NativeEndian.Uint32(b[8:]), binary.NativeEndian.Uint32(b[12:]))
	e.bucket = flags == elementBucket
	return e, ok && flags <= elementBucket
}

// packed reports whether the elements lie as bbolt puts them: one after another, behind
// the last description. If the number of elements is wrong, the page is not packed.
// Nothing else shows that an element is missing.
func (p page) packed(i int, e extent, before uint64) bool {
	if i == 0 {
		before = uint64(pageHeader + p.claims()*elementSize)
	}
	return e.from == before
}

// emptied reports whether a page has an element although it says that it has none.
func (p page) emptied() bool {
	if p.claims() > 0 || len(p.data) < pageHeader+elementSize {
		return false
	}
	first := p.data[pageHeader:][:elementSize]
	return binary.NativeEndian.Uint64(first) != 0 || binary.NativeEndian.Uint64(first[8:]) != 0
}

// inOrder reports whether key may stand between low and high. It may equal low unless
// strictly is set.
func inOrder(key, low []byte, strictly bool, high []byte) bool {
	c := 1
	if low != nil {
		c = bytes.Compare(key, low)
	}
	return len(key) > 0 && len(key) <= maxKey && (c > 0 || c == 0 && !strictly) &&
		(high == nil || bytes.Compare(key, high) < 0)
}
