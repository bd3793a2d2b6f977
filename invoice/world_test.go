package invoice

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"creditledger"
	"creditledger/fuzz/faultstore"
	_ "creditledger/fuzz/testmemory"
	"creditledger/fuzz/testseed"
	"creditledger/store"
	"creditledger/store/bolt"
	"creditledger/store/memory"
	"creditledger/store/postgres"
	"creditledger/store/postgres/pgtest"
)

// world is a service over a store that can be told to fail.
type world struct {
	moving sync.Mutex // guards now, where a story is told by several at once
	t      testing.TB
	ctx    context.Context
	place  *place
	store  *watched
	faults *faultstore.Store
	ledger *creditledger.Ledger
	*Service
	settings *Options
	now      time.Time
	closed   sync.Once
}

var start = time.Date(2026, 1, 15, 10, 0, 0, 0, time.UTC)

var credits = creditledger.AccountID{Customer: "cus", Currency: "credits"}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// place is where one ledger is kept. It can be opened again, as after a restart.
type place struct {
	store  store.Store
	reopen func() (store.Store, error)
}

// backend makes new, empty places of one kind.
type backend struct {
	name string
	slow int // how much slower than memory, for tests that take their time
	open func(testing.TB) *place
}

var (
	onMemory   = backend{"memory", 1, memoryPlace}
	onBolt     = backend{"bolt", 5, boltPlace}
	onPostgres = backend{"postgres", 5, postgresPlace}
	backends   = []backend{onMemory, onBolt, onPostgres}
)

// random is a source of randomness of a seed, which is printed.
func random(t *testing.T) (r *rand.Rand, seed uint64) {
	seed = testseed.Of(t)
	return rand.New(rand.NewPCG(seed, 0)), seed
}

func TestMain(m *testing.M) { pgtest.Main(m) }

func memoryPlace(testing.TB) *place {
	s := memory.New()
	return &place{store: s, reopen: func() (store.Store, error) { return s, nil }}
}

func boltPlace(t testing.TB) *place {
	path := filepath.Join(t.TempDir(), "ledger")
	return opened(t, func() (store.Store, error) { return bolt.Open(path, nil) })
}

// pools has one pool of connections for all tests of this binary.
var pools struct {
	sync.Once
	pool *pgxpool.Pool
	err  error
	last atomic.Int64
}

// postgresPlace is a schema of its own.
func postgresPlace(t testing.TB) *place {
	server := pgtest.Shared(t)
	pools.Do(func() {
		config, err := pgxpool.ParseConfig(server.DSN("postgres"))
		if err == nil {
			postgres.Watch(config)
			pools.pool, err = pgxpool.NewWithConfig(context.Background(), config)
		}
		pools.err = err
	})
	if pools.err != nil {
		t.Fatal(pools.err)
	}
	opts := &postgres.Options{Schema: fmt.Sprint("ledger_", pools.last.Add(1))}
	if err := postgres.Migrate(context.Background(), pools.pool, opts); err != nil {
		t.Fatal(err)
	}
	return opened(t, func() (store.Store, error) { return postgres.Open(context.Background(), pools.pool, opts) })
}

func opened(t testing.TB, open func() (store.Store, error)) *place {
	t.Helper()
	s, err := open()
	if err != nil {
		t.Fatal(err)
	}
	p := &place{store: s}
	p.reopen = func() (store.Store, error) {
		if err := p.store.Close(); err != nil {
			return nil, err
		}
		s, err := open()
		p.store = s
		return s, err
	}
	return p
}

// on runs a test on every backend.
func on(t *testing.T, run func(t *testing.T, w *world)) {
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) { run(t, newWorld(t, b, nil)) })
	}
}

func newWorld(t testing.TB, b backend, opts *Options) *world {
	t.Helper()
	w := &world{t: t, ctx: context.Background(), place: b.open(t), settings: opts, now: start}
	w.begin()
	t.Cleanup(w.close)
	return w
}

// begin starts a ledger and a service on the place as it is, with empty caches.
func (w *world) begin() {
	w.store = &watched{Store: w.place.store}
	w.faults = faultstore.Wrap(w.store)
	w.ledger = creditledger.New(w.faults, &creditledger.Options{Clock: w.clock, Random: zeros{}})
	w.Service = New(w.ledger, w.settings)
}

func (w *world) close() {
	w.closed.Do(func() {
		if err := errors.Join(w.ledger.Close(), w.place.store.Close()); err != nil {
			w.t.Error(err)
		}
	})
}

// restart does what the end of a process and the beginning of the next do.
func (w *world) restart() {
	w.t.Helper()
	if err := w.ledger.Close(); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.place.reopen(); err != nil {
		w.t.Fatal(err)
	}
	w.begin()
}

func (w *world) clock() time.Time {
	w.moving.Lock()
	defer w.moving.Unlock()
	return w.now
}

// reach sets the clock, also while others read it.
func (w *world) reach(at time.Time) {
	w.moving.Lock()
	defer w.moving.Unlock()
	w.now = at
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
	w.do(creditledger.Decrement{Amount: amount(n), Overdraft: creditledger.OverdraftReject})
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
	for _, kind := range []string{kindInvoice, kindNumber, kindIndex, kindKey, kindBalance, kindMovement, kindChange, kindChangeNow, kindPeriod, kindSold, kindWaiting} {
		recs, err := w.ledger.Documents(w.ctx, kind, "", "", creditledger.MaxPage)
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

// watched is a store that counts its commits, and takes its time for them.
type watched struct {
	store.Store
	commits atomic.Int64
	delay   time.Duration
}

func (s *watched) Commit(ctx context.Context, changes []creditledger.Change) error {
	s.commits.Add(1)
	time.Sleep(s.delay)
	return s.Store.Commit(ctx, changes)
}
