package field

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	cl "creditledger"
	"creditledger/fuzz/faultstore"
	"creditledger/store/memory"
)

// lago-api#3618: paid credits were settled twice within milliseconds.
func TestField_20_SettledTwice(t *testing.T) {
	each(t, func(p *place) {
		p.must(cl.Increment{Amount: cl.AmountOf(10), BlockID: "b", RequirePayment: true})
		if n := p.together(20, cl.ErrConstraint, func(int) error { return p.do(p.Ledger, cl.Activation{BlockID: "b"}, "") }); n != 1 {
			p.t.Errorf("it was settled %d times", n)
		}
		p.total("10")
	})
}

// lago-api#2243, #2664, AutoGPT#10672: a webhook came several times at once and the
// balance rose each time.
func TestField_21_SameKeyStorm(t *testing.T) {
	each(t, func(p *place) {
		second := p.another()
		p.together(50, nil, func(i int) error {
			return p.do([]*cl.Ledger{p.Ledger, second}[i%2], grant("b", 10), "webhook")
		})
		p.total("10")
		if n := len(p.entries()); n != 1 {
			p.t.Errorf("%d entries", n)
		}
	})
}

// lago-api#4945, #5015, #5020: one credit note was applied to several invoices at once.
func TestField_22_OneCreditManyInvoices(t *testing.T) {
	each(t, func(p *place) {
		p.must(grant("note", 100))
		if n := p.together(40, cl.ErrInsufficientCredits, func(int) error { return p.do(p.Ledger, rejecting(7), "") }); n != 14 {
			p.t.Errorf("%d uses of 7 of 100", n)
		}
		p.total("2")
	})
}

// lago-api#4987, #5070: an optimistic retry repeated the amount it had worked out before.
func TestField_23_RetryWithAnOldDecision(t *testing.T) {
	each(t, func(p *place) {
		p.must(grant("b", 100))
		second := p.another()
		taken := make([]cl.Amount, 30)
		p.together(len(taken), nil, func(i int) error {
			op := cl.Decrement{Amount: cl.AmountOf(7), Overdraft: cl.OverdraftStopAtZero}
			r, err := []*cl.Ledger{p.Ledger, second}[i%2].Do(ctx, on, op, "")
			if err == nil {
				taken[i], err = op.Amount.Sub(r.Overage)
			}
			return err
		})
		var sum cl.Amount
		for _, a := range taken {
			sum, _ = sum.Add(a)
		}
		if sum.String() != "100" {
			p.t.Errorf("callers were told of %s, there were 100", sum)
		}
		p.total("0")
	})
}

// lago-api#3895, #3395: the transaction was stored without the change of the balance.
func TestField_24_HalfAnOperation(t *testing.T) {
	for _, kind := range []faultstore.Kind{faultstore.Fail, faultstore.Panic} {
		for n := 1; ; n++ {
			s := faultstore.Wrap(memory.New())
			p := newPlace(t, s)
			p.must(grant("a", 1))
			p.must(grant("b", 10))
			before := p.digest()
			s.Arm(kind, n, nil)
			err := attempt(func() error { return p.do(p.Ledger, spend(5), "k") })
			s.Arm(0, 0, nil)
			if s.Hit() == "" && err == nil {
				break
			}
			if err != nil && !errors.Is(err, cl.ErrOutcomeUnknown) && p.digest() != before {
				t.Errorf("%s at call %d: %v, and something was written", kind, n, err)
			}
			if err := p.do(p.another(), spend(5), "k"); err != nil {
				t.Errorf("%s at call %d: the retry: %v", kind, n, err)
			}
			p.total("6")
			p.whole()
		}
	}
}

// attempt turns a panic into an error.
func attempt(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return f()
}

