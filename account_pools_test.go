package creditledger

import (
	"fmt"
	"testing"

	"creditledger/fuzz/testsize"
)

// TestEmptiedPoolsAreDropped: what was used up, however many filters it had, is not
// looked at again and takes no room.
func TestEmptiedPoolsAreDropped(t *testing.T) {
	filters := testsize.Of(60, 300, 300)
	b := newBook(t).given(grant("plain", "1000"))
	for i := range filters {
		b.given(grant(fmt.Sprint("b", i), "1", only(fmt.Sprint("item", i))))
	}
	if n := len(b.a.filtered.list); n != filters {
		t.Fatalf("%d pools of %d filters", n, filters)
	}
	for i := range filters { // from both ends
		n := i / 2
		if i%2 == 1 {
			n = filters - 1 - n
		}
		b.given(spend("1", item(fmt.Sprint("item", n))))
		if got := len(b.a.filtered.list); got != filters-1-i {
			t.Fatalf("%d pools after %d were used up", got, i+1)
		}
	}
	if b.a.filtered.byKey != nil || b.a.filtered.list != nil {
		t.Error("empty pools keep their room")
	}
	if got := b.a.available(Charge{ItemID: "item7"}); got.String() != "1000" {
		t.Errorf("%s are available", got)
	}
}

// TestListsGiveRoomBack: an account that held very many blocks once is as small as one
// that did not.
func TestListsGiveRoomBack(t *testing.T) {
	const many = 10_000
	l := blockList{order: byNumber}
	var blocks []*block
	for n := range uint64(many) {
		blocks = append(blocks, &block{Number: n})
		l.insert(blocks[n])
	}
	for i, b := range blocks {
		if i%2 == 1 { // from both ends
			b = blocks[many-i]
		}
		if l.len() > 10 && !l.remove(b) {
			t.Fatalf("block %d is not there", b.Number)
		}
	}
	if cap(l.buf) > 128 {
		t.Errorf("%d blocks take room for %d", l.len(), cap(l.buf))
	}
	b := newBook(t)
	for i := range 100 {
		b.given(grant(fmt.Sprint(i), "1"))
	}
	for i := range 100 {
		b.given(voidOf(fmt.Sprint(i), "1"))
	}
	b.a.forget(b.a.head.Version)
	if b.a.closed != nil || len(b.a.byID) > b.a.open.len() {
		t.Errorf("%d closed blocks and %d ids are kept", len(b.a.closed), len(b.a.byID))
	}
}
