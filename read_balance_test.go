package creditledger_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"creditledger"
)

func TestBalance(t *testing.T) {
	w := newWorld(t).given(creditledger.Fixture()...)
	w.given(grant("S", "20", only("api"), expires("2026-04-01")), grant("F", "7", effective("2026-02-15")), grant("P", "9", unpaid))
	for _, c := range []struct{ at, item, total, available string }{
		{"2026-01-01", "", "200", "180"},
		{"2026-01-01", "api", "200", "200"},
		{"2026-01-31T23:59:59.999999Z", "", "200", "180"},
		{"2026-02-01", "", "170", "150"},
		{"2026-02-15", "", "177", "157"},
		{"2026-03-01", "api", "127", "127"},
		{"2026-05-01", "", "107", "107"},
	} {
		w.at(c.at)
		got, err := w.Balance(ctx, cus1, creditledger.BalanceQuery{Charge: creditledger.Charge{ItemID: c.item}})
		if err != nil || got.Total.String() != c.total || got.Available.String() != c.available || got.AsOf != instant(c.at) {
			t.Errorf("at %s for %q: %+v, %v", c.at, c.item, got, err)
		}
	}
	if len(w.entries(creditledger.EntriesQuery{})) != 6 {
		t.Error("a read wrote something")
	}
	if got, err := w.Balance(ctx, cus2, creditledger.BalanceQuery{}); err != nil || !got.Total.IsZero() || !got.Available.IsZero() {
		t.Errorf("an account never used: %+v, %v", got, err)
	}
}

// TestBalanceOfADebt: available is never below 0, and a debt elsewhere lowers it.
func TestBalanceOfADebt(t *testing.T) {
	w := newWorld(t).given(grant("C", "1"), spend("21"), grant("U", "15", creditledger.NoRepay, expires("2026-06-01")))
	if got, err := w.Balance(ctx, cus1, creditledger.BalanceQuery{}); err != nil || got.Total.String() != "-5" || got.Available.String() != "0" {
		t.Errorf("%+v, %v", got, err)
	}
	w.given(grant("V", "15", creditledger.NoRepay, expires("2026-06-01")))
	if got, err := w.Balance(ctx, cus1, creditledger.BalanceQuery{}); err != nil || got.Total.String() != "10" || got.Available.String() != "10" {
		t.Errorf("%+v, %v", got, err)
	}
	got, err := w.Balance(ctx, cus1, creditledger.BalanceQuery{At: instant("2026-01-01")})
	if err != nil || got.Total.String() != "10" || got.Available.String() != "10" {
		t.Errorf("as of now: %+v, %v", got, err)
	}
}

