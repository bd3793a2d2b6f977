package fuzz_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	cl "creditledger"
	"creditledger/fuzz"
	"creditledger/fuzz/results"
	"creditledger/fuzz/testsize"
)

// told is a balance that a reader was told, to be asked for again much later.
type told struct {
	at    cl.Instant
	total cl.Amount
}

// subscriber is a customer of a time zone, with ten years ahead.
type subscriber struct {
	on      cl.AccountID
	zone    *time.Location
	random  *rand.Rand
	balance []told
	day     cl.Date // local, of the last grant
}

// live grants and spends until the years are over: credits that end with a local day,
// most of them soon, and some use every day.
func (s *subscriber) live(l *cl.Ledger, until time.Time) error {
	ctx := context.Background()
	for n := 0; time.Now().Before(until); n++ {
		local := time.Now().In(s.zone)
		if n%7 == 0 {
			ends := local.AddDate(0, 0, 1+s.random.IntN(60))
			s.day = cl.DateOf(ends.Year(), ends.Month(), ends.Day())
			grant := cl.Increment{Amount: cl.AmountOf(1 + s.random.Int64N(100)), ExpiresAt: cl.On(s.day)}
			if _, err := l.Do(ctx, s.on, grant, cl.Key(fmt.Sprint("grant-", n))); err != nil {
				return fmt.Errorf("%s, grant until %s: %w", local, s.day, err)
			}
		}
		if n%31 == 30 {
			if err := s.extend(l, local); err != nil {
				return fmt.Errorf("%s: %w", local, err)
			}
		}
		spend := cl.Decrement{Amount: cl.AmountOf(1 + s.random.Int64N(5)), Overdraft: cl.OverdraftStopAtZero}
		if _, err := l.Do(ctx, s.on, spend, cl.Key(fmt.Sprint("use-", n))); err != nil && !errors.Is(err, cl.ErrInsufficientCredits) {
			return fmt.Errorf("%s, spend: %w", local, err)
		}
		if n%90 == 0 {
			b, err := l.Balance(ctx, s.on, cl.BalanceQuery{})
			if err != nil {
				return err
			}
			s.balance = append(s.balance, told{b.AsOf, b.Total})
		}
		time.Sleep(18*time.Hour + time.Duration(s.random.Int64N(int64(12*time.Hour))))
	}
	return nil
}

// extend moves what the first block holds to the last day of February, of a leap year
// if there is one.
func (s *subscriber) extend(l *cl.Ledger, local time.Time) error {
	page, err := l.Blocks(context.Background(), s.on, cl.BlocksQuery{Limit: 1})
	if err != nil || len(page.Blocks) == 0 {
		return err
	}
	day := cl.DateOf(local.Year()+1, time.February, 29)
	if day == 0 {
		day = cl.DateOf(local.Year()+1, time.February, 28)
	}
	_, err = l.Do(context.Background(), s.on, cl.ExpirationChange{BlockID: page.Blocks[0].ID, Target: cl.On(day)}, "")
	if errors.Is(err, cl.ErrConstraint) { // it expired this very moment
		return nil
	}
	return err
}

// TestTenYears takes customers of twenty time zones through ten years of simulated time,
// with nothing but the ledger's clock and a sweeper that wakes now and then. Every expiry
// is written down once, for what was left, at the first instant of a local day; time never
// goes back; and what a reader was told years ago is told again.
func TestTenYears(t *testing.T) {
	years := 10
	if testsize.Small() {
		years = 2
	}
	run := results.Start(t, "ten simulated years in twenty time zones")
	run.Set("seed", seed(t))
	run.Set("years", years)
	run.Set("zones", len(fuzzZones))
	backends := []fuzz.Backend{memoryBackend}
	if testsize.Full() {
		backends = append(backends, boltBackend)
	}
	for _, b := range backends {
		t.Run(b.Name, func(t *testing.T) {
			store := openStore(t, b)
			synctest.Test(t, func(t *testing.T) { liveAndProve(t, store, years, run) })
		})
	}
}

