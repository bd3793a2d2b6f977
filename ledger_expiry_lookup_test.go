package creditledger_test

import (
	"context"
	"errors"
	"testing"

	"creditledger"
	"creditledger/store/memory"
)

// askedForExpiries counts what a ledger asks of expiries.
type askedForExpiries struct {
	*memory.Store
	asked int
}

func (s *askedForExpiries) HasExpiry(ctx context.Context, id creditledger.AccountID, at creditledger.Instant) (bool, error) {
	s.asked++
	return s.Store.HasExpiry(ctx, id, at)
}

// Rule: docs/operations/answers.md, "Errors": an expiry that no block ever had is not
// found, past or to come; one of which all blocks are empty, or gone, is a constraint.
// It is asked for once, and only when no block at hand has it.
func TestExpiryOfEmptyBlocks(t *testing.T) {
	s := &askedForExpiries{Store: memory.New()}
	w := newWorldOver(t, s)
	by := func(day string) creditledger.Operation {
		when, err := creditledger.ParseWhen(day)
		if err != nil {
			t.Fatal(err)
		}
		return creditledger.ExpirationChange{ExpiresAt: when, Target: creditledger.Never()}
	}
	for range 3 {
		w.given(grant("", "1", expires("2026-02-01")), grant("", "1", expires("2026-06-01")))
	}
	w.given(grant("", "5"), spend("6"), grant("A", "1", expires("2026-07-01")))
	for pass := range 2 { // the second time nothing is at hand
		s.asked = 0
		for _, c := range []struct {
			at, day string
			want    error
			asked   int
		}{
			{"2026-01-01", "2026-06-01", creditledger.ErrConstraint, pass},
			{"2026-01-01", "2026-06-02", creditledger.ErrNotFound, 1},
			{"2026-01-01", "2025-06-02", creditledger.ErrNotFound, 1},
			{"2026-01-01", "2026-07-02", creditledger.ErrNotFound, 1},
		} {
			before := s.asked
			w.refused(by(c.day), "", c.want)
			w.refused(creditledger.Batch{by(c.day)}, "", c.want)
			if _, err := w.Preview(ctx, cus1, by(c.day), ""); !errors.Is(err, c.want) {
				t.Errorf("a preview of %s: %v", c.day, err)
			}
			if asked := s.asked - before; c.asked > 0 && asked != 3*c.asked {
				t.Errorf("pass %d: of %s it is asked %d times", pass, c.day, asked)
			}
		}
		w.reopen()
	}
	s.asked = 0
	w.must(by("2026-07-01"), "")
	if s.asked != 0 {
		t.Errorf("of an expiry at hand it is asked %d times", s.asked)
	}
	w.at("2026-08-01")
	w.refused(by("2026-02-01"), "", creditledger.ErrConstraint)
	w.refused(by("2026-02-02"), "", creditledger.ErrNotFound)
}
