package memory

import (
	"iter"
	"slices"
	"sort"
)

// chunkSize bounds the chunks of a sorted set, and so what one insertion has to move.
const chunkSize = 512

// sorted is a set of values in order, in chunks that are split when they are full.
// With a million values an insertion still moves a few kilobytes only.
type sorted[T any] struct {
	compare func(a, b T) int
	chunks  [][]T // none empty
}

// chunk returns the index of the chunk that v belongs to: the first whose last value is
// not smaller, or the last chunk if v is greater than all.
func (s *sorted[T]) chunk(v T) int {
	i := sort.Search(len(s.chunks), func(i int) bool {
		c := s.chunks[i]
		return s.compare(c[len(c)-1], v) >= 0
	})
	return min(i, len(s.chunks)-1)
}

// insert adds a value, unless one that compares the same is there.
func (s *sorted[T]) insert(v T) {
	if _, found := s.get(v); !found {
		s.put(v)
	}
}

// put adds a value in the place of one that compares the same.
func (s *sorted[T]) put(v T) {
	if len(s.chunks) == 0 {
		s.chunks = [][]T{{v}}
		return
	}
	i := s.chunk(v)
	at, found := slices.BinarySearchFunc(s.chunks[i], v, s.compare)
	if found {
		s.chunks[i][at] = v
		return
	}
	c := slices.Insert(s.chunks[i], at, v)
	s.chunks[i] = c
	if len(c) > chunkSize {
		right := slices.Clone(c[chunkSize/2:])
		clear(c[chunkSize/2:])
		s.chunks[i] = c[:chunkSize/2]
		s.chunks = slices.Insert(s.chunks, i+1, right)
	}
}

func (s *sorted[T]) remove(v T) {
	if len(s.chunks) == 0 {
		return
	}
	i := s.chunk(v)
	at, found := slices.BinarySearchFunc(s.chunks[i], v, s.compare)
	if !found {
		return
	}
	s.chunks[i] = slices.Delete(s.chunks[i], at, at+1)
	if len(s.chunks[i]) == 0 {
		s.chunks = slices.Delete(s.chunks, i, i+1)
	}
}

func (s *sorted[T]) has(v T) bool {
	_, found := s.get(v)
	return found
}

// get returns the value that compares the same as v.
func (s *sorted[T]) get(v T) (stored T, found bool) {
	if len(s.chunks) == 0 {
		return stored, false
	}
	c := s.chunks[s.chunk(v)]
	at, found := slices.BinarySearchFunc(c, v, s.compare)
	if found {
		stored = c[at]
	}
	return stored, found
}

// copied is a set of the same values.
func (s *sorted[T]) copied() sorted[T] {
	c := sorted[T]{compare: s.compare, chunks: make([][]T, len(s.chunks))}
	for i := range s.chunks {
		c.chunks[i] = slices.Clone(s.chunks[i])
	}
	return c
}

// from yields the values ≥ v in order.
func (s *sorted[T]) from(v T) iter.Seq[T] {
	return func(yield func(T) bool) {
		if len(s.chunks) == 0 {
			return
		}
		i := s.chunk(v)
		at, _ := slices.BinarySearchFunc(s.chunks[i], v, s.compare)
		for ; i < len(s.chunks); i, at = i+1, 0 {
			for _, v := range s.chunks[i][at:] {
				if !yield(v) {
					return
				}
			}
		}
	}
}

// after yields the values > v in order.
func (s *sorted[T]) after(v T) iter.Seq[T] {
	return func(yield func(T) bool) {
		for w := range s.from(v) {
			if s.compare(w, v) != 0 && !yield(w) {
				return
			}
		}
	}
}