// TestBalanceAsOf: around every boundary of a short history.
func TestBalanceAsOf(t *testing.T) {
	w := newWorld(t)
	w.at("2026-01-10").given(grant("A", "100", expires("2026-03-01")))
	w.at("2026-01-20").given(spend("30"))
	w.at("2026-01-25").given(grant("P", "5", unpaid))
	w.at("2026-02-01").given(creditledger.Activation{BlockID: "P"}, grant("F", "7", effective("2026-02-15")))
	w.at("2026-02-20").given(extend("A", "20", "never", "N"), grant("B", "1", effective("2026-01-01")))
	w.at("2026-04-01").given(spend("1"))
	w.at("2026-05-01")
	for _, c := range []struct{ at, want string }{
		{"0001-01-01T00:00:00Z", "0"},
		{"2026-01-09T23:59:59.999999Z", "0"},
		{"2026-01-10T00:00:00Z", "100"},
		{"2026-01-19T23:59:59.999999Z", "100"},
		{"2026-01-20T00:00:00Z", "70"},
		{"2026-01-31T23:59:59.999999Z", "70"},
		{"2026-02-01T00:00:00Z", "75"},
		{"2026-02-14T23:59:59.999999Z", "75"},
		{"2026-02-15T00:00:00Z", "82"},
		{"2026-02-19T23:59:59.999999Z", "82"},
		{"2026-02-20T00:00:00Z", "83"},
		{"2026-02-28T23:59:59.999999Z", "83"},
		{"2026-03-01T00:00:00Z", "33"},
		{"2026-03-31T23:59:59.999999Z", "33"},
		{"2026-04-01T00:00:00Z", "32"},
		{"2026-05-01T00:00:00Z", "32"},
	} {
		got, err := w.Balance(ctx, cus1, creditledger.BalanceQuery{At: instant(c.at)})
		if err != nil || got.Total.String() != c.want || got.Available.String() != c.want || got.AsOf != instant(c.at) {
			t.Errorf("as of %s: %+v, %v, want %s", c.at, got, err, c.want)
		}
	}
	for _, at := range []creditledger.Instant{instant("2026-05-01T00:00:00.000001Z"), creditledger.EndOfTime, -1, creditledger.EndOfTime + 1} {
		var invalid *creditledger.InvalidError
		if _, err := w.Balance(ctx, cus1, creditledger.BalanceQuery{At: at}); !errors.As(err, &invalid) || invalid.Field != "at" {
			t.Errorf("as of %s: %v", at, err)
		}
	}
	// The clock went back: now is the last operation's instant, and what was asked then
	// is answered.
	w.at("2026-03-15")
	if got, err := w.Balance(ctx, cus1, creditledger.BalanceQuery{At: instant("2026-04-01")}); err != nil || got.Total.String() != "32" {
		t.Errorf("after the clock went back: %+v, %v", got, err)
	}
	if _, err := w.Balance(ctx, cus1, creditledger.BalanceQuery{At: instant("2026-04-02")}); !errors.Is(err, creditledger.ErrInvalid) {
		t.Errorf("after now, as the clock went back: %v", err)
	}
}

// TestBalanceAsOfProperty: what a reader was told at an instant is told again later.
func TestBalanceAsOfProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		type question struct {
			at   creditledger.Instant
			item string
		}
		told := map[question]string{}
		ask := func(q question, at creditledger.Instant) string {
			b, err := w.Balance(ctx, cus1, creditledger.BalanceQuery{At: at, Charge: creditledger.Charge{ItemID: q.item}})
			if err != nil {
				rt.Fatal(err)
			}
			return fmt.Sprintf("%s, available %s", b.Total, b.Available)
		}
		look := func() {
			now := creditledger.InstantOf(w.clock())
			for _, id := range []string{"", "api", "disk"} {
				told[question{now, id}] = ask(question{now, id}, 0)
			}
		}
		blocks := 0
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			hours := time.Duration(rapid.SampledFrom([]int{0, 0, 6, 12, 24, 48}).Draw(rt, "hours"))
			w.now = w.now.Add(hours * time.Hour)
			look()
			if res, err := w.Do(ctx, cus1, creditledger.DrawOperation(rt, blocks), ""); err == nil && res.NewBlockID != "" {
				blocks++
			}
			look()
		}
		w.now = w.now.Add(1000 * time.Hour)
		if rapid.Bool().Draw(rt, "written down") {
			_, _ = w.Sweep(ctx)
		}
		if rapid.Bool().Draw(rt, "restarted") {
			w.reopen()
		}
		for q, want := range told {
			if got := ask(q, q.at); got != want {
				rt.Fatalf("at %s for %q a reader was told %s, and later %s\n%s", q.at, q.item, want, got, w.ledger())
			}
		}
		v, err := w.Verify(ctx, cus1, nil)
		if err != nil || v.Violation != nil {
			rt.Fatalf("verify: %v, %v", v.Violation, err)
		}
	})
}

