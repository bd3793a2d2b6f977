package creditledger_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"creditledger"
)

// stuck is a store that answers every page with the first one.
type stuck struct{ creditledger.Store }

func (s stuck) Blocks(ctx context.Context, id creditledger.AccountID, _ uint64, limit int) ([]creditledger.Block, error) {
	return s.Store.Blocks(ctx, id, 1, limit)
}

func (s stuck) Journal(ctx context.Context, id creditledger.AccountID, from uint64, limit int, reverse bool) ([]creditledger.JournalRecord, error) {
	if !reverse {
		from = 1
	} else if state, err := s.Store.Load(ctx, id, nil); err == nil {
		from = state.Head.Version
	}
	return s.Store.Journal(ctx, id, from, limit, reverse)
}

func (s stuck) Due(ctx context.Context, _ creditledger.Instant, _ creditledger.DueAccount, limit int) (list []creditledger.DueAccount, err error) {
	ids, err := s.Accounts(ctx, creditledger.AccountID{}, limit)
	for _, id := range ids {
		list = append(list, creditledger.DueAccount{At: 1, Account: id})
	}
	return list, err
}

// TestAStoreThatStandsStillIsCorrupt: pages that do not go on end a call with an error,
// and not never.
func TestAStoreThatStandsStillIsCorrupt(t *testing.T) {
	w := newWorldOver(t, stuck{newFaulty()})
	for i := range 2 {
		var grants creditledger.Batch
		for j := range creditledger.MaxBatch {
			grants = append(grants, grant(fmt.Sprint("b", i, " ", j), "1", expires("2026-06-01")))
		}
		w.given(grants)
	}
	for range 600 {
		w.given(spend("0.01"))
	}
	var due []*creditledger.Pending
	for i := range creditledger.MaxPage {
		on := creditledger.AccountID{Customer: fmt.Sprint("c", i), Currency: "credits"}
		p, err := w.Submit(ctx, on, grant("A", "1", expires("2026-06-01")), "")
		if err != nil {
			t.Fatal(err)
		}
		due = append(due, p)
	}
	for _, p := range due {
		if _, err := p.Wait(ctx); err != nil {
			t.Fatal(err)
		}
	}
	none := creditledger.EntriesQuery{Type: creditledger.EntryVoid}
	ascending := none
	ascending.Ascending = true
	w.at("2026-06-01")
	for name, err := range map[string]error{
		"entries, newest first": errOf(w.Entries(ctx, cus1, none)), "entries, oldest first": errOf(w.Entries(ctx, cus1, ascending)),
		"explain": errOf(w.Explain(ctx, cus1, amount("1"), creditledger.Charge{})), "sweep": errOf(w.Sweep(ctx)),
	} {
		if !errors.Is(err, creditledger.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
