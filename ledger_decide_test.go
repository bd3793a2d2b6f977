package creditledger_test

import (
	"context"
	"errors"
	"testing"

	"creditledger"
	"creditledger/store/memory"
)

// A decrement of as many blocks as an operation may write entries for is decided; one
// block more is refused, and nothing is written.
func TestADecrementWritesMaxEntriesAndNotMore(t *testing.T) {
	ctx := context.Background()
	l := creditledger.New(memory.New(), nil)
	on := creditledger.AccountID{Customer: "many"}
	one := creditledger.AmountOf(1)
	for made := 0; made <= creditledger.MaxEntries; {
		var batch creditledger.Batch
		for ; len(batch) < creditledger.MaxBatch && made <= creditledger.MaxEntries; made++ {
			batch = append(batch, creditledger.Increment{Amount: one})
		}
		if _, err := l.Do(ctx, on, batch, ""); err != nil {
			t.Fatal(err)
		}
	}
	before, err := l.Checkpoint(ctx, on)
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.Do(ctx, on, creditledger.Decrement{Amount: creditledger.AmountOf(creditledger.MaxEntries + 1)}, "")
	var limit *creditledger.LimitError
	if !errors.As(err, &limit) || !errors.Is(err, creditledger.ErrConstraint) || !errors.Is(err, creditledger.ErrLimit) {
		t.Fatalf("got %v, want a LimitError", err)
	}
	if after, err := l.Checkpoint(ctx, on); err != nil || after != before {
		t.Fatalf("the refusal left something written: %v, %v", after, err)
	}
	result, err := l.Do(ctx, on, creditledger.Decrement{Amount: creditledger.AmountOf(creditledger.MaxEntries)}, "")
	if err != nil || len(result.Entries) != creditledger.MaxEntries {
		t.Fatalf("got %v", err)
	}
}
