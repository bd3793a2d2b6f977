package creditledger_test

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"creditledger"
	"creditledger/store/memory"
)

// TestChargeIsChecked: a charge that no decrement could ask for is refused by the
// reads that take one, as by the decrement.
func TestChargeIsChecked(t *testing.T) {
	w := newWorld(t)
	for _, bad := range slices.Concat(longTexts, brokenTexts) {
		for field, c := range map[string]creditledger.Charge{
			"item_id": {ItemID: bad}, "price_id": {PriceID: bad}, "price_type": {PriceType: bad}, "pricing_unit_id": {PricingUnitID: bad},
		} {
			for _, err := range []error{
				errOf(w.Balance(ctx, cus1, creditledger.BalanceQuery{Charge: c})),
				errOf(w.Balance(ctx, cus1, creditledger.BalanceQuery{Charge: c, At: instant("2026-01-01")})),
				errOf(w.Explain(ctx, cus1, amount("1"), c)),
			} {
				var invalid *creditledger.InvalidError
				if !errors.As(err, &invalid) || invalid.Field != field {
					t.Errorf("%s %s: %v", field, shown(bad), err)
				}
			}
		}
	}
}

// TestSecurityNamesTests: every test that SECURITY.md leans on is there.
func TestSecurityNamesTests(t *testing.T) {
	page, err := os.ReadFile("SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	var sources strings.Builder
	for _, dir := range []string{".", "opsfile", "cmd/creditledger", "store/bolt", "store/postgres", "fuzz/field", "fuzz/crash"} {
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(dir, err)
		}
		for _, name := range files {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			sources.Write(data)
		}
	}
	names := regexp.MustCompile("`(Test\\w+)`").FindAllSubmatch(page, -1)
	for _, name := range names {
		if !strings.Contains(sources.String(), "func "+string(name[1])+"(t ") {
			t.Errorf("there is no %s", name[1])
		}
	}
	if len(names) < 30 {
		t.Errorf("%d tests are named", len(names))
	}
}

// TestHostileOptions: options out of their range, a clock and a source of randomness
// that fail: nothing is stored that could not be read again.
func TestHostileOptions(t *testing.T) {
	for name, set := range map[string]func(*creditledger.Options){
		"repay unknown":  func(o *creditledger.Options) { o.Repay = 9 },
		"repay the last": func(o *creditledger.Options) { o.Repay = 255 },
		"negative grace": func(o *creditledger.Options) { o.GracePeriod = math.MinInt64 },
		"endless grace":  func(o *creditledger.Options) { o.GracePeriod = math.MaxInt64 },
		"negative cache": func(o *creditledger.Options) { o.CacheBlocks = math.MinInt },
		"cache of one":   func(o *creditledger.Options) { o.CacheBlocks = 1 },
	} {
		w := newWorld(t, set).given(grant("A", "10"), spend("15"), grant("B", "1"))
		if got := w.total(); got != "-4" {
			t.Errorf("%s: the total is %s", name, got)
		}
		w.reopen()
		if len(w.entries(creditledger.EntriesQuery{})) != 3 {
			t.Errorf("%s: %s", name, w.ledger())
		}
		w.verified()
	}
	for _, year := range []int{-1, 0, 10000, 1 << 40} {
		w := newWorld(t)
		before := digestOf(t, w)
		w.mu.Lock()
		w.now = time.Date(year, 12, 31, 23, 59, 59, 0, time.UTC)
		w.mu.Unlock()
		for name, call := range accountMethods {
			if slices.Contains([]string{"Journal", "Import", "Checkpoint", "Verify"}, name) {
				continue // these do not look at the clock
			}
			if err := call(w.Ledger, cus1); err == nil {
				t.Errorf("%s in the year %d was done", name, year)
			}
		}
		if digestOf(t, w) != before {
			t.Errorf("something was written in the year %d", year)
		}
	}
	w := newWorld(t, func(o *creditledger.Options) { o.Random = strings.NewReader("too short") })
	before := digestOf(t, w)
	if _, err := w.Do(ctx, cus1, grant("", "1"), ""); err == nil || digestOf(t, w) != before {
		t.Errorf("without randomness: %v", err)
	}
}

// TestSweepLeavesWhatHeldThen: a sweep writes its record at the instant of the last
// expiry, and leaves the blocks as they were then: what became effective between that
// and now does not yet take the place of an empty block that stands in for debts.
func TestSweepLeavesWhatHeldThen(t *testing.T) {
	w := newWorld(t).given(grant("A", "10"), spend("10"), grant("X", "1", expires("2026-01-02")), grant("F", "5", effective("2026-01-03")))
	w.at("2026-01-04")
	if res, err := w.Sweep(ctx); err != nil || res.Entries != 1 {
		t.Fatalf("%+v, %v", res, err)
	}
	w.verified()
	w.reopen()
	w.verified()
	w.given(spend("7"))
	if got := w.held(); got != "F -2" {
		t.Errorf("the debt is on %s", got)
	}
	w.verified()
}

