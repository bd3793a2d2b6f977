package creditledger

import (
	"context"
	"fmt"
	"testing"
	"time"
	"unsafe"
)

// discards is a store that keeps nothing.
type discards struct{ Store }

func (discards) Load(context.Context, AccountID, *Head) (*State, error) { return &State{}, nil }
func (discards) Commit(context.Context, []Change) error                 { return nil }
func (discards) KeySeq(context.Context, AccountID, Key) (uint64, error) { return 0, nil }
func (discards) Document(_ context.Context, id DocumentID) (Document, error) {
	return Document{}, &NotFoundError{Kind: id.Kind, ID: id.Key}
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
	for hold.gather() {
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

// TestPatienceIsBoundedByTheClock: a commit that waits for those who were in the last one
// waits a moment, however seldom the scheduler comes back to it where others compute, and
// however many keep coming.
func TestPatienceIsBoundedByTheClock(t *testing.T) {
	for _, c := range []struct {
		rule             string
		patience, joined int           // operations that come in with each yield
		yield            time.Duration // how long each takes
		waiting          int
		alone            bool
		most             int // yields
	}{
		{"idle machine: a few hundred yields", manyYields, 0, 100 * time.Nanosecond, 1, false, manyYields},
		{"busy machine: one slice of others", manyYields, 0, 10 * time.Millisecond, 1, false, 1},
		{"in between", manyYields, 0, 10 * time.Microsecond, 1, false, 5},
		{"they keep coming", manyYields, 1, 10 * time.Microsecond, 1, false, 5},
		{"in memory: one yield", 1, 0, 10 * time.Millisecond, 1, false, 1},
		{"in memory, they keep coming", 1, 1, 10 * time.Microsecond, 1, false, 5},
		{"a lone writer does not wait", manyYields, 0, time.Nanosecond, 1, true, 0},
		{"a full commit does not wait", manyYields, 0, time.Nanosecond, manyOperations, false, 0},
	} {
		t.Run(c.rule, func(t *testing.T) {
			now, yields := time.Unix(0, 0), 0
			g := &committer{patience: c.patience, expected: 1 << 20, waiting: c.waiting, alone: c.alone}
			g.env.now = func() time.Time { return now }
			g.env.yield = func() {
				yields++
				now = now.Add(c.yield)
				g.waiting += c.joined
			}
			g.mu.Lock()
			g.awaitMore()
			g.mu.Unlock()
			if yields > c.most || c.most > 1 && yields < c.most/2 {
				t.Errorf("%d yields, want at most %d", yields, c.most)
			}
		})
	}
}

// TestWaitingIsWhatIsReady: a commit that takes a part of what is ready counts that part out,
// however long something is left.
func TestWaitingIsWhatIsReady(t *testing.T) {
	c := &committer{width: 1, accounts: 2, patience: 1, running: 1}
	c.env.now, c.env.yield = func() time.Time { return time.Time{} }, func() {}
	turn := &turn{committer: c}
	operations := map[*slot]int{}
	for i := range 5 {
		s := &slot{}
		operations[s] = 1 + i
		c.requeue(s, operations[s])
	}
	for range 100 { // what a commit took is followed by as much
		if !turn.gather() {
			t.Fatal("it takes nothing")
		}
		taken, left := 0, 0
		for _, s := range turn.slots {
			taken += operations[s]
		}
		for _, s := range c.ready {
			left += operations[s]
		}
		if c.taken != taken || c.waiting != left {
			t.Fatalf("%d taken and %d waiting, want %d and %d", c.taken, c.waiting, taken, left)
		}
		for _, s := range turn.slots {
			c.requeue(s, operations[s])
		}
	}
}
