package bolt_test

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"creditledger"
	"creditledger/bench/measure"
	"creditledger/store/bolt"
)

// grants is a batch of n grants that say all they can in about size bytes each.
func grants(n, size int) creditledger.Batch {
	values := make([]string, 1+size/500)
	for i := range values {
		values[i] = fmt.Sprintf("item-%03d-%s", i, strings.Repeat("x", 220))
	}
	batch := make(creditledger.Batch, n)
	for i := range batch {
		batch[i] = creditledger.Increment{
			Amount:   creditledger.AmountOf(1),
			Filters:  []creditledger.Filter{{Field: creditledger.FilterFieldItem, Values: values}},
			Metadata: map[string]string{"note": strings.Repeat("m", min(size/2, 500))},
		}
	}
	return batch
}

// TestTheTailIsBoundedInBytes: however much a record holds, or changes, what is kept
// unfolded stays below its bound, and so does what opening has to replay. One commit
// that alone is more than that is folded at once.
func TestTheTailIsBoundedInBytes(t *testing.T) {
	const bound = 256 << 10
	dir := t.TempDir()
	file := filepath.Join(dir, "ledger.db")
	s := mustOpen(t, file, nil)
	bolt.Engage(t, s, 4<<20)
	bolt.SetFoldSize(s, bound)
	l := creditledger.New(s, nil)
	most, folds := 0, 0
	for i := range 60 {
		id := creditledger.AccountID{Customer: fmt.Sprint("c", i%7)}
		op, had := creditledger.Operation(grants(1+i, 1000)), bolt.Unfolded(s)
		if i%3 == 2 {
			op = creditledger.Decrement{Amount: creditledger.AmountOf(2)}
		}
		if i == 50 {
			op = grants(400, 2000)
		}
		if _, err := l.Do(context.Background(), id, op, ""); err != nil {
			t.Fatal(err)
		}
		size := bolt.UnfoldedSize(s)
		if size > bound {
			t.Fatalf("after operation %d %d bytes are unfolded, the bound is %d", i, size, bound)
		}
		if i == 50 && size != 0 {
			t.Errorf("a commit of more than the bound leaves %d bytes unfolded", size)
		}
		most = max(most, size)
		if bolt.Unfolded(s) <= had {
			folds++
		}
		if i%20 == 19 {
			crashed := filepath.Join(dir, fmt.Sprint(i, ".db"))
			copyLive(t, s, file, crashed)
			again := mustOpen(t, crashed, &bolt.Options{ReadOnly: true})
			if got := bolt.UnfoldedSize(again); got > bound {
				t.Errorf("opening after operation %d replays %d bytes, the bound is %d", i, got, bound)
			}
			mustClose(t, again)
		}
	}
	if most < bound/2 || folds < 5 {
		t.Errorf("at most %d bytes, %d folds: the test tests nothing", most, folds)
	}
	l.Close()
}

// TestTheTailIsAsLargeAsItSays: what the store counts is at least what the tail keeps
// from being collected, whatever fills it.
func TestTheTailIsAsLargeAsItSays(t *testing.T) {
	for _, c := range []struct {
		name string
		fill func(i int) (string, creditledger.Operation, creditledger.Key)
	}{
		{"accounts", func(i int) (string, creditledger.Operation, creditledger.Key) {
			return fmt.Sprint("c", i), creditledger.Increment{Amount: creditledger.AmountOf(1)}, ""
		}},
		{"keys", func(i int) (string, creditledger.Operation, creditledger.Key) {
			return "ann", creditledger.Decrement{Amount: creditledger.AmountOf(1)}, creditledger.Key(fmt.Sprintf("key-%020d", i))
		}},
		{"blocks", func(i int) (string, creditledger.Operation, creditledger.Key) {
			return "ann", creditledger.Increment{Amount: creditledger.AmountOf(1), Source: creditledger.SourceTopUp}, ""
		}},
		{"filters and metadata", func(i int) (string, creditledger.Operation, creditledger.Key) {
			return fmt.Sprint("c", i%20), grants(1, 3000)[0], ""
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := mustOpen(t, path(t), nil)
			bolt.SetFoldSize(s, 1<<40)
			bolt.Engage(t, s, 64<<20)
			mustGrant(t, s, ann, 1)
			before := measure.Heap()
			l := creditledger.New(s, nil)
			var last *creditledger.Pending
			for i := range 3000 {
				customer, op, key := c.fill(i)
				p, err := l.Submit(t.Context(), creditledger.AccountID{Customer: customer}, op, key)
				if err != nil {
					t.Fatal(err)
				}
				last = p
			}
			if _, err := last.Wait(context.Background()); err != nil {
				t.Fatal(err)
			}
			l.Close()
			l, last = nil, nil
			kept, says := int64(measure.Heap())-int64(before), int64(bolt.UnfoldedSize(s))
			runtime.KeepAlive(s)
			t.Logf("keeps %d bytes, says %d", kept, says)
			if kept > says+says/8 || says < 100_000 {
				t.Errorf("the tail keeps %d bytes and says %d", kept, says)
			}
		})
	}
}