// gated is a store whose commits wait to be let through.
type gated struct {
	creditledger.Store
	begun, open chan struct{}
}

func (g gated) Commit(ctx context.Context, changes []creditledger.Change) error {
	select {
	case g.begun <- struct{}{}:
	default:
	}
	<-g.open
	return g.Store.Commit(ctx, changes)
}

// TestNothingBeginsUnderAContextThatIsOver: not even while a commit of the account is
// under way, when the store is not asked.
func TestNothingBeginsUnderAContextThatIsOver(t *testing.T) {
	g := gated{memory.New(), make(chan struct{}, 1), make(chan struct{})}
	w := newWorldOver(t, g)
	first, err := w.Submit(ctx, cus1, grant("A", "1"), "")
	if err != nil {
		t.Fatal(err)
	}
	<-g.begun
	over, cancel := context.WithCancel(ctx)
	cancel()
	_, err = w.Do(over, cus1, grant("", "1"), "")
	if !errors.Is(err, context.Canceled) || errors.Is(err, creditledger.ErrOutcomeUnknown) {
		t.Errorf("Do: %v", err)
	}
	if _, err := w.Submit(over, cus1, grant("", "1"), ""); !errors.Is(err, context.Canceled) {
		t.Errorf("Submit: %v", err)
	}
	close(g.open)
	if _, err := first.Wait(ctx); err != nil {
		t.Error(err)
	}
	if got := w.held(); got != "A 1" {
		t.Errorf("there are %s", got)
	}
}

// stale is a store whose first commit is in conflict, once it is let go.
type stale struct {
	creditledger.Store
	begun, open chan struct{}
	refused     *atomic.Bool
}

func (s stale) Commit(ctx context.Context, changes []creditledger.Change) error {
	if !s.refused.CompareAndSwap(false, true) {
		return s.Store.Commit(ctx, changes)
	}
	close(s.begun)
	<-s.open
	return &creditledger.ConflictError{Accounts: []creditledger.AccountID{changes[0].Account}}
}

// TestConflictIsDecidedOnceForAllWhoWait: an operation without a key happens once,
// however many wait for it when its account turns out to have moved.
func TestConflictIsDecidedOnceForAllWhoWait(t *testing.T) {
	s := stale{memory.New(), make(chan struct{}), make(chan struct{}), new(atomic.Bool)}
	w := newWorldOver(t, s)
	p, err := w.Submit(ctx, cus1, grant("", "1"), "")
	if err != nil {
		t.Fatal(err)
	}
	<-s.begun
	const waiters = 8
	answers := make(chan string, waiters)
	for range waiters {
		go func() {
			res, err := p.Wait(ctx)
			if err != nil {
				answers <- err.Error()
				return
			}
			answers <- string(res.Key)
		}()
	}
	close(s.open)
	first := <-answers
	for range waiters - 1 {
		if other := <-answers; other != first {
			t.Errorf("one was told %s, another %s", first, other)
		}
	}
	if balance, err := w.Balance(ctx, cus1, creditledger.BalanceQuery{}); err != nil || balance.Total.String() != "1" {
		t.Errorf("granted %s, %v", balance.Total, err)
	}
}

// TestWhoGivesUpDecidesForNobodyElse: one who waits under a context that is over changes
// nothing for the others.
func TestWhoGivesUpDecidesForNobodyElse(t *testing.T) {
	s := stale{memory.New(), make(chan struct{}), make(chan struct{}), new(atomic.Bool)}
	w := newWorldOver(t, s)
	p, err := w.Submit(ctx, cus1, grant("", "1"), "")
	if err != nil {
		t.Fatal(err)
	}
	<-s.begun
	over, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := p.Wait(over); !errors.Is(err, context.Canceled) {
		t.Errorf("under a context that is over: %v", err)
	}
	close(s.open)
	// Who looks at the account sees what was decided afresh.
	if balance, err := w.Balance(ctx, cus1, creditledger.BalanceQuery{}); err != nil || balance.Total.String() != "1" {
		t.Fatalf("total %s, %v", balance.Total, err)
	}
	for range 2 {
		if _, err := p.Wait(ctx); err != nil {
			t.Error(err)
		}
	}
	if balance, err := w.Balance(ctx, cus1, creditledger.BalanceQuery{}); err != nil || balance.Total.String() != "1" {
		t.Errorf("granted %s, %v", balance.Total, err)
	}
}