func TestBlockByID(t *testing.T) {
	w := newWorld(t).given(grant("A", "10"), grant("B", "5"), spend("12"))
	for id, want := range map[string]string{"A": "0", "B": "3"} {
		if b, err := w.Block(ctx, cus1, id); err != nil || b.ID != id || b.Balance.String() != want {
			t.Errorf("%s: %+v, %v", id, b, err)
		}
	}
	if _, err := w.Block(ctx, cus1, "C"); !errors.Is(err, creditledger.ErrNotFound) {
		t.Errorf("unknown: %v", err)
	}
	if _, err := w.Block(ctx, cus2, "A"); !errors.Is(err, creditledger.ErrNotFound) {
		t.Errorf("another customer's: %v", err)
	}
	for _, id := range []string{"", "a\x00", "\xff"} {
		if _, err := w.Block(ctx, cus1, id); !errors.Is(err, creditledger.ErrInvalid) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// TestAccountsOfBlock: an id alone finds the accounts that have such a block, open or not,
// in order and in pages, with what was submitted just before.
func TestAccountsOfBlock(t *testing.T) {
	w := newWorld(t).given(grant("A", "10"), spend("10"), grant("B", "5"))
	if _, err := w.Submit(ctx, cus2, grant("A", "1"), ""); err != nil {
		t.Fatal(err)
	}
	none := creditledger.AccountID{}
	one, two := creditledger.AccountID{Customer: cus1.Customer, Currency: "credits"}, creditledger.AccountID{Customer: cus2.Customer, Currency: "credits"}
	for _, c := range []struct {
		id    string
		after creditledger.AccountID
		limit int
		want  []creditledger.AccountID
	}{
		{"A", none, 10, []creditledger.AccountID{one, two}},
		{"A", none, 1, []creditledger.AccountID{one}},
		{"A", one, 10, []creditledger.AccountID{two}},
		{"A", two, 10, nil},
		{"B", none, 10, []creditledger.AccountID{one}},
		{"C", none, 10, nil},
	} {
		if got, err := w.AccountsOfBlock(ctx, c.id, c.after, c.limit); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s after %v, %d of them: %v, %v", c.id, c.after, c.limit, got, err)
		}
	}
	for id, limit := range map[string]int{"": 1, "a\x00": 1, "A": 0, "B": creditledger.MaxPage + 1} {
		if _, err := w.AccountsOfBlock(ctx, id, none, limit); !errors.Is(err, creditledger.ErrInvalid) {
			t.Errorf("%q, %d: %v", id, limit, err)
		}
	}
}

// TestAccountsApart: nothing that is done with another account's ids finds anything,
// whether it is another customer's or another currency's.
func TestAccountsApart(t *testing.T) {
	w := newWorld(t).given(grant("A", "10", expires("2026-06-01")))
	before := w.ledger()
	for _, on := range []creditledger.AccountID{cus2, {Customer: "cus_1", Currency: "CREDITS"}, {Customer: "CUS_1"}, {Customer: "cus_1", Currency: "USD"}} {
		byExpiry := extend("", "", "never", "")
		byExpiry.ExpiresAt = creditledger.AtInstant(instant("2026-06-01"))
		for _, op := range []creditledger.Operation{
			voidOf("A", "1"), amend("A", "1"), extend("A", "1", "never", "N"), creditledger.Activation{BlockID: "A"}, byExpiry,
			creditledger.Batch{voidOf("A", "1")},
		} {
			if _, err := w.Do(ctx, on, op, ""); !errors.Is(err, creditledger.ErrNotFound) {
				t.Errorf("%s on %v: %v", op.Name(), on, err)
			}
		}
		if _, err := w.Do(ctx, on, grant("A", "3"), ""); err != nil {
			t.Errorf("the same id on %v: %v", on, err)
		}
	}
	if got := w.ledger(); got != before {
		t.Errorf("the ledger became\n%s", got)
	}
	w.verified()
}

func TestAccounts(t *testing.T) {
	w := newWorld(t)
	ids := []creditledger.AccountID{{Customer: "a", Currency: "x"}, {Customer: "a", Currency: "y"}, {Customer: "ab", Currency: "x"}, {Customer: "b", Currency: "x"}}
	for i := range ids {
		if _, err := w.Do(ctx, ids[len(ids)-1-i], grant("A", "1"), ""); err != nil {
			t.Fatal(err)
		}
	}
	var after creditledger.AccountID
	for i := range ids {
		got, err := w.Accounts(ctx, after, 1)
		if err != nil || len(got) != 1 || got[0] != ids[i] {
			t.Fatalf("after %v: %v, %v", after, got, err)
		}
		after = got[0]
	}
	if got, err := w.Accounts(ctx, after, 10); err != nil || len(got) != 0 {
		t.Errorf("after the last: %v, %v", got, err)
	}
	for _, limit := range []int{0, -1, creditledger.MaxPage + 1} {
		if _, err := w.Accounts(ctx, after, limit); !errors.Is(err, creditledger.ErrInvalid) {
			t.Errorf("limit %d: %v", limit, err)
		}
	}
}

// TestReadsHonourContext: a call whose context is over returns at once, and a closed
// ledger refuses.
func TestReadsHonourContext(t *testing.T) {
	w := newWorld(t).given(grant("A", "1"))
	over, cancel := context.WithCancel(ctx)
	cancel()
	calls := func(ctx context.Context) map[string]error {
		return map[string]error{
			"balance": errOf(w.Balance(ctx, cus1, creditledger.BalanceQuery{})), "as of": errOf(w.Balance(ctx, cus1, creditledger.BalanceQuery{At: 1})),
			"blocks": errOf(w.Blocks(ctx, cus1, creditledger.BlocksQuery{})), "all blocks": errOf(w.Blocks(ctx, cus1, creditledger.BlocksQuery{All: true})),
			"entries": errOf(w.Entries(ctx, cus1, creditledger.EntriesQuery{})), "explain": errOf(w.Explain(ctx, cus1, amount("1"), creditledger.Charge{})),
			"block": errOf(w.Block(ctx, cus1, "A")), "accounts": errOf(w.Accounts(ctx, creditledger.AccountID{}, 1)), "verify": errOf(w.Verify(ctx, cus1, nil)),
			"verify all": errOf(w.VerifyAll(ctx, nil)), "sweep": errOf(w.Sweep(ctx)), "customer": errOf(w.Customer(ctx, "cus_1")),
			"put customer": errOf(w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: "c"})), "do": errOf(w.Do(ctx, cus1, spend("1"), "")),
			"submit": errOf(w.Submit(ctx, cus1, spend("1"), "")), "preview": errOf(w.Preview(ctx, cus1, spend("1"), "")),
		}
	}
	for name, err := range calls(over) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a context that is over: %v", name, err)
		}
	}
	if w.ledger() != "increment A 1 0→1" {
		t.Errorf("something was written: %s", w.ledger())
	}
	if err := errors.Join(w.Close(), w.Close()); err != nil {
		t.Error(err)
	}
	for name, err := range calls(ctx) {
		if !errors.Is(err, creditledger.ErrClosed) {
			t.Errorf("%s of a closed ledger: %v", name, err)
		}
	}
}

// TestImpossibleClock: a clock outside the calendar is an error of every call, never
// an operation at an instant that there is not.
func TestImpossibleClock(t *testing.T) {
	w := newWorld(t)
	w.now = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, err := range map[string]error{
		"balance": errOf(w.Balance(ctx, cus1, creditledger.BalanceQuery{})), "do": errOf(w.Do(ctx, cus1, spend("1"), "")),
		"preview": errOf(w.Preview(ctx, cus1, spend("1"), "")), "sweep": errOf(w.Sweep(ctx)),
		"customer": errOf(w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: "c"})),
	} {
		if err == nil {
			t.Errorf("%s is answered", name)
		}
	}
	w.at("9999-12-31T23:59:59.999999Z")
	if res := w.must(grant("A", "1"), ""); res.At != creditledger.EndOfTime {
		t.Errorf("the last instant is %s", res.At)
	}
	w.now = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	if res, err := w.Do(ctx, cus2, grant("A", "1"), ""); err != nil || res.At != 1 {
		t.Errorf("the first instant: %v, %v", res, err)
	}
	w.verified()
}

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