// lago-api#3906: a job was queued inside of a transaction that was then rolled back.
func TestField_25_WorkOfARolledBackOperation(t *testing.T) {
	each(t, func(p *place) {
		id := cl.DocumentID{Kind: "outbox", Key: "1"}
		attach := func(*cl.Result) ([]cl.DocumentPut, error) {
			return []cl.DocumentPut{{DocumentID: id, Value: []byte("v")}}, nil
		}
		if _, err := p.DoWith(ctx, on, rejecting(1), cl.DoOptions{Attach: attach}); !errors.Is(err, cl.ErrInsufficientCredits) {
			p.t.Error(err)
		}
		if _, err := p.Document(ctx, id); !errors.Is(err, cl.ErrNotFound) {
			p.t.Errorf("the refused operation left its record: %v", err)
		}
		if _, err := p.DoWith(ctx, on, grant("b", 1), cl.DoOptions{Attach: attach}); err != nil {
			p.t.Error(err)
		}
		if r, err := p.Document(ctx, id); err != nil || string(r.Value) != "v" {
			p.t.Errorf("the operation has no record: %v", err)
		}
		failing := func(*cl.Result) ([]cl.DocumentPut, error) { return nil, errors.New("no") }
		if _, err := p.DoWith(ctx, on, grant("c", 1), cl.DoOptions{Attach: failing}); err == nil {
			p.t.Error("an operation without its records was done")
		}
		p.total("1")
	})
}

// lago-api#6056, #6058, blnk#354, midaz@cda9dd46c: a lock or a key was kept by a caller
// who had given up.
func TestField_26_GivenUp(t *testing.T) {
	for n := 1; ; n++ {
		s := faultstore.Wrap(memory.New())
		p := newPlace(t, s)
		p.must(grant("a", 10))
		gone, cancel := context.WithCancel(ctx)
		s.Arm(faultstore.Cancel, n, cancel)
		_, err := p.Do(gone, on, spend(3), "k")
		reached := s.Hit() != ""
		cancel()
		s.Arm(0, 0, nil)
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("call %d: %v", n, err)
		}
		next, done := context.WithTimeout(ctx, time.Minute)
		if _, err := p.Do(next, on, spend(3), "k"); err != nil {
			t.Errorf("after a cancel at call %d: %v", n, err)
		}
		done()
		p.total("7")
		if !reached {
			break
		}
	}
}

// blnk#238, #244: only one of the balances was locked, and updates were lost.
func TestField_27_LostUpdate(t *testing.T) {
	each(t, func(p *place) {
		p.must(grant("b", 1000))
		p.together(60, nil, func(i int) error {
			if i%2 == 0 {
				return p.do(p.Ledger, spend(3), "")
			}
			return p.do(p.Ledger, cl.Increment{Amount: cl.AmountOf(2)}, "")
		})
		p.total("970")
	})
}

// formancehq/ledger@994a437a0: a row that is not there yet cannot be locked, and the
// first two spenders of an account both went through.
func TestField_28_FirstSpendOfAnAccount(t *testing.T) {
	each(t, func(p *place) {
		second := p.another()
		p.together(50, nil, func(i int) error { return p.do([]*cl.Ledger{p.Ledger, second}[i%2], spend(1), "") })
		p.total("-50")
		page, err := p.Blocks(ctx, on, cl.BlocksQuery{All: true})
		if err != nil || len(page.Blocks) != 1 || !page.Blocks[0].Overdraft {
			p.t.Errorf("the debt is on %d blocks (%v)", len(page.Blocks), err)
		}
		if n := p.together(50, cl.ErrInsufficientCredits, func(int) error {
			_, err := p.Do(ctx, other, rejecting(1), "")
			return err
		}); n != 0 {
			p.t.Errorf("%d spent what a fresh account does not have", n)
		}
	})
}

// formancehq/ledger#364, #767: ids worked out in code collided, and writers locked each
// other out.
func TestField_29_GapFreeNumbers(t *testing.T) {
	each(t, func(p *place) {
		p.together(32, nil, func(i int) error {
			for range 8 {
				if err := p.do(p.Ledger, cl.Increment{Amount: one}, ""); err != nil {
					return err
				}
				if _, err := p.Do(ctx, other, cl.Increment{Amount: one}, ""); err != nil {
					return err
				}
			}
			return nil
		})
		ids := map[string]bool{}
		for i, e := range p.entries() {
			if e.Seq != uint64(i+1) || e.Block.Number != uint64(i+1) {
				p.t.Fatalf("entry %d has number %d and block %d", i+1, e.Seq, e.Block.Number)
			}
			ids[e.ID] = true
		}
		if len(ids) != 256 {
			p.t.Errorf("%d ids", len(ids))
		}
	})
}

