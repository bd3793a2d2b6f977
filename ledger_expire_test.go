package creditledger_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"creditledger"
)

// inPieces is a ledger option: so many expiries in one commit.
func inPieces(n int) func(*creditledger.Options) {
	return func(o *creditledger.Options) { o.ExpiriesPerCommit = n }
}

// piecesOf has each commit of a store looked at: it writes down no more expiries than n,
// and what it leaves behind follows from its journal. It returns the number of expiries
// that each commit with some has brought so far.
func piecesOf(t testing.TB, s *faulty, n int) func() []int {
	var pieces []int
	s.onCommit(func(_ context.Context, changes []creditledger.Change, next func() error) error {
		found, err := expiriesIn(changes)
		if err == nil {
			err = next()
		}
		if err != nil {
			return err
		}
		if found > n {
			t.Errorf("a commit brings %d expiries, more than %d", found, n)
		}
		if found > 0 {
			pieces = append(pieces, found)
		}
		v, err := creditledger.New(s.Store, nil).VerifyAll(ctx, nil)
		if err != nil || v.Violation != nil {
			t.Errorf("after a commit with %d expiries: %v, %v", found, v.Violation, err)
		}
		return nil
	})
	return func() []int { return pieces }
}

func expiriesIn(changes []creditledger.Change) (n int, err error) {
	for i := range changes {
		for _, j := range changes[i].Journal {
			rec, err := creditledger.DecodeRecord(j.Bytes)
			if err != nil {
				return 0, err
			}
			if rec.Op.Name() == "expire" {
				n += int(rec.Entries())
			}
		}
	}
	return n, nil
}

// expiring is an account in which, by 2026-03-01, eleven blocks have expired: several at
// one instant, some of them filtered, unpaid or not effective, between blocks that become
// effective, one of which takes the place of an empty one.
func expiring() []creditledger.Operation {
	ops := []creditledger.Operation{grant("keep", "5"), grant("empty", "1"), spend("6")}
	for i := range 5 {
		ops = append(ops, grant(fmt.Sprint("A", i), fmt.Sprint(10+i), expires("2026-02-01"), priority(int32(5-i))))
	}
	return append(ops,
		grant("F", "7", expires("2026-02-01"), only("api")), grant("P", "3", unpaid, expires("2026-02-01")),
		grant("late", "2", effective("2026-01-20"), expires("2026-02-01")),
		grant("wakes", "4", effective("2026-02-01"), expires("2027-01-01")), grant("taker", "0.5", effective("2026-02-03"), priority(9)),
		grant("B", "1", expires("2026-02-02")), grant("C", "1", expires("2026-02-04")), grant("D", "1", expires("2026-02-05")))
}

// TestExpiriesAreWrittenInPieces: one commit never brings more expiries than a piece has.
// Entries are the same whatever a piece has and whoever writes it, and what is stored
// between two pieces is whole.
func TestExpiriesAreWrittenInPieces(t *testing.T) {
	whole := newWorld(t, inPieces(100)).given(expiring()...)
	whole.at("2026-03-01").given(spend("1"))
	want := whole.ledger()
	for n := range 12 {
		for _, sweep := range []bool{true, false} {
			s := newFaulty()
			w := newWorldOver(t, s, inPieces(n+1)).given(expiring()...)
			pieces := piecesOf(t, s, n+1)
			w.at("2026-03-01")
			if sweep {
				w.swept(creditledger.SweepResult{Accounts: 1, Entries: 11})
			}
			w.given(spend("1"))
			if got := w.ledger(); got != want {
				t.Errorf("%d at once, swept %t:\n%s\nwant\n%s", n+1, sweep, got, want)
			}
			if got := pieces(); len(got) != (11+n)/(n+1) {
				t.Errorf("%d at once, swept %t: written as %v", n+1, sweep, got)
			}
			w.verified()
		}
	}
}

// TestRefusalsWriteNoPiece: what is refused, previewed or read writes down nothing, however
// much has expired.
func TestRefusalsWriteNoPiece(t *testing.T) {
	s := newFaulty()
	w := newWorldOver(t, s, inPieces(2)).given(expiring()...)
	before := len(s.committed())
	w.at("2026-03-01")
	w.refused(spend("1000", policy(creditledger.OverdraftReject)), "", creditledger.ErrInsufficientCredits)
	w.refused(voidOf("A1", "1"), "", creditledger.ErrConstraint)
	if _, err := w.Preview(ctx, cus1, spend("1"), ""); err != nil {
		t.Error(err)
	}
	_, _ = w.total(), w.held()
	if n := len(s.committed()) - before; n != 0 {
		t.Errorf("%d commits", n)
	}
	pieces := piecesOf(t, s, 2)
	w.given(spend("1"))
	if got := pieces(); len(got) != 6 {
		t.Errorf("then written as %v", got)
	}
	w.verified()
}

