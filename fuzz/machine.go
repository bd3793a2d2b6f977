package fuzz

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"pgregory.net/rapid"

	cl "creditledger"
	"creditledger/fuzz/model"
)

// Backend is a kind of store to run on. New prepares an empty one, which may use the
// directory; the function it returns opens it, again and again, each time after the
// store it returned before was closed if it has a Close.
type Backend struct {
	Name string
	New  func(dir string) (open func() (cl.Store, error))
}

// Machine runs random operations on one ledger per backend, all with the same clock
// and the same ids, and compares each with the model and with the others.
type Machine struct {
	Backends []Backend
	Quick    bool   // let the model go on from where it was, and look less closely
	Dir      string // for the files of the backends; empty: the system's
	Stats    *Stats // may be nil
}

// machine is one run.
type machine struct {
	ctx       context.Context
	systems   []*system
	accounts  []*account
	customers map[string]*cl.Customer
	clock     time.Time
	grace     time.Duration
	repay     cl.Repay
	piece     int // how many expiries go in one commit
	fresh     int
	pager     *pager
	stats     *Stats
	touched   *account
	acts      []done // that were accepted
	quick     bool
}

// account is one account in the model.
type account struct {
	id cl.AccountID
	model.Account
	entryIDs map[uint64]string // by sequence number, as first told
	keys     []cl.Key          // used so far
}

// system is a ledger over a backend.
type system struct {
	name   string
	open   func() (cl.Store, error)
	store  cl.Store
	ledger *cl.Ledger
	seed   [32]byte
	opened byte // how often it was opened; each ledger makes ids of its own
	heads  map[cl.AccountID]string
}

var starts = []string{
	"2024-03-08T20:00:00.000000999Z", "2022-05-05T17:17:06Z", "2018-11-02T12:00:00Z", "2011-12-28T09:59:59.9999995Z", "2024-04-24T00:00:00Z", "2024-10-31T23:59:59Z",
}

var zones = []string{
	"America/Los_Angeles", "UTC", "America/Sao_Paulo", "Pacific/Apia", "Africa/Cairo", "Asia/Kathmandu", "Australia/Lord_Howe", "America/New_York",
}

// Run is one check of the property: the machine from its start through as many steps
// as rapid wants.
func (c *Machine) Run(t *rapid.T) {
	m := &machine{ctx: context.Background(), customers: map[string]*cl.Customer{}, stats: c.Stats, quick: c.Quick}
	if m.stats == nil {
		m.stats = NewStats()
	}
	m.start(t, c)
	defer m.stop()
	t.Repeat(map[string]func(*rapid.T){"step": m.step, "": m.check})
	m.finish(t)
}

func (m *machine) start(t *rapid.T, c *Machine) {
	start, err := time.Parse(time.RFC3339, starts[below(t, len(starts), "start")])
	if err != nil {
		t.Fatal(err)
	}
	m.clock = start
	if below(t, 3, "grace") == 2 {
		m.grace = 36 * time.Hour
	}
	m.repay = cl.RepayFirst
	if below(t, 4, "repay") == 3 {
		m.repay = cl.RepayNever
	}
	m.piece = []int{0, 1, 2}[below(t, 3, "piece")]
	for _, id := range []cl.AccountID{
		{Customer: "cus_1", Currency: "credits"}, {Customer: "cus_2", Currency: "USD"}, {Customer: "cus_1", Currency: "USD"}, {Customer: "cus_1/credits", Currency: "credits"},
	} {
		m.accounts = append(m.accounts, &account{id: id, Account: model.Account{ID: id, Repay: m.repay, Grace: m.grace, Quick: c.Quick}})
	}
	seed := [32]byte{}
	binary.LittleEndian.PutUint64(seed[:], uint64(below(t, 100, "ids")))
	for _, b := range c.Backends {
		dir, err := os.MkdirTemp(c.Dir, "fuzz-")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		s := &system{name: b.Name, open: b.New(dir), seed: seed, heads: map[cl.AccountID]string{}}
		if err := s.reopen(m); err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		m.systems = append(m.systems, s)
	}
}

// reopen makes a new ledger, over a store that was closed and opened where it can be.
func (s *system) reopen(m *machine) error {
	if err := s.close(); err != nil {
		return err
	}
	var err error
	if s.store, err = s.open(); err != nil {
		return err
	}
	s.opened++
	s.seed[len(s.seed)-1] = s.opened
	random := rand.NewChaCha8(s.seed)
	s.ledger = cl.New(s.store, &cl.Options{Clock: func() time.Time { return m.clock }, Random: random, Settings: cl.Settings{GracePeriod: m.grace, Repay: m.repay}, ExpiriesPerCommit: m.piece})
	return nil
}

func (s *system) close() error {
	if s.ledger == nil {
		return nil
	}
	err := s.ledger.Close()
	if c, ok := s.store.(io.Closer); ok {
		err = errors.Join(err, c.Close())
	}
	s.ledger = nil
	return err
}

func (m *machine) stop() {
	for _, s := range m.systems {
		_ = s.close()
	}
}

func (m *machine) now() cl.Instant { return cl.InstantOf(m.clock) }

