package invoice

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"creditledger"
	"creditledger/store"
	"creditledger/store/bolt"
	"creditledger/store/memory"
)

// world is a service over a store that can be told to fail.
type world struct {
	t      testing.TB
	ctx    context.Context
	store  *faulty
	ledger *creditledger.Ledger
	*Service
	now time.Time
}

var start = time.Date(2026, 1, 15, 10, 0, 0, 0, time.UTC)

var credits = creditledger.AccountID{Customer: "cus", Currency: "credits"}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// on runs a test on every backend that needs nothing outside.
func on(t *testing.T, run func(t *testing.T, w *world)) {
	for name, open := range map[string]func(testing.TB) store.Store{
		"memory": func(testing.TB) store.Store { return memory.New() },
		"bolt": func(t testing.TB) store.Store {
			s, err := bolt.Open(filepath.Join(t.TempDir(), "ledger"), nil)
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
	} {
		t.Run(name, func(t *testing.T) { run(t, newWorld(t, open(t), nil)) })
	}
}

func newWorld(t testing.TB, s store.Store, opts *Options) *world {
	w := &world{t: t, ctx: context.Background(), store: &faulty{Store: s}, now: start}
	w.ledger = creditledger.New(w.store, &creditledger.Options{Clock: func() time.Time { return w.now }, Random: zeros{}})
	w.Service = New(w.ledger, opts)
	t.Cleanup(func() {
		if err := errors.Join(w.ledger.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	})
	return w
}

// tick moves the clock on: every step has an instant of its own.
func (w *world) tick() { w.now = w.now.Add(time.Second) }

func (w *world) customer(edit func(*creditledger.CustomerUpdate)) {
	w.t.Helper()
	usd := "USD"
	u := creditledger.CustomerUpdate{ID: "cus", Currency: &usd}
	if edit != nil {
		edit(&u)
	}
	if _, err := w.ledger.PutCustomer(w.ctx, u); err != nil {
		w.t.Fatal(err)
	}
}

// must fails the test on an error and proves the invoice otherwise.
func (w *world) must(a *Answer, err error) *Invoice {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := a.Invoice.Check(); err != nil {
		w.t.Fatal(err)
	}
	return a.Invoice
}

// refused expects an error of a kind with a text in it, and that nothing was written.
func (w *world) refused(kind error, text string, call func() error) {
	w.t.Helper()
	before := w.dump()
	err := call()
	if kind == (errAny{}) {
		kind = creditledger.ErrInvalid
		if errors.Is(err, creditledger.ErrConstraint) {
			kind = creditledger.ErrConstraint
		}
	}
	if !errors.Is(err, kind) || !strings.Contains(fmt.Sprint(err), text) {
		w.t.Errorf("want %v with %q, got: %v", kind, text, err)
	}
	if after := w.dump(); after != before {
		w.t.Errorf("a refused call wrote something: %v", err)
	}
}

// total is what an account holds.
func (w *world) total(id creditledger.AccountID) string {
	w.t.Helper()
	b, err := w.ledger.Balance(w.ctx, id, creditledger.BalanceQuery{})
	if err != nil {
		w.t.Fatal(err)
	}
	return b.Total.String()
}

// owns is the customer's balance in dollars.
func (w *world) owns() string {
	w.t.Helper()
	b, err := w.Balance(w.ctx, "cus", "USD")
	if err != nil {
		w.t.Fatal(err)
	}
	return b.Amount.Decimal()
}

func (w *world) grant(op creditledger.Increment) {
	w.t.Helper()
	w.do(op)
}

func (w *world) spend(n string) {
	w.t.Helper()
	w.do(creditledger.Decrement{Amount: amount(n), Overdraft: creditledger.Reject})
}

func (w *world) do(op creditledger.Operation) {
	w.t.Helper()
	w.tick()
	if _, err := w.ledger.Do(w.ctx, credits, op, ""); err != nil {
		w.t.Fatal(err)
	}
}

// sale is 100 credits at 0.20 with 30 days to pay.
func sale100() Purchase {
	return Purchase{
		Account:   credits,
		Increment: creditledger.Increment{Amount: amount("100"), CostBasis: basis("0.20"), BlockID: "bought"},
		Terms:     Terms{AutoCollection: Yes(), NetTerms: Days(30)},
	}
}

// dump is everything that is stored, as text.
func (w *world) dump() string {
	w.t.Helper()
	var b strings.Builder
	for _, kind := range []string{kindInvoice, kindNumber, kindIndex, kindKey, kindBalance, kindMovement, kindChange, kindChangeNow} {
		recs, err := w.ledger.Records(w.ctx, kind, "", "", creditledger.MaxPage)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, r := range recs {
			fmt.Fprintf(&b, "%s %q v%d %s\n", r.Kind, r.Key, r.Version, r.Value)
		}
	}
	ids, err := w.ledger.Accounts(w.ctx, creditledger.AccountID{}, 100)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, id := range ids {
		page, err := w.ledger.Entries(w.ctx, id, creditledger.EntriesQuery{Ascending: true, Limit: 1000})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, e := range page.Entries {
			text, err := json.Marshal(e)
			if err != nil {
				w.t.Fatal(err)
			}
			b.Write(append(text, '\n'))
		}
	}
	return b.String()
}

// prove checks every invoice against itself and the ledger: what invoices say was
// drawn, and what it paid for, is what the entries say.
func (w *world) prove() {
	w.t.Helper()
	ids, err := w.ledger.Accounts(w.ctx, creditledger.AccountID{}, 100)
	if err != nil {
		w.t.Fatal(err)
	}
	drawn := map[string]creditledger.Amount{}
	for _, id := range ids {
		report, err := w.ledger.Verify(w.ctx, id, nil)
		if err != nil {
			w.t.Fatalf("verify %s: %v %v", id, report, err)
		}
		page, err := w.ledger.Entries(w.ctx, id, creditledger.EntriesQuery{Limit: 1000, Ascending: true})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, e := range page.Entries {
			if e.InvoiceID == "" || e.Type != creditledger.EntryDecrement {
				continue
			}
			if drawn[e.InvoiceID], err = drawn[e.InvoiceID].Add(e.Amount); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	recs, err := w.ledger.Records(w.ctx, kindInvoice, "", "", 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, rec := range recs {
		var inv Invoice
		if err := decode(&rec, &inv); err != nil {
			w.t.Fatal(err)
		}
		if err := inv.Check(); err != nil {
			w.t.Error(err)
		}
		if inv.Period == nil {
			continue
		}
		var lines, draws creditledger.Amount
		for _, l := range inv.Lines {
			lines, _ = lines.Add(l.Drawn)
		}
		for _, d := range inv.Period.Draws {
			draws, _ = draws.Add(d.Amount)
		}
		if lines.Cmp(draws) != 0 {
			w.t.Errorf("%s: lines drew %s, the ledger %s", inv.name(), lines, draws)
		}
		if drawn[inv.ID].Cmp(draws) != 0 {
			w.t.Errorf("%s: the entries draw %s, the invoice %s", inv.name(), drawn[inv.ID], draws)
		}
		rate := creditledger.AmountOf(1)
		if inv.Period.Rate.IsSet() {
			rate = inv.Period.Rate.Amount()
		}
		paid, err := money(w.t, rate.String(), inv.Currency).Mul(draws)
		if err == nil {
			paid, err = paid.Round()
		}
		if err != nil || paid.String() != inv.Credits.String() {
			w.t.Errorf("%s: credits of %s are worth %s, the invoice says %s (%v)", inv.name(), draws, paid, inv.Credits, err)
		}
	}
}

// faulty is a store whose commits fail on demand.
type faulty struct {
	store.Store
	mu     sync.Mutex
	count  int
	failAt int  // number of the commit that fails; 0: none
	after  bool // it fails after it was done
	delay  time.Duration
}

var errDisk = errors.New("the disk is full")

func (f *faulty) Commit(ctx context.Context, changes []creditledger.Change) error {
	f.mu.Lock()
	f.count++
	fail := f.failAt != 0 && f.count == f.failAt
	f.mu.Unlock()
	if fail && !f.after {
		return errDisk
	}
	time.Sleep(f.delay)
	err := f.Store.Commit(ctx, changes)
	if fail && err == nil {
		return &creditledger.OutcomeUnknownError{Err: errDisk}
	}
	return err
}
