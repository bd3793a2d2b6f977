package creditledger_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"creditledger"
)

// asks counts what a store is asked, and how much it gives for it.
type asks struct {
	creditledger.Store
	mu        sync.Mutex
	questions []string
	items     int
}

func (a *asks) note(what string, items int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.questions = append(a.questions, what)
	a.items += items
}

// since returns the questions and what they gave since the last call.
func (a *asks) since() (string, int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	slices.Sort(a.questions)
	text, items := fmt.Sprint(a.questions), a.items
	a.questions, a.items = nil, 0
	return text, items
}

func (a *asks) Load(ctx context.Context, id creditledger.AccountID, have *creditledger.Head) (*creditledger.State, error) {
	s, err := a.Store.Load(ctx, id, have)
	if s != nil {
		a.note("load", len(s.Blocks))
	}
	return s, err
}

func (a *asks) BlocksByID(ctx context.Context, id creditledger.AccountID, ids []string) ([]creditledger.Block, error) {
	blocks, err := a.Store.BlocksByID(ctx, id, ids)
	a.note("blocks by id", len(blocks))
	return blocks, err
}

func (a *asks) Blocks(ctx context.Context, id creditledger.AccountID, from uint64, limit int) ([]creditledger.Block, error) {
	blocks, err := a.Store.Blocks(ctx, id, from, limit)
	a.note("blocks", len(blocks))
	return blocks, err
}

func (a *asks) Journal(ctx context.Context, id creditledger.AccountID, from uint64, limit int, reverse bool) ([]creditledger.JournalRecord, error) {
	records, err := a.Store.Journal(ctx, id, from, limit, reverse)
	a.note("journal", len(records))
	return records, err
}

func (a *asks) KeySeq(ctx context.Context, id creditledger.AccountID, key creditledger.Key) (uint64, error) {
	a.note("key", 1)
	return a.Store.KeySeq(ctx, id, key)
}

// TestNothingNamedCostsHistory: what names something that there is not is answered as
// fast by an account with a long history as by one with a short one.
func TestNothingNamedCostsHistory(t *testing.T) {
	const made = "auto-019b76da-a800-7000-8000-000000000000" // at the instant of everything here
	cases := []struct {
		name string
		op   creditledger.Operation
		key  creditledger.Key
		want error
	}{
		{"a key like a made one", spend("1"), made + "-3", nil},
		{"a key like a made one, of the year 1970", spend("1"), "auto-00000000-0000-7000-8000-000000000000-1", nil},
		{"a key like a made one, of the future", spend("1"), made + "-18446744073709551615", nil},
		{"a key like made ones were", spend("1"), made, nil},
		{"a key", spend("1"), "new", nil},
		{"an expiry", byExpiry("2026-06-02", ""), "", creditledger.ErrNotFound},
		{"an expiry of used-up blocks", byExpiry("2026-06-01", ""), "", creditledger.ErrConstraint},
		{"an expiry that has passed, and never was", byExpiry("2025-06-01", ""), "", creditledger.ErrNotFound},
		{"a block", voidOf("none", "1"), "", creditledger.ErrNotFound},
		{"two blocks", extend("none", "", "never", "other"), "", creditledger.ErrNotFound},
	}
	costs := map[int][]string{}
	for _, history := range []int{3, 300} {
		store := &asks{Store: newFaulty()}
		w := newWorldOver(t, store).given(grant("A", "100000"))
		for i := range history {
			w.given(grant(fmt.Sprint("b", i), "1", expires("2026-06-01"), priority(-1)), spend("1"))
		}
		for _, c := range cases {
			store.since()
			if res, err := w.Do(ctx, cus1, c.op, c.key); !errors.Is(err, c.want) || res != nil && res.Replayed {
				t.Errorf("%s: %+v, %v", c.name, res, err)
			}
			questions, items := store.since()
			costs[history] = append(costs[history], fmt.Sprint(questions, " for ", items))
		}
	}
	for i, c := range cases {
		if costs[3][i] != costs[300][i] {
			t.Errorf("%s costs %s with a short history, %s with a long one", c.name, costs[3][i], costs[300][i])
		}
	}
}

// TestABatchAsksForItsBlocksAtOnce: however many blocks a batch names, the store is
// asked for them once.
func TestABatchAsksForItsBlocksAtOnce(t *testing.T) {
	store := &asks{Store: newFaulty()}
	w := newWorldOver(t, store)
	var grants, used, voids creditledger.Batch
	for i := range creditledger.MaxBatch {
		id := fmt.Sprint("b", i)
		grants, used, voids = append(grants, grant(id, "2", expires("2026-06-01"))), append(used, voidOf(id, "2")), append(voids, voidOf(id, "1"))
	}
	w.given(grants, used) // they are nowhere but in the store then
	w.reopen()
	store.since()
	if _, err := w.Do(ctx, cus1, voids, ""); !errors.Is(err, creditledger.ErrConstraint) {
		t.Errorf("blocks that are used up: %v", err)
	}
	if questions, items := store.since(); questions != "[blocks by id load]" || items != creditledger.MaxBatch {
		t.Errorf("the store is asked %s, for %d blocks", questions, items)
	}
}