// zone is the time zone of a customer.
func (m *machine) zone(customer string) *time.Location {
	if c := m.customers[customer]; c != nil {
		zone, err := time.LoadLocation(c.Timezone)
		if err != nil {
			panic(err)
		}
		return zone
	}
	return time.UTC
}

// forbids tells whether a customer is invoiced in another currency than an account's,
// and whether it is deleted.
func (m *machine) forbids(id cl.AccountID) (foreign, deleted bool) {
	c := m.customers[id.Customer]
	if c == nil {
		return false, false
	}
	return c.Currency != "" && id.Currency == "USD" && c.Currency != "USD", c.DeletedAt != 0
}

// foreign is the id of a block of another account.
func (m *machine) foreign(not *account) string {
	for _, a := range m.accounts {
		if a != not {
			for _, b := range a.Now().Blocks {
				if not.Now().Find(b.ID) == nil {
					return b.ID
				}
			}
		}
	}
	return "nowhere"
}

func (m *machine) generator(t *rapid.T, on *account) *generator {
	at := on.Instant(m.now())
	return &generator{t: t, m: m, on: on, state: on.Present(m.now()), at: at}
}

var steps = slices.Concat(
	slices.Repeat([]string{"operation"}, 59), slices.Repeat([]string{"act"}, 7), slices.Repeat([]string{"clock"}, 14), slices.Repeat([]string{"retry"}, 7),
	slices.Repeat([]string{"invalid"}, 3), slices.Repeat([]string{"sweep"}, 3), slices.Repeat([]string{"pager"}, 4),
	slices.Repeat([]string{"customer"}, 2), slices.Repeat([]string{"reopen"}, 2),
)

func (m *machine) step(t *rapid.T) {
	m.touched = m.accounts[0]
	if n := below(t, 16, "account"); n > 10 {
		m.touched = m.accounts[n%len(m.accounts)]
	}
	g := m.generator(t, m.touched)
	m.stats.Steps++
	switch oneOf(g, "step", steps...) {
	case "operation":
		m.operation(g, g.operation(), g.key())
	case "act":
		m.act(g, g.anAct(), g.key())
	case "clock":
		m.moveClock(g)
	case "retry":
		m.retry(g)
	case "invalid":
		m.invalid(g)
	case "sweep":
		m.sweep(t)
	case "pager":
		m.page(g)
	case "customer":
		m.customer(g)
	case "reopen":
		for _, s := range m.systems {
			if err := s.reopen(m); err != nil {
				t.Fatalf("%s: reopen: %v", s.name, err)
			}
		}
	}
}

// key is mostly none or new, rarely one that was used.
func (g *generator) key() cl.Key {
	switch n := g.below(30, "key"); {
	case n < 18:
		return ""
	case n == 29 && len(g.on.keys) > 0:
		return g.on.keys[g.below(len(g.on.keys), "used key")]
	}
	g.m.fresh++
	return cl.Key(fmt.Sprintf("k%d", g.m.fresh))
}

func (m *machine) moveClock(g *generator) {
	n := g.below(8, "clock")
	if at := g.falling(); n < 2 && m.near(at) && g.below(3, "of a schedule") > 0 {
		m.clock, n = at.Time(), 7
	}
	if at := g.turning(); n < 4 && m.near(at) && g.below(3, "of a hold") > 0 {
		m.clock, n = at.Time(), 7
	}
	switch n {
	default:
		m.clock = m.clock.Add(oneOf(g, "forward", spans[:len(spans)-2]...))
	case 4, 5:
		if w := g.happening(); m.near(w.Instant()) {
			m.clock = w.Instant().Time().Add(time.Duration(g.below(2, "nanoseconds")) * 999)
		}
	case 6:
		m.clock = m.clock.Add(-oneOf(g, "back", spans...))
	case 7: // stands still
	}
	m.touched = nil
}

// near tells whether the clock may move on to an instant: within 100 days, or wherever while
// no schedule grants. A daily grant of decades takes the model minutes.
func (m *machine) near(at cl.Instant) bool {
	return at > m.now() && (at < m.now().Add(100*24*time.Hour) || !m.grants())
}

// grants tells whether any account has a schedule with a grant to come.
func (m *machine) grants() bool {
	return slices.ContainsFunc(m.accounts, func(a *account) bool {
		return slices.ContainsFunc(a.Now().Plans, func(p *model.Plan) bool { return p.Next() != 0 })
	})
}

// retry asks again under a key that was used: the same, the same in other words, or
// something else.
func (m *machine) retry(g *generator) {
	var used []model.Done
	for _, d := range g.on.List {
		if d.Key != "" {
			used = append(used, d)
		}
	}
	if len(used) == 0 {
		m.operation(g, g.operation(), g.key())
		return
	}
	d := used[len(used)-1-g.below(len(used), "which")]
	if d.Act != nil {
		m.retryAct(g, d)
		return
	}
	op, _ := d.Op.(cl.Operation)
	if g.chance(3, "reworded") {
		m.operation(g, g.reworded(op), d.Key)
		return
	}
	m.operation(g, g.alter(op), d.Key)
}

func (m *machine) invalid(g *generator) {
	if g.chance(6, "bad key") {
		m.operation(g, g.operation(), "a\x7fb")
		return
	}
	op := g.operation()
	m.operation(g, g.spoil(op), g.key())
}
