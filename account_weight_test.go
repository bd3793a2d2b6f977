package creditledger

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// stuffed is a grant with filters and metadata of about that many bytes.
func stuffed(size int) Increment {
	const value = 200
	op := Increment{Amount: AmountOf(1)}
	var values []string
	for i := 0; i < size/(value+16); i++ {
		values = append(values, fmt.Sprintf("%0*d", value, i))
	}
	if len(values) > 0 {
		op.Filters = []Filter{{Field: FilterFieldItem, Values: values}}
	}
	op.Metadata = map[string]string{"a": "b"}
	return op
}

// openWeight is what the open blocks of an account weigh, counted afresh.
func openWeight(a *account) int {
	weight := 0
	for _, b := range a.open.all() {
		weight += b.weight()
	}
	return weight
}

// TestBatchesAreBoundedInBytes: a batch is refused before anything is made of it when
// its texts take up more than they may, and one that is replayed is not.
func TestBatchesAreBoundedInBytes(t *testing.T) {
	large := stuffed(200_000)
	fits := MaxBatchSize / operationSize(large)
	batch := func(n int) (b Batch) {
		for range n {
			b = append(b, large)
		}
		return b
	}
	if err := checkSize(batch(fits)); err != nil {
		t.Errorf("%d of them: %v", fits, err)
	}
	var e *InvalidError
	if err := checkSize(batch(fits + 1)); !errors.As(err, &e) || e.Field != "operations" {
		t.Errorf("%d of them: %v, want an InvalidError", fits+1, err)
	}
	if err := batch(fits + 1).check(); err != nil {
		t.Errorf("replayed: %v", err)
	}
	for _, op := range []Operation{
		Decrement{Description: strings.Repeat("x", MaxDescription)}, ExpirationChange{BlockID: "b"}, Void{BlockID: "b"}, Amendment{BlockID: "b"}, Activation{BlockID: "b"},
	} {
		if operationSize(op) < 16 || checkSize(op) != nil {
			t.Errorf("%s takes up %d bytes, %v", op.Name(), operationSize(op), checkSize(op))
		}
	}
}

// TestBlocksWeighWhatTheyTakeUp: what an account says its blocks weigh is about what they
// keep from being collected, whatever they say.
func TestBlocksWeighWhatTheyTakeUp(t *testing.T) {
	for _, size := range []int{0, 1_000, 20_000} {
		n := 20_000_000 / (300 + size)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&before)
		s := State{Head: Head{Version: 1, Blocks: uint64(n), Total: AmountOf(int64(n))}}
		for i := range n {
			op := stuffed(size)
			if size == 0 {
				op.Metadata = nil
			}
			s.Blocks = append(s.Blocks, Block{ID: fmt.Sprintf("%036d", i), Number: uint64(i + 1), EffectiveAt: 1,
				Initial: AmountOf(1), Balance: AmountOf(1), Capacity: AmountOf(1), Filters: op.Filters, Metadata: op.Metadata})
		}
		s.Head.LastAt = 1
		a, err := newAccount(AccountID{Customer: "cus", Currency: "credits"}, &s)
		if err != nil {
			t.Fatal(err)
		}
		s = State{}
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&after)
		kept, says := int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(a.weight)*weightUnit
		t.Logf("%d blocks of %d bytes: keep %d bytes, weigh %d", n, size, kept, says)
		if kept > says*3/2 || kept < says/3 {
			t.Errorf("%d blocks of %d bytes keep %d bytes and weigh %d", n, size, kept, says)
		}
		runtime.KeepAlive(a)
	}
}

// TestExplainIsBounded: an account that has had more blocks than fit in an answer is told
// what to ask instead, and one less is explained.
func TestExplainIsBounded(t *testing.T) {
	a := crowded(t, 1, "1", 0)
	for _, blocks := range []uint64{MaxExplained, MaxExplained + 1} {
		head := a.head
		head.Blocks = blocks
		l := New(explained{head: head}, nil)
		_, err := l.Explain(t.Context(), a.id, AmountOf(1), Charge{})
		var refused *ConstraintError
		if refuses := errors.As(err, &refused); refuses != (blocks > MaxExplained) || !refuses && err != nil {
			t.Errorf("%d blocks: %v", blocks, err)
		}
	}
}

// explained is a store of one account that never has a block open.
type explained struct {
	discards
	head Head
}

func (s explained) Load(context.Context, AccountID, *Head) (*State, error) {
	s.head.Total, s.head.NextDue = Amount{}, 0
	return &State{Head: s.head}, nil
}

func (s explained) Blocks(context.Context, AccountID, uint64, int) ([]Block, error) { return nil, nil }
