package bolt

import "math/bits"

// pageSet is a set of page numbers. Its memory depends on how many numbers are in it, not
// on how large they are, because a file may claim more pages than it has.
type pageSet struct {
	chunks map[uint64]*pageChunk
	size   uint64 // how many are in it
	last   *pageChunk
	lastAt uint64
}

// pageChunk has a bit for each of chunkPages numbers.
type pageChunk [chunkPages / 64]uint64

const chunkPages = 1 << 15

func (s *pageSet) chunk(at uint64) *pageChunk {
	if s.last != nil && s.lastAt == at {
		return s.last
	}
	if c := s.chunks[at]; c != nil {
		s.last, s.lastAt = c, at
		return c
	}
	return nil
}

// has reports whether a page is in the set.
func (s *pageSet) has(page uint64) bool {
	c := s.chunk(page / chunkPages)
	return c != nil && c[page%chunkPages/64]&(1<<(page%64)) != 0
}

// add adds consecutive pages. If one is in the set already, it returns that page and
// false.
func (s *pageSet) add(page, count uint64) (twice uint64, ok bool) {
	for count > 0 {
		c := s.chunk(page / chunkPages)
		if c == nil {
			if s.chunks == nil {
				s.chunks = map[uint64]*pageChunk{}
			}
			c = new(pageChunk)
			s.chunks[page/chunkPages] = c
		}
		n := min(count, 64-page%64) // in one word of 64 bits
		word, mask := &c[page%chunkPages/64], ^uint64(0)>>(64-n)<<(page%64)
		if both := *word & mask; both != 0 {
			return page/64*64 + uint64(bits.TrailingZeros64(both)), false
		}
		*word |= mask
		s.size += n
		page, count = page+n, count-n
	}
	return 0, true
}

// firstWithout returns the lowest page that is not in the set.
func (s *pageSet) firstWithout() uint64 {
	for at := uint64(0); ; at++ {
		c := s.chunk(at)
		if c == nil {
			return at * chunkPages
		}
		for i, word := range c {
			if ^word != 0 {
				return at*chunkPages + uint64(i*64+bits.TrailingZeros64(^word))
			}
		}
	}
}
