package bolt

import (
	"bytes"
	"encoding/binary"
)

// page is a bbolt page as bytes, with its overflow pages, or the page inside a small
// bucket. Its bytes are not to be trusted; there are at least those of the header.
type page struct {
	id   uint64
	data []byte
}

func (p page) flags() uint16 { return binary.NativeEndian.Uint16(p.data[8:]) }

// count is how many elements the page says it has, as far as there is room for them.
func (p page) count() int {
	return min(int(binary.NativeEndian.Uint16(p.data[10:])), (len(p.data)-pageHeader)/elementSize)
}

// fits reports whether there is room for all elements that the page says it has.
func (p page) fits() bool { return p.count() == int(binary.NativeEndian.Uint16(p.data[10:])) }

// element returns the 16 bytes that describe an element.
func (p page) element(i int) []byte { return p.data[pageHeader+i*elementSize:][:elementSize] }

// slice returns size bytes from pos on, which counts from the element's description.
func (p page) slice(i int, pos, size uint32) ([]byte, bool) {
	from := uint64(pageHeader+i*elementSize) + uint64(pos)
	to := from + uint64(size)
	if to > uint64(len(p.data)) || from < uint64(pageHeader+p.count()*elementSize) {
		return nil, false
	}
	return p.data[from:to:to], true
}

// offset returns where the key of an element of a leaf page begins.
func (p page) offset(i int) int64 {
	return int64(pageHeader+i*elementSize) + int64(binary.NativeEndian.Uint32(p.element(i)[4:]))
}

// pair returns the key and value of an element of a leaf page, and whether the value
// is a bucket.
func (p page) pair(i int) (key, value []byte, bucket, ok bool) {
	e := p.element(i)
	flags, pos := binary.NativeEndian.Uint32(e), binary.NativeEndian.Uint32(e[4:])
	keySize, valueSize := binary.NativeEndian.Uint32(e[8:]), binary.NativeEndian.Uint32(e[12:])
	if flags > elementBucket || uint64(keySize)+uint64(valueSize) > uint64(len(p.data)) {
		return nil, nil, false, false
	}
	both, ok := p.slice(i, pos, keySize+valueSize)
	if !ok {
		return nil, nil, false, false
	}
	return both[:keySize], both[keySize:], flags == elementBucket, true
}

// leaf checks all elements of a leaf page and calls f for those that are buckets.
func (p page) leaf(n node, f func(key, value []byte) error) error {
	if !p.fits() {
		return badPage(p.id, "it has no room for its elements")
	}
	low := n.low
	for i := range p.count() {
		key, value, bucket, ok := p.pair(i)
		if !ok {
			return badPage(p.id, "element %d lies outside it", i)
		}
		if !inOrder(key, low, i > 0, n.high) {
			return badPage(p.id, "key %d is out of order", i)
		}
		low = key
		if bucket {
			if err := f(key, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// inOrder reports whether key is possible behind low (or, unless strictly behind, at
// it) and before high.
func inOrder(key, low []byte, strictly bool, high []byte) bool {
	c := 1
	if low != nil {
		c = bytes.Compare(key, low)
	}
	return len(key) > 0 && len(key) <= maxKey && (c > 0 || c == 0 && !strictly) &&
		(high == nil || bytes.Compare(key, high) < 0)
}
