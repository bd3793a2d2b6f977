package creditledger_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"creditledger"
)

// TestWhatAReaderWasToldStaysTrue: an operation whose caller read the clock first and
// came to the account last is dated behind what readers were told in between, and so is
// the preview of one.
func TestWhatAReaderWasToldStaysTrue(t *testing.T) {
	type told struct {
		at    creditledger.Instant
		total string
	}
	readers := map[string]func(w *world) told{
		"balance": func(w *world) told {
			b, err := w.Balance(ctx, cus1, creditledger.BalanceQuery{})
			if err != nil {
				t.Error(err)
			}
			return told{b.AsOf, b.Total.String()}
		},
		"preview": func(w *world) told {
			res, err := w.Preview(ctx, cus1, spend("1"), "")
			if err != nil {
				t.Error(err)
				return told{}
			}
			return told{res.At, res.Entries[0].Starting.String()}
		},
	}
	for name, read := range readers {
		t.Run(name, func(t *testing.T) {
			var now atomic.Int64
			var hold atomic.Bool
			held, goOn := make(chan bool, 1), make(chan bool)
			w := newWorld(t, func(o *creditledger.Options) {
				o.Clock = func() time.Time {
					at := instant("2026-01-01").Time().Add(time.Duration(now.Add(1)) * time.Microsecond)
					if hold.CompareAndSwap(true, false) {
						held <- true
						<-goOn
					}
					return at
				}
			})
			w.given(grant("A", "100"))
			hold.Store(true)
			done := w.async(ctx, cus1, spend("10"), "")
			received(t, held)
			answer := make(chan told, 1)
			go func() { answer <- read(w) }()
			var was told
			select {
			case was = <-answer:
				close(goOn)
			case <-time.After(50 * time.Millisecond): // it waits for the operation
				close(goOn)
				was = received(t, answer)
			}
			if a := received(t, done); a.err != nil {
				t.Fatal(a.err)
			}
			b, err := w.Balance(ctx, cus1, creditledger.BalanceQuery{At: was.at})
			if err != nil || b.Total.String() != was.total {
				t.Errorf("told %s as of %s, later %s as of then, %v", was.total, was.at, b.Total, err)
			}
		})
	}
}

// TestAListOfEntriesEndsWhereItBegan: what is written while pages are read is not in
// them. It has not happened yet at the instant that the list is of.
func TestAListOfEntriesEndsWhereItBegan(t *testing.T) {
	s := newFaulty()
	w := newWorldOver(t, s)
	w.given(grant("A", "1"), grant("B", "1"))
	var once atomic.Bool
	s.onRead(func(_ context.Context, what string, _ creditledger.AccountID) error {
		if what == "journal" && once.CompareAndSwap(false, true) {
			w.at("2026-01-02").given(grant("C", "1"))
		}
		return nil
	})
	page, err := w.Entries(ctx, cus1, creditledger.EntriesQuery{Ascending: true, Limit: 100})
	if err != nil || len(page.Entries) != 2 {
		t.Errorf("%d entries, the last %s, %v", len(page.Entries), page.Entries[len(page.Entries)-1].Status, err)
	}
}

// TestNobodyIsToldWhatWasBeforeTheCall: a commit may have been stored long before its
// answer comes, and another process may have written since. Who asks after that sees
// what was written, and is not refused for want of it.
func TestNobodyIsToldWhatWasBeforeTheCall(t *testing.T) {
	for name, ask := range map[string]func(*world) (string, error){
		"a read": func(w *world) (string, error) {
			b, err := w.Balance(ctx, cus1, creditledger.BalanceQuery{})
			return b.Total.String(), err
		},
		"a refusal": func(w *world) (string, error) {
			res, err := w.Do(ctx, cus1, spend("15", policy(creditledger.OverdraftReject)), "k")
			if err != nil {
				return "", err
			}
			return res.Entries[0].Starting.String(), nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newFaulty()
				w, elsewhere := newWorldOver(t, s), newWorldOver(t, s.Store)
				w.given(grant("A", "10"))
				answer := make(chan struct{})
				s.onCommit(func(_ context.Context, _ []creditledger.Change, next func() error) error {
					err := next()
					<-answer
					return err
				})
				first, err := w.Submit(ctx, cus1, spend("1"), "")
				if err != nil {
					t.Fatal(err)
				}
				synctest.Wait() // it is stored, and nobody here knows
				elsewhere.given(grant("B", "10"))
				told := make(chan string, 1)
				go func() {
					got, err := ask(w)
					if err != nil {
						got = err.Error()
					}
					told <- got
				}()
				synctest.Wait() // it was asked
				close(answer)
				if got := <-told; got != "19" {
					t.Errorf("told %s, want 19", got)
				}
				if _, err := first.Wait(ctx); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
