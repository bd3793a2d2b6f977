package field

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	cl "creditledger"
	"creditledger/fuzz"
	"creditledger/store/bolt"
	"creditledger/store/memory"
)

var (
	ctx   = context.Background()
	on    = cl.AccountID{Customer: "cus_1", Currency: "credits"}
	other = cl.AccountID{Customer: "cus_2", Currency: "credits"}
	one   = cl.AmountOf(1)
	begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
)

// place is a ledger whose clock a test moves.
type place struct {
	*cl.Ledger
	t     *testing.T
	store cl.Store
	opts  cl.Options

	mu  sync.Mutex
	now time.Time
}

func newPlace(t *testing.T, s cl.Store, set ...func(*cl.Options)) *place {
	p := &place{t: t, store: s, now: begin}
	p.opts.Clock = func() time.Time {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.now
	}
	for _, f := range set {
		f(&p.opts)
	}
	p.Ledger = p.another()
	return p
}

// another is one more ledger over the same store, as another process would have.
func (p *place) another() *cl.Ledger {
	l := cl.New(p.store, &p.opts)
	p.t.Cleanup(func() { l.Close() })
	return l
}

func (p *place) at(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = now
}

// each runs a test on a ledger in memory and on one in a file, and verifies it.
func each(t *testing.T, f func(p *place), set ...func(*cl.Options)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) {
		p := newPlace(t, memory.New(), set...)
		f(p)
		p.whole()
	})
	t.Run("file", func(t *testing.T) {
		s, err := bolt.Open(filepath.Join(t.TempDir(), "credits.db"), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		p := newPlace(t, s, set...)
		f(p)
		p.whole()
	})
}

func (p *place) whole() {
	p.t.Helper()
	if v, err := p.VerifyAll(ctx, nil); err != nil || v.Violation != nil {
		p.t.Errorf("verify: %v, %v", v.Violation, err)
	}
}

// must does an operation that has to be accepted.
func (p *place) must(op cl.Operation) *cl.Result {
	p.t.Helper()
	return p.keyed(op, "")
}

func (p *place) keyed(op cl.Operation, key cl.Key) *cl.Result {
	p.t.Helper()
	r, err := p.Do(ctx, on, op, key)
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

// refused does an operation that has to be refused and to leave nothing.
func (p *place) refused(op cl.Operation, key cl.Key, want error) {
	p.t.Helper()
	before := p.digest()
	if _, err := p.Do(ctx, on, op, key); !errors.Is(err, want) {
		p.t.Errorf("%s: got %v, want %v", op.Name(), err, want)
	}
	if p.digest() != before {
		p.t.Errorf("%s was refused and wrote something", op.Name())
	}
}

func (p *place) digest() string {
	p.t.Helper()
	d, err := fuzz.Digest(ctx, p.store)
	if err != nil {
		p.t.Fatal(err)
	}
	return d
}

func (p *place) total(want string) {
	p.t.Helper()
	b, err := p.Balance(ctx, on, cl.BalanceQuery{})
	if err != nil || b.Total.String() != want {
		p.t.Errorf("the total is %s, not %s (%v)", b.Total, want, err)
	}
}

func (p *place) totalAt(at time.Time, want string) {
	p.t.Helper()
	b, err := p.Balance(ctx, on, cl.BalanceQuery{At: cl.InstantOf(at)})
	if err != nil || b.Total.String() != want {
		p.t.Errorf("the total at %s is %s, not %s (%v)", at, b.Total, want, err)
	}
}

// entries are all of the account, oldest first.
func (p *place) entries() []cl.Entry {
	p.t.Helper()
	var all []cl.Entry
	for q := (cl.EntriesQuery{Ascending: true, Limit: cl.MaxPage}); ; {
		page, err := p.Entries(ctx, on, q)
		if err != nil {
			p.t.Fatal(err)
		}
		all = append(all, page.Entries...)
		if q.Cursor = page.Next; q.Cursor == "" {
			return all
		}
	}
}

// together calls f n times at once and returns how often it gave no error; the other
// errors have to be of the given kind.
func (p *place) together(n int, kind error, f func(i int) error) int {
	p.t.Helper()
	errs := make([]error, n)
	gate := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-gate
			errs[i] = f(i)
		})
	}
	close(gate)
	wg.Wait()
	done := 0
	for _, err := range errs {
		switch {
		case err == nil:
			done++
		case kind == nil || !errors.Is(err, kind):
			p.t.Error(err)
		}
	}
	return done
}

func (p *place) do(l *cl.Ledger, op cl.Operation, key cl.Key) error {
	_, err := l.Do(ctx, on, op, key)
	return err
}

func grant(id string, amount int64) cl.Increment {
	return cl.Increment{Amount: cl.AmountOf(amount), BlockID: id}
}

func until(op cl.Increment, at time.Time) cl.Increment {
	op.ExpiresAt = cl.At(at)
	return op
}

func spend(amount int64) cl.Decrement { return cl.Decrement{Amount: cl.AmountOf(amount)} }

func rejecting(amount int64) cl.Decrement {
	return cl.Decrement{Amount: cl.AmountOf(amount), Overdraft: cl.OverdraftReject}
}