func liveAndProve(t *testing.T, store cl.Store, years int, run *results.Run) {
	time.Sleep(time.Until(time.Date(2006, 7, 1, 5, 0, 0, 0, time.UTC)))
	until := time.Now().AddDate(years, 0, 0)
	l := cl.New(store, nil)
	ctx := context.Background()
	var all sync.WaitGroup
	var people []*subscriber
	for i, name := range fuzzZones {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		s := &subscriber{on: cl.AccountID{Customer: name, Currency: "credits"}, zone: zone, random: rand.New(rand.NewPCG(seed(t), uint64(i)))}
		if _, err := l.PutCustomer(ctx, cl.CustomerUpdate{ID: name, Timezone: &name}); err != nil {
			t.Fatal(err)
		}
		people = append(people, s)
		all.Go(func() {
			if err := s.live(l, until); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	all.Go(func() {
		for time.Now().Before(until) {
			if _, err := l.Sweep(ctx); err != nil {
				t.Error(err)
			}
			time.Sleep(7 * time.Hour)
		}
	})
	all.Wait()
	time.Sleep(800 * 24 * time.Hour) // all that was granted has ended
	if _, err := l.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	for _, s := range people {
		expiries, entries := s.prove(t, l)
		run.Count("expiries", expiries)
		run.Count("entries", entries)
		if expiries < 20*years { // of some 50 grants a year
			t.Errorf("%s: %d expiries", s.on, expiries)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// prove compares a history with the calendar.
func (s *subscriber) prove(t *testing.T, l *cl.Ledger) (expiries, entries int) {
	t.Helper()
	ctx := context.Background()
	seen := map[string]bool{}
	var last cl.Instant
	for q := (cl.EntriesQuery{Ascending: true, Limit: cl.MaxPage}); ; {
		page, err := l.Entries(ctx, s.on, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Entries {
			if e.CreatedAt < last {
				t.Errorf("%s #%d: %s comes after %s", s.on, e.Seq, e.CreatedAt, last)
			}
			last, entries = e.CreatedAt, entries+1
			switch {
			case seen[e.Block.ID]:
				t.Errorf("%s #%d: a %s on a block that has expired", s.on, e.Seq, e.Type)
			case e.Type == cl.EntryCreditBlockExpiry:
				expiries, seen[e.Block.ID] = expiries+1, true
				s.beginsADay(t, &e)
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	for _, was := range s.balance {
		if b, err := l.Balance(ctx, s.on, cl.BalanceQuery{At: was.at}); err != nil || b.Total.Cmp(was.total) != 0 {
			t.Errorf("%s: on %s the balance was %s, and is told as %s (%v)", s.on, was.at, was.total, b.Total, err)
		}
	}
	if b, err := l.Balance(ctx, s.on, cl.BalanceQuery{}); err != nil || !b.Total.IsZero() {
		t.Errorf("%s: in the end there are %s (%v)", s.on, b.Total, err)
	}
	sound(t, l, s.on)
	return expiries, entries
}

// beginsADay checks that an expiry entry has the instant of its block's expiry, and that
// this is the first instant of a local day: a microsecond earlier the zone showed an
// earlier day.
func (s *subscriber) beginsADay(t *testing.T, e *cl.Entry) {
	t.Helper()
	day := func(at cl.Instant) string { return at.Time().In(s.zone).Format(time.DateOnly) }
	at := e.CreatedAt
	if at != e.Block.ExpiresAt || strings.Compare(day(at), day(at.Add(-time.Microsecond))) <= 0 {
		t.Errorf("%s #%d: the block of %s expired at %s, on %s after %s", s.on, e.Seq, e.Block.ExpiresAt, at, day(at), day(at.Add(-time.Microsecond)))
	}
}
