package fuzz_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	cl "creditledger"
	"creditledger/fuzz"
	"creditledger/fuzz/results"
	"creditledger/fuzz/testsize"
)

// holdsAtOnce is how many holds of 75 are asked for on 500 credits: there is room for six.
const holdsAtOnce = 20

var seventyFive = cl.Hold{Amount: cl.AmountOf(75)}

// TestTwentyHoldsAtOnce: of twenty holds of 75 on 500 credits that are asked for at once,
// exactly six are made, and 50 credits are left.
func TestTwentyHoldsAtOnce(t *testing.T) {
	noLeak(t)
	run := results.Start(t, "holds: twenty of 75 at once on 500")
	for _, b := range []fuzz.Backend{memoryBackend, boltBackend} {
		ls := ledgersOver(t, openStore(t, b), 2)
		for round := range testsize.Of(5, 20, 200) {
			on := cl.AccountID{Customer: fmt.Sprintf("cus_%d", round), Currency: "credits"}
			must(t, ls[0], on, cl.Increment{Amount: cl.AmountOf(500)})
			made := 0
			for _, err := range together(t, holdsAtOnce, func(i int) error {
				op := seventyFive
				op.HoldID = fmt.Sprint("h", i)
				_, err := ls[i%2].Do(context.Background(), on, op, "")
				return err
			}) {
				if err == nil {
					made++
				} else if !errors.Is(err, cl.ErrInsufficientCredits) {
					t.Error(err)
				}
			}
			left, err := ls[1].Balance(context.Background(), on, cl.BalanceQuery{})
			if made != 6 || err != nil || left.Available.String() != "50" || left.Held.String() != "450" {
				t.Errorf("%s: %d holds were made: %s is left, %s is held (%v)", b.Name, made, left.Available, left.Held, err)
			}
			sound(t, ls[0], on)
			run.Count("rounds", 1)
		}
	}
	run.Set("made each time", 6)
}

// TestTwentyHoldsOfFourProcesses is TestTwentyHoldsAtOnce by four processes of the operating
// system that share a database.
func TestTwentyHoldsOfFourProcesses(t *testing.T) {
	run := results.Start(t, "holds: twenty of 75 at once on 500, four processes on postgres")
	for range testsize.Of(1, 2, 10) {
		made := 0
		for _, call := range processHistory(t, 4, order{Clients: holdsAtOnce / 4, Calls: 1, Accounts: 1, Holds: true}) {
			if call.Output.(historyOut).done {
				made++
			}
		}
		if made != 6 {
			t.Errorf("%d holds were made", made)
		}
		run.Count("rounds", 1)
	}
	run.Set("made each time", 6)
}

// hold makes all clients ask for one hold each, at once, and prints who got one.
func (o *order) hold(ctx context.Context, l *cl.Ledger) error {
	on := historyAccount(0)
	if _, err := l.Do(ctx, on, cl.Increment{Amount: cl.AmountOf(500), BlockID: "all"}, "the same of all processes"); err != nil {
		return err
	}
	errs, calls := make([]error, o.Clients), make([]call, o.Clients)
	var wg sync.WaitGroup
	for i := range o.Clients {
		wg.Go(func() {
			op := seventyFive
			op.HoldID = fmt.Sprint("h", o.Number*o.Clients+i)
			err := cl.ErrConflict
			for errors.Is(err, cl.ErrConflict) || errors.Is(err, cl.ErrOutcomeUnknown) {
				_, err = l.Do(ctx, on, op, cl.Key(op.HoldID))
			}
			if calls[i].Done = err == nil; errors.Is(err, cl.ErrInsufficientCredits) {
				err = nil
			}
			errs[i] = err
		})
	}
	wg.Wait()
	out := json.NewEncoder(os.Stdout)
	for i := range calls {
		errs = append(errs, out.Encode(&calls[i]))
	}
	return errors.Join(errs...)
}
