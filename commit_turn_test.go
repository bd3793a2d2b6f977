package creditledger

import (
	"context"
	"fmt"
	"testing"
	"unsafe"
)

// discards is a store that keeps nothing.
type discards struct{ Store }

func (discards) Load(context.Context, AccountID, *Head) (*State, error) { return &State{}, nil }
func (discards) Commit(context.Context, []Change) error                 { return nil }
func (discards) KeySeq(context.Context, AccountID, Key) (uint64, error) { return 0, nil }
func (discards) Record(_ context.Context, id RecordID) (Record, error) {
	return Record{}, &NotFoundError{Kind: id.Kind, ID: id.Key}
}

// TestALargeCommitLeavesNoMemoryBehind: what the committer keeps for the next commit is
// what most of them need, however large one was.
func TestALargeCommitLeavesNoMemoryBehind(t *testing.T) {
	l := New(discards{}, nil)
	grants := make(Batch, MaxBatch)
	for i := range grants {
		grants[i] = Increment{Amount: AmountOf(1)}
	}
	hold := l.commit.turn() // nobody commits meanwhile
	l.commit.gathering = true
	var last *Pending
	for i := range 20 {
		p, err := l.Submit(t.Context(), AccountID{Customer: fmt.Sprint(i)}, grants, "")
		if err != nil {
			t.Fatal(err)
		}
		last = p
	}
	l.commit.gathering = false
	l.commit.running++
	for hold.take() {
		hold.commit(t.Context())
	}
	if _, err := last.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	const bound = 4 << 20
	kept := uintptr(cap(l.commit.ready)) * unsafe.Sizeof((*slot)(nil))
	for _, turn := range l.commit.spare {
		kept += uintptr(cap(turn.blocks))*unsafe.Sizeof(StoredBlock{}) + uintptr(cap(turn.changes))*unsafe.Sizeof(Change{})
	}
	if kept > bound {
		t.Errorf("%d bytes are kept for the next commit", kept)
	}
	if used := l.commit.bytes.used.Load() + l.commit.blocks.used.Load(); used != 0 {
		t.Errorf("with nothing in the air %d are taken of the budgets", used)
	}
	l.Close()
}