// flexprice@174134c9a: the status was looked at before the lock, and a note was
// finalised twice.
func TestField_30_VoidedTwice(t *testing.T) {
	each(t, func(p *place) {
		p.must(grant("v", 100))
		p.must(grant("m", 100))
		if n := p.together(10, cl.ErrConstraint, func(int) error { return p.do(p.Ledger, cl.Void{BlockID: "v", Amount: cl.AmountOf(100)}, "") }); n != 1 {
			p.t.Errorf("voided %d times", n)
		}
		move := cl.ExpirationChange{BlockID: "m", Target: cl.At(begin.AddDate(1, 0, 0)), Amount: cl.AmountOf(100)}
		if n := p.together(10, cl.ErrConstraint, func(int) error { return p.do(p.Ledger, move, "") }); n != 1 {
			p.t.Errorf("moved %d times", n)
		}
		p.must(spend(30))
		if n := p.together(10, cl.ErrConstraint, func(int) error {
			page, err := p.Blocks(ctx, on, cl.BlocksQuery{})
			if err != nil {
				return err
			}
			return p.do(p.Ledger, cl.Amendment{BlockID: page.Blocks[0].ID, Amount: cl.AmountOf(30)}, "")
		}); n != 1 {
			p.t.Errorf("given back %d times", n)
		}
		p.total("100")
	})
}

// polar#9079, openmeter#3997, #4476, #4999: a stale snapshot was stored over a newer one.
func TestField_31_StaleSnapshot(t *testing.T) {
	each(t, func(p *place) {
		ledgers := []*cl.Ledger{p.Ledger, p.another(), p.another()}
		for i := range 30 {
			if err := p.do(ledgers[i%3], cl.Increment{Amount: one}, ""); err != nil {
				p.t.Fatal(err)
			}
			for j, l := range ledgers {
				if b, err := l.Balance(ctx, on, cl.BalanceQuery{}); err != nil || b.Total.Cmp(cl.AmountOf(int64(i+1))) != 0 {
					p.t.Fatalf("after %d grants ledger %d sees %s (%v)", i+1, j, b.Total, err)
				}
			}
		}
	})
}

// open-saas#727, new-api#6609, octopus#506: the balance was checked, work done, and the
// credit taken later: two requests on one credit.
func TestField_32_CheckThenDeduct(t *testing.T) {
	each(t, func(p *place) {
		p.must(grant("b", 1))
		if n := p.together(8, cl.ErrInsufficientCredits, func(int) error { return p.do(p.Ledger, rejecting(1), "") }); n != 1 {
			p.t.Errorf("%d requests ran on one credit", n)
		}
	})
}

// hydra#694: two writers read the same head of a hash chain and forked it.
func TestField_33_ForkedChain(t *testing.T) {
	each(t, func(p *place) {
		second := p.another()
		p.together(40, nil, func(i int) error { return p.do([]*cl.Ledger{p.Ledger, second}[i%2], cl.Increment{Amount: one}, "") })
		records, err := p.Journal(ctx, on, 1, cl.MaxPage)
		if err != nil || len(records) != 40 {
			p.t.Fatalf("%d records (%v)", len(records), err)
		}
		var last cl.Seal
		for i := range records {
			rec, err := cl.DecodeRecord(records[i].Bytes)
			if err != nil || rec.Prev != last {
				p.t.Fatalf("record %d does not follow the one before it (%v)", i+1, err)
			}
			last = cl.SealOf(records[i].Bytes)
		}
	})
}

// midaz@9637c7c37, autumn@7e49a6333: a cache was written back over the store.
func TestField_34_CacheAndStore(t *testing.T) {
	each(t, func(p *place) {
		p.together(40, nil, func(i int) error {
			return p.do(p.Ledger, []cl.Operation{cl.Increment{Amount: cl.AmountOf(5)}, spend(2)}[i%2], "")
		})
		p.total("60")
		fresh, err := p.another().Balance(ctx, on, cl.BalanceQuery{})
		if err != nil || fresh.Total.String() != "60" {
			p.t.Errorf("the store holds %s (%v)", fresh.Total, err)
		}
	}, func(o *cl.Options) { o.CacheBlocks = 1 })
}