// TestGivenUpExpiriesGoOn: a store that gives up commits which take it too long, and every
// third that does not: each call gets further, and what was written stays so, for sweeps
// and for operations, with the ledger in memory and with one that has just loaded it.
func TestGivenUpExpiriesGoOn(t *testing.T) {
	whole := newWorld(t, inPieces(100)).given(expiring()...)
	whole.at("2026-03-01").given(spend("1"))
	slow := errors.New("statement timeout")
	for _, sweep := range []bool{true, false} {
		for _, reopen := range []bool{true, false} {
			s := newFaulty()
			w := newWorldOver(t, s, inPieces(2)).given(expiring()...)
			commits := 0
			s.onCommit(func(_ context.Context, changes []creditledger.Change, next func() error) error {
				if n, err := expiriesIn(changes); err != nil || n > 2 {
					return slow
				}
				if commits++; commits%3 == 0 {
					return slow
				}
				return next()
			})
			w.at("2026-03-01")
			total, balance := w.total(), func(at string) string {
				b, err := w.Balance(ctx, cus1, creditledger.BalanceQuery{At: instant(at)})
				if err != nil {
					t.Fatal(err)
				}
				return b.Total.String()
			}
			eve, day := balance("2026-01-31"), balance("2026-02-01")
			calls, entries := 1, 0
			for ; calls < 10; calls++ {
				var err error
				if sweep {
					var res creditledger.SweepResult
					res, err = w.Sweep(ctx)
					entries += res.Entries
				} else {
					_, err = w.Do(ctx, cus1, spend("1"), "once")
				}
				if err == nil {
					break
				}
				if !errors.Is(err, slow) {
					t.Fatal(err)
				}
				if reopen {
					w.reopen()
				}
				if a, b, c := w.total(), balance("2026-01-31"), balance("2026-02-01"); a != total || b != eve || c != day {
					t.Errorf("in the middle it holds %s, %s on the eve, %s on the day; before %s, %s, %s", a, b, c, total, eve, day)
				}
				w.verified()
			}
			if calls == 1 || calls == 10 {
				t.Errorf("swept %t: done after %d calls", sweep, calls)
			}
			if sweep && entries != 11 {
				t.Errorf("%d entries are counted", entries)
			}
			s.onCommit(nil)
			w.must(spend("1"), "once")
			if a, b := w.ledger(), whole.ledger(); a != b {
				t.Errorf("swept %t, reopened %t:\n%s\nwant\n%s", sweep, reopen, a, b)
			}
			w.verified()
		}
	}
}

// TestGivenUpWaitGoesOn: whoever gives up waiting for an operation that has to wait for
// expiries is told its key, and finds it done.
func TestGivenUpWaitGoesOn(t *testing.T) {
	s := newFaulty()
	w := newWorldOver(t, s, inPieces(2)).given(expiring()...)
	w.at("2026-03-01")
	g := s.shut()
	short, cancel := context.WithCancel(ctx)
	done := make(chan error)
	go func() {
		_, err := w.Do(short, cus1, spend("1"), "")
		done <- err
	}()
	<-g.arrived
	cancel()
	var unknown *creditledger.OutcomeUnknownError
	if err := <-done; !errors.As(err, &unknown) || unknown.Key == "" {
		t.Fatalf("given up: %v", err)
	}
	before := len(s.committed())
	s.onCommit(nil)
	g.pass()
	if _ = w.total(); len(s.committed())-before != 6 { // a reader waits for all of it
		t.Errorf("%d commits before a balance is told", len(s.committed())-before)
	}
	if res := w.must(spend("1"), unknown.Key); !res.Replayed {
		t.Error("it was not done")
	}
	w.verified()
}

// TestAFailedPieceIsNotTheErrorOfOthers: when the store fails to take a piece, the operation
// that had to write it fails; one that was decided behind that is decided afresh.
func TestAFailedPieceIsNotTheErrorOfOthers(t *testing.T) {
	s := newFaulty()
	w := newWorldOver(t, s, inPieces(2)).given(expiring()...)
	w.at("2026-03-01")
	g := s.shut()
	var pending []*creditledger.Pending
	for range 3 {
		p, err := w.Submit(ctx, cus1, spend("1"), "")
		if err != nil {
			t.Fatal(err)
		}
		if pending = append(pending, p); len(pending) == 1 {
			<-g.arrived // its first piece
		}
	}
	full, commits := errors.New("the disk is full"), 0
	s.onCommit(func(_ context.Context, _ []creditledger.Change, next func() error) error {
		if commits++; commits == 1 { // its second piece
			return full
		}
		return next()
	})
	g.pass()
	if _, err := pending[0].Wait(ctx); !errors.Is(err, full) {
		t.Errorf("whose expiries they are: %v", err)
	}
	for i, p := range pending[1:] {
		if _, err := p.Wait(ctx); err != nil {
			t.Errorf("%d behind it: %v", i+1, err)
		}
	}
	w.verified()
}

// TestExpiredBeforeTheLastRecord: a block that a record has gone past and that still holds
// something would never expire: the account is damaged.
func TestExpiredBeforeTheLastRecord(t *testing.T) {
	w := newWorld(t)
	w.at("2026-02-03").given(grant("A", "1"))
	state, err := w.store.Load(ctx, cus1, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := newFaulty()
	state.Blocks[0].ExpiresAt, state.Blocks[0].EffectiveAt = instant("2026-02-02"), instant("2026-02-01")
	state.Head.Total = creditledger.Amount{}
	over := newWorldOver(t, loaded{s, state})
	if _, err := over.Balance(ctx, cus1, creditledger.BalanceQuery{}); !errors.Is(err, creditledger.ErrCorrupt) {
		t.Errorf("got %v", err)
	}
}

// loaded is a store whose accounts are all in one state.
type loaded struct {
	creditledger.Store
	state *creditledger.State
}

func (s loaded) Load(context.Context, creditledger.AccountID, *creditledger.Head) (*creditledger.State, error) {
	return s.state, nil
}
