package creditledger

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestBlockListProperty holds the list to a slice that is sorted after every step.
func TestBlockListProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := blockList{order: byNumber}
		var model []*block
		blocks := map[uint64]*block{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			n := rapid.Uint64Range(1, 30).Draw(t, "number")
			b, held := blocks[n]
			switch {
			case !held:
				b = &block{Number: n}
				blocks[n] = b
				list.insert(b)
				model = append(model, b)
				slices.SortFunc(model, byNumber)
			default:
				delete(blocks, n)
				if !list.remove(b) {
					t.Fatalf("block %d was not found", n)
				}
				model = slices.DeleteFunc(model, func(x *block) bool { return x == b })
			}
			if list.remove(&block{Number: n}) {
				t.Fatalf("another block with number %d was removed", n)
			}
			checkBlockList(t, &list, model)
		}
		list.reset(slices.Clone(model))
		checkBlockList(t, &list, model)
	})
}

func checkBlockList(t rapid.TB, l *blockList, want []*block) {
	t.Helper()
	if !slices.Equal(l.all(), want) || l.len() != len(want) {
		t.Fatalf("the list holds %s (%d), want %s", numbersOf(l.all()), l.len(), numbersOf(want))
	}
	first := (*block)(nil)
	if len(want) > 0 {
		first = want[0]
	}
	if l.first() != first {
		t.Fatalf("the first is %v", l.first())
	}
	for i, b := range want {
		if l.at(i) != b {
			t.Fatalf("at %d is %v", i, l.at(i))
		}
	}
	for _, free := range [][]*block{l.buf[:l.lo], l.buf[len(l.buf):cap(l.buf)]} {
		for _, b := range free {
			if b != nil {
				t.Fatalf("the free room keeps block %d from being collected", b.Number)
			}
		}
	}
}

func TestBlockListResetSorts(t *testing.T) {
	a, b, c := &block{Number: 1}, &block{Number: 2}, &block{Number: 3}
	l := blockList{order: byNumber}
	l.insert(c)
	l.remove(c)
	l.reset([]*block{b, c, a})
	checkBlockList(t, &l, []*block{a, b, c})
}

// TestBlockListStaysSmall: an account whose old blocks are drained while new ones are
// granted, for ever, keeps no room for those that are gone.
func TestBlockListStaysSmall(t *testing.T) {
	const held, passed = 10, 20_000
	l := blockList{order: byNumber}
	for n := uint64(1); n <= passed; n++ {
		l.insert(&block{Number: n})
		if l.len() > held {
			l.remove(l.first())
		}
	}
	if cap(l.buf) > 20*held {
		t.Errorf("a list that never held more than %d blocks takes room for %d", held+1, cap(l.buf))
	}
}

// TestBlockListEnds: work at either end does not grow with the length: few blocks are
// compared, and none of the others moves.
func TestBlockListEnds(t *testing.T) {
	const size = 100_000
	compared := 0
	l := blockList{order: func(a, b *block) int { compared++; return byNumber(a, b) }}
	blocks := make([]*block, size)
	for i := range blocks {
		blocks[i] = &block{Number: uint64(i) + 10}
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(size, func(i, j int) { blocks[i], blocks[j] = blocks[j], blocks[i] })
	l.reset(append(make([]*block, 0, size+10), blocks...))
	stays := &l.all()[size/2] // the place of one in the middle
	for range 3 {
		for _, b := range []*block{l.first(), l.at(l.len() - 1)} {
			compared = 0
			l.remove(b)
			l.insert(b)
			if compared > 100 {
				t.Errorf("%d comparisons to remove and insert at an end of %d", compared, size)
			}
			if place := &l.all()[size/2]; place != stays {
				t.Errorf("the block in the middle moved")
			}
		}
	}
}
