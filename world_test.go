package creditledger_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"creditledger"
	"creditledger/store/memory"
)

var (
	grant     = creditledger.Grant
	spend     = creditledger.Spend
	extend    = creditledger.Extend
	voidOf    = creditledger.VoidOf
	amend     = creditledger.Amend
	expires   = creditledger.Expires
	effective = creditledger.Effective
	priority  = creditledger.Priority
	only      = creditledger.Only
	unpaid    = creditledger.Unpaid
	policy    = creditledger.Policy
	item      = creditledger.Item
	instant   = creditledger.InstantAt
	story     = creditledger.Story
	amount    = creditledger.MustAmount
)

var (
	ctx  = context.Background()
	cus1 = creditledger.AccountID{Customer: "cus_1", Currency: "credits"}
	cus2 = creditledger.AccountID{Customer: "cus_2", Currency: "credits"}
)

// world is a ledger over a store in memory, with a clock that moves when it is told
// to. Its operations are those of cus_1.
type world struct {
	*creditledger.Ledger
	t     testing.TB
	store creditledger.Store
	opts  creditledger.Options

	mu  sync.Mutex
	now time.Time
}

func newWorld(t testing.TB, set ...func(*creditledger.Options)) *world {
	t.Helper()
	return newWorldOver(t, memory.New(), set...)
}

func newWorldOver(t testing.TB, s creditledger.Store, set ...func(*creditledger.Options)) *world {
	t.Helper()
	w := &world{t: t, store: s}
	w.opts = creditledger.Options{Clock: w.clock, Random: creditledger.Random(7)}
	for _, f := range set {
		f(&w.opts)
	}
	w.at("2026-01-01")
	w.reopen()
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// at sets the clock.
func (w *world) at(text string) *world {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = instant(text).Time()
	return w
}

// reopen puts a new ledger over the same store, as after a restart.
func (w *world) reopen() {
	w.t.Helper()
	if w.Ledger != nil {
		if err := w.Close(); err != nil {
			w.t.Error(err)
		}
	}
	w.Ledger = creditledger.New(w.store, &w.opts)
}

// given does operations that must be accepted.
func (w *world) given(ops ...creditledger.Operation) *world {
	w.t.Helper()
	for _, op := range ops {
		w.must(op, "")
	}
	return w
}

func (w *world) must(op creditledger.Operation, key creditledger.Key) *creditledger.Result {
	w.t.Helper()
	res, err := w.Do(ctx, cus1, op, key)
	if err != nil {
		w.t.Fatal(err)
	}
	return res
}

// refused does an operation that must be refused, and hands out why.
func (w *world) refused(op creditledger.Operation, key creditledger.Key, want error) error {
	w.t.Helper()
	res, err := w.Do(ctx, cus1, op, key)
	if res != nil || !errors.Is(err, want) {
		w.t.Errorf("%s gives %v, %v; want %v", op.Name(), res, err, want)
	}
	return err
}

func (w *world) total() string {
	w.t.Helper()
	b, err := w.Balance(ctx, cus1, creditledger.BalanceQuery{})
	if err != nil {
		w.t.Fatal(err)
	}
	return b.Total.String()
}

// ledger shows all entries of cus_1, oldest first.
func (w *world) ledger() string {
	w.t.Helper()
	return story(w.entries(creditledger.EntriesQuery{Ascending: true}))
}

// entries walks a query's pages to the end.
func (w *world) entries(q creditledger.EntriesQuery) []creditledger.Entry {
	w.t.Helper()
	var all []creditledger.Entry
	for {
		page, err := w.Entries(ctx, cus1, q)
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, page.Entries...)
		if page.Next == "" {
			return all
		}
		if page.Next == q.Cursor {
			w.t.Fatal("a page is its own next")
		}
		q.Cursor = page.Next
	}
}

// held shows the blocks that hold something: "A 70, B 5".
func (w *world) held() string {
	w.t.Helper()
	page, err := w.Blocks(ctx, cus1, creditledger.BlocksQuery{})
	if err != nil {
		w.t.Fatal(err)
	}
	return blocksText(page.Blocks)
}

func blocksText(blocks []creditledger.Block) string {
	var parts []string
	for _, b := range blocks {
		parts = append(parts, b.ID+" "+b.Balance.String())
	}
	return strings.Join(parts, ", ")
}

// verified fails the test when the store does not follow from its journal.
func (w *world) verified() {
	w.t.Helper()
	v, err := w.VerifyAll(ctx, nil)
	if err != nil || v.Violation != nil {
		w.t.Errorf("verify: %v, %v", v.Violation, err)
	}
}

func lines(text ...string) string { return strings.Join(text, "\n") }
