//go:build !race

package creditledger

import (
	"errors"
	"strings"
	"testing"
)

// One goroutine decides here on millions of blocks, in which the race detector has
// nothing to find: under it these take minutes.

// TestOpenBlocksAreBounded: an operation after which the open blocks of an account count
// more than they may is refused, by their number or by what they say; one that leaves no
// more is done, also where there are too many already.
func TestOpenBlocksAreBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("makes half a million blocks")
	}
	future := when("2027-01-01")
	full := crowded(t, MaxOpenBlocks, "1", future)
	heavy := crowded(t, MaxOpenBlocks-1000, "1", future)
	over := crowded(t, MaxOpenBlocks+1, "1", future)
	for _, c := range []struct {
		rule    string
		account *account
		op      Operation
		refused bool
	}{
		{"one more than there may be", full, Increment{Amount: AmountOf(1)}, true},
		{"a part of a block moved to another", full, ExpirationChange{BlockID: "1", Target: At(when("2028-01-01").Time()), Amount: MustAmount("0.5")}, true},
		{"a debt in a block of its own", full, Decrement{Amount: MustAmount("0.5")}, false},
		{"all of a block moved to another", full, ExpirationChange{BlockID: "1", Target: At(when("2028-01-01").Time())}, false},
		{"two in, of which one fits", crowded(t, MaxOpenBlocks-1, "1", future), Batch{Increment{Amount: AmountOf(1)}, Increment{Amount: AmountOf(1)}}, true},
		{"one that says little", heavy, stuffed(200_000), false},
		{"one that says much", heavy, stuffed(300_000), true},
		{"spending where there are too many", over, Decrement{Amount: AmountOf(1)}, false},
		{"granting where there are too many", over, Increment{Amount: AmountOf(1)}, true},
	} {
		t.Run(c.rule, func(t *testing.T) {
			l := New(nil, nil)
			usual := Settings{}.withDefaults()
			op := normalise(c.op, &usual, nil)
			before, head := c.account.weight, c.account.head
			d := newDecision(l, &request{account: c.account.id, op: op, settings: &knownSettings{Settings: usual}}, c.account)
			defer d.free()
			err := d.decide()
			var limit *LimitError
			switch {
			case c.refused && (!errors.As(err, &limit) || !errors.Is(err, ErrLimit) || limit.Blocks <= MaxOpenBlocks || !strings.Contains(err.Error(), "open blocks")):
				t.Errorf("%v, want a LimitError", err)
			case !c.refused && err != nil:
				t.Error(err)
			case !c.refused:
				d.takeBack()
			}
			if c.account.weight != before || c.account.head != head {
				t.Errorf("the account weighs %d, %d before", c.account.weight, before)
			}
			if got := openWeight(c.account); got != before {
				t.Errorf("the open blocks weigh %d, the account says %d", got, before)
			}
		})
	}
}

// TestBatchEntriesAreBounded: a batch writes as many entries as it may.
func TestBatchEntriesAreBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("makes more than 100,000 blocks")
	}
	a := crowded(t, MaxBatchEntries+1, "1", when("2027-01-01"))
	draw := func(last int64) (b Batch) {
		for range MaxBatchEntries / MaxEntries {
			b = append(b, Decrement{Amount: AmountOf(MaxEntries)})
		}
		if last > 0 {
			b = append(b, Decrement{Amount: AmountOf(last)})
		}
		return b
	}
	usual := Settings{}.withDefaults()
	decide := func(op Batch) (*Result, error) {
		d := newDecision(New(nil, nil), &request{account: a.id, op: op, settings: &knownSettings{Settings: usual}}, a)
		defer d.free()
		err := d.decide()
		result := d.result
		if err == nil {
			d.takeBack()
		}
		return result, err
	}
	if result, err := decide(draw(0)); err != nil || len(result.Entries) != MaxBatchEntries {
		t.Errorf("as many as it may: %v", err)
	}
	var limit *LimitError
	if _, err := decide(draw(1)); !errors.As(err, &limit) || limit.Entries != MaxBatchEntries+1 || !strings.Contains(err.Error(), "batch") {
		t.Errorf("one more: %v, want a LimitError", err)
	}
}
