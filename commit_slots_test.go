package creditledger

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

func slotOf(t *testing.T, c *cache, name string, openBlocks int) *slot {
	t.Helper()
	s, err := c.acquire(context.Background(), AccountID{Customer: name})
	if err != nil {
		t.Fatal(err)
	}
	if s.account == nil {
		state := State{}
		for i := range openBlocks {
			state.Blocks = append(state.Blocks, Block{
				ID: fmt.Sprint(i), Number: uint64(i + 1), Initial: AmountOf(1), Balance: AmountOf(1), Capacity: AmountOf(1), Status: BlockPendingPayment,
			})
		}
		if s.account, err = newAccount(s.id, &state); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (c *cache) names() []string {
	var names []string
	for e := c.recent.Front(); e != nil; e = e.Next() {
		names = append(names, e.Value.(*slot).id.Customer)
	}
	return names
}

// TestCacheEvicts the accounts that were not used for longest, and as few as need be.
func TestCacheEvicts(t *testing.T) {
	c := &cache{limit: 10}
	use := func(name string, blocks int, want ...string) {
		t.Helper()
		c.release(slotOf(t, c, name, blocks))
		if got := c.names(); !slices.Equal(got, want) || len(c.slots) != len(want) {
			t.Errorf("after %s: %v, want %v", name, got, want)
		}
	}
	use("a", 2, "a")           // 3
	use("b", 2, "b", "a")      // 6
	use("c", 3, "c", "b", "a") // 10
	use("a", 2, "a", "c", "b")
	use("d", 0, "d", "a", "c") // 11 without b: 8
	use("e", 0, "e", "d", "a", "c")
	use("big", 20, "big", "e") // larger than all room, it leaves room for another one
	use("e", 0, "e", "big")
	use("big", 20, "big", "e")
	use("f", 0, "f", "big")
	use("larger", 30, "larger", "f")
	if c.weight != 10 {
		t.Errorf("a full cache weighs %d", c.weight)
	}
}

// TestCacheKeepsWhatIsUsed: an account that someone holds, waits for, or has a flight
// of in the air is not evicted.
func TestCacheKeepsWhatIsUsed(t *testing.T) {
	c := &cache{limit: 1}
	held := slotOf(t, c, "held", 5)
	c.release(slotOf(t, c, "other", 5))
	c.release(slotOf(t, c, "third", 5))
	if got := c.names(); !slices.Equal(got, []string{"third", "held"}) {
		t.Errorf("kept %v", got)
	}
	f := newFlight(held, 0, Seal{})
	c.launch(f)
	c.release(held)
	if got := c.names(); !slices.Equal(got, []string{"held"}) {
		t.Errorf("with a flight in the air: %v", got)
	}
	c.landed(f)
	c.release(slotOf(t, c, "other", 0))
	if got := c.names(); !slices.Equal(got, []string{"other"}) {
		t.Errorf("then: %v", got)
	}

	locked := slotOf(t, c, "locked", 5)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if s, err := c.acquire(ctx, locked.id); s != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("a locked account, called off: %v, %v", s, err)
	}
	if locked.users != 1 {
		t.Errorf("%d users are counted", locked.users)
	}
	c.release(locked)
}

// TestSlotTwiceAboard: a decision that was thrown away leaves its account in the queue
// a second time; a flight that comes up meanwhile does not push the one in the air
// aside.
func TestSlotTwiceAboard(t *testing.T) {
	cache := &cache{limit: 10}
	turn := &turn{committer: &committer{cache: cache, env: environment{lock: cache.lockHeld}}, slots: make([]*slot, 1)}
	board := func(s *slot) (flying []*slot) {
		turn.slots[0] = s
		turn.flying, turn.changes = nil, nil
		turn.board()
		return turn.flying
	}
	s := slotOf(t, cache, "a", 0)
	first, second := newFlight(s, 0, Seal{}), newFlight(s, 1, Seal{})
	first.records, second.records = []JournalRecord{{Seq: 1}}, []JournalRecord{{Seq: 2}}
	s.push(first)
	cache.unlockHeld(s)
	if flying := board(s); len(flying) != 1 || len(turn.changes) != 1 || s.flying != first {
		t.Fatalf("aboard: %v, %v", flying, turn.changes)
	}
	s.push(second)
	if flying := board(s); len(flying) != 0 || s.flying != first || s.queued != second {
		t.Errorf("a second flight of one account went aboard: %v", flying)
	}
}

// TestFlightTouch: each block once, and new if it was so once, however many there are.
func TestFlightTouch(t *testing.T) {
	f := newFlight(nil, 0, Seal{})
	blocks := make([]*block, 100)
	for i := range blocks {
		blocks[i] = &block{Number: uint64(i + 1)}
		f.touch(blocks[i], i%2 == 0)
		for _, b := range blocks[:i+1] {
			f.touch(b, false)
		}
	}
	if len(f.touched) != len(blocks) {
		t.Fatalf("%d of %d", len(f.touched), len(blocks))
	}
	for i, touched := range f.touched {
		if touched.block != blocks[i] || touched.new != (i%2 == 0) {
			t.Errorf("block %d is %+v", i+1, touched)
		}
	}
}

// TestSlotLock: one holder at a time, whoever of those who wait gives up, and nobody
// left out in the end.
func TestSlotLock(t *testing.T) {
	c := &cache{limit: 10}
	id := AccountID{Customer: "a"}
	var inside, got atomic.Int32
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for j := range 200 {
				ctx, cancel := context.WithCancel(context.Background())
				if (i+j)%3 == 0 {
					go cancel()
				}
				s, err := c.acquire(ctx, id)
				cancel()
				if err != nil {
					continue
				}
				if n := inside.Add(1); n != 1 {
					t.Errorf("%d hold it", n)
				}
				runtime.Gosched()
				got.Add(1)
				inside.Add(-1)
				c.release(s)
			}
		})
	}
	wg.Wait()
	s := slotOf(t, c, "a", 0)
	if s.users != 1 || s.waiting != 0 || len(s.handed) != 0 {
		t.Errorf("%d users, %d waiting, %d handed", s.users, s.waiting, len(s.handed))
	}
	c.release(s)
	if s.locked || got.Load() < 16*200/2 {
		t.Errorf("locked: %t; it was got %d times", s.locked, got.Load())
	}
}
