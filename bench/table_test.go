package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"creditledger"
	"creditledger/bench/measure"
	"creditledger/store/bolt"
)

// growth is a cell of the table: something is done in a ledger that holds n of something.
// The time may grow with the number per.
type growth struct {
	grows, does string
	n           int // few of them; many are four times as many
	per         func(n int) int
	run         func(g *ground, n int) error
}

// each is the per of what is done to all n; once is that of what has to take as long
// whatever n is.
func each(n int) int { return n }
func once(int) int   { return 1 }

// ground is a ledger on a fresh file, with a clock that is set by hand, where one thing
// is timed.
type ground struct {
	b    *testing.B
	path string
	s    *bolt.Store
	l    *creditledger.Ledger
	now  time.Time
	took time.Duration
}

func newGround(b *testing.B) *ground {
	g := &ground{b: b, path: filepath.Join(b.TempDir(), "credits.db"), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	g.open()
	return g
}

func (g *ground) open() {
	s, err := bolt.Open(g.path, nil)
	if err != nil {
		g.b.Fatal(err)
	}
	g.s, g.l = s, creditledger.New(s, &creditledger.Options{Clock: func() time.Time { return g.now }})
}

func (g *ground) close() error { return errors.Join(g.l.Close(), g.s.Close()) }

// timed is what is measured of a run.
func (g *ground) timed(f func() error) error {
	begin := time.Now()
	defer func() { g.took = time.Since(begin) }()
	return f()
}

func (g *ground) do(on creditledger.AccountID, op creditledger.Operation) error {
	_, err := g.l.Do(context.Background(), on, op, "")
	return err
}

// grants makes n grants in batches, on the accounts in turn.
func (g *ground) grants(n int, on func(i int) creditledger.AccountID, op func(i int) creditledger.Increment) error {
	const each = 500
	for first := 0; first < n; first += each {
		batch := creditledger.Batch{}
		for i := first; i < min(n, first+each); i++ {
			batch = append(batch, op(i))
		}
		if err := g.do(on(first/each), batch); err != nil {
			return err
		}
	}
	return nil
}

// accounts makes n accounts of one grant that expires, in the order of their names or in
// any other.
func (g *ground) accounts(n int, shuffled bool) {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	if shuffled {
		order = rand.New(rand.NewPCG(1, 1)).Perm(n)
	}
	submit(g.b, g.l, n, func(i int) (creditledger.AccountID, creditledger.Operation, creditledger.Key) {
		return customer(order[i]), creditledger.Increment{Amount: creditledger.AmountOf(5), ExpiresAt: creditledger.At(g.now.Add(time.Duration(1+order[n-1-i]) * time.Second))}, ""
	})
}

func plain(int) creditledger.Increment {
	return creditledger.Increment{Amount: creditledger.AmountOf(1)}
}

func theOne(int) creditledger.AccountID { return customer(0) }

func named(i int) creditledger.Increment {
	return creditledger.Increment{Amount: creditledger.AmountOf(1), BlockID: fmt.Sprint("b", i)}
}

func filteredBy(i int) creditledger.Increment {
	op := plain(i)
	op.Filters = []creditledger.Filter{{Field: creditledger.FilterFieldItem, Values: []string{fmt.Sprint("item-", i)}}}
	return op
}

// grown is a cell in which something is done to what n grants made.
func grown(op func(int) creditledger.Increment, on func(int) creditledger.AccountID, does func(g *ground, n int) error) func(g *ground, n int) error {
	return func(g *ground, n int) error {
		if err := g.grants(n, on, op); err != nil {
			return err
		}
		return g.timed(func() error { return does(g, n) })
	}
}

// withAccounts is a cell in which something is done to n accounts.
func withAccounts(shuffled bool, does func(g *ground, n int) error) func(g *ground, n int) error {
	return func(g *ground, n int) error {
		g.accounts(n, shuffled)
		return g.timed(func() error { return does(g, n) })
	}
}

func fold(g *ground, _ int) error {
	err := g.close()
	g.open()
	return err
}

// reopen opens the file as a crash would leave it.
func reopen(g *ground, _ int) error {
	path := filepath.Join(g.b.TempDir(), "crashed.db")
	in, err := os.Open(g.path)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	return g.timed(func() error {
		s, err := bolt.Open(path, &bolt.Options{ReadOnly: true})
		if err != nil {
			return err
		}
		return s.Close()
	})
}

func verify(g *ground, _ int) error {
	v, err := g.l.VerifyAll(context.Background(), nil)
	if err == nil && v.Violation != nil {
		err = errors.New(v.Violation.String())
	}
	return err
}

func verifyFrom(g *ground, n int) error {
	from := &creditledger.VerifyOptions{}
	for i := range n {
		c, err := g.l.Checkpoint(context.Background(), customer(i))
		if err != nil {
			return err
		}
		from.Since = append(from.Since, c)
	}
	return g.timed(func() error {
		_, err := g.l.VerifyAll(context.Background(), from)
		return err
	})
}

func list(g *ground, _ int) error {
	for after := (creditledger.AccountID{}); ; {
		ids, err := g.l.Accounts(context.Background(), after, creditledger.MaxPage)
		if err != nil || len(ids) < creditledger.MaxPage {
			return err
		}
		after = ids[len(ids)-1]
	}
}

func sweep(g *ground, _ int) error {
	g.now = g.now.AddDate(1, 0, 0)
	_, err := g.l.Sweep(context.Background())
	return err
}

func decide(g *ground, _ int) error {
	for range 20 {
		if _, err := g.l.Preview(context.Background(), customer(0), one, ""); err != nil {
			return err
		}
	}
	return nil
}

// refuse asks for a batch that draws every block and is refused at its end.
func refuse(g *ground, n int) error {
	batch := creditledger.Batch{}
	for drawn := 0; drawn < n; drawn += creditledger.MaxEntries {
		batch = append(batch, creditledger.Decrement{Amount: creditledger.AmountOf(int64(min(n-drawn, creditledger.MaxEntries)))})
	}
	batch = append(batch, creditledger.Decrement{Amount: creditledger.AmountOf(1), Overdraft: creditledger.OverdraftReject})
	if err := g.do(customer(0), batch); !errors.Is(err, creditledger.ErrInsufficientCredits) {
		return fmt.Errorf("%v, want that it is refused", err)
	}
	return nil
}

func explain(g *ground, _ int) error {
	_, err := g.l.Explain(context.Background(), customer(0), creditledger.AmountOf(1), creditledger.Charge{})
	return err
}

func nameAll(g *ground, n int) error {
	batch := creditledger.Batch{}
	for i := range n {
		batch = append(batch, creditledger.Void{BlockID: fmt.Sprint("b", i), Amount: creditledger.AmountOf(1)})
	}
	return g.do(customer(0), batch)
}

func retry(g *ground, n int) error {
	submit(g.b, g.l, n, func(i int) (creditledger.AccountID, creditledger.Operation, creditledger.Key) {
		return customer(0), one, creditledger.Key(fmt.Sprint("k", i))
	})
	return g.timed(func() error {
		for i := range 50 {
			if _, err := g.l.Do(context.Background(), customer(0), one, creditledger.Key(fmt.Sprint("k", i*n/50))); err != nil {
				return err
			}
		}
		return nil
	})
}

func commitBytes(g *ground, n int) error {
	op := plain(0)
	op.Metadata = map[string]string{}
	for i := 0; i < n; i += 500 {
		op.Metadata[fmt.Sprint(i)] = strings.Repeat("x", min(500, n-i))
	}
	return g.timed(func() error {
		return g.grants(500, theOne, func(int) creditledger.Increment { return op })
	})
}

func commitBatches(g *ground, n int) error {
	return g.timed(func() error { return g.grants(n*500, customer, plain) })
}

var growths = []growth{
	{"accounts by name", "close", 4_000, each, withAccounts(false, fold)},
	{"accounts in any order", "close", 4_000, each, withAccounts(true, fold)},
	{"accounts in any order", "open", 4_000, each, withAccounts(true, reopen)},
	{"accounts in any order", "list", 4_000, each, withAccounts(true, list)},
	{"accounts in any order", "sweep", 2_000, each, withAccounts(true, sweep)},
	{"accounts in any order", "verify", 2_000, each, withAccounts(true, verify)},
	{"checkpoints", "verify", 1_000, each, withAccounts(true, verifyFrom)},
	{"blocks of many accounts", "close", 20_000, each, grown(plain, func(i int) creditledger.AccountID { return customer(i * 7919 % 100_000) }, fold)},
	{"blocks", "decide", 10_000, once, grown(plain, theOne, decide)},
	{"blocks", "refuse", 10_000, each, grown(plain, theOne, refuse)},
	{"blocks", "explain", 5_000, each, grown(plain, theOne, explain)},
	{"blocks", "verify", 5_000, each, grown(plain, theOne, verify)},
	{"blocks", "close", 10_000, each, grown(plain, theOne, fold)},
	{"filters", "decide", 2_000, each, grown(filteredBy, theOne, decide)},
	{"filters", "verify", 2_000, each, grown(filteredBy, theOne, verify)},
	{"ids in a batch", "decide and commit", 250, each, grown(named, theOne, nameAll)},
	{"keys", "retry", 2_500, once, retry},
	{"bytes of a grant", "commit", 1_000, each, commitBytes},
	{"batches", "commit", 10, each, commitBatches},
}

// BenchmarkGrowth prints a table: what grows, what is done, and how many times as long that
// takes for each when there are four times as many (or in all, where it should not depend
// on their number). About 1 is right; 4 means that the whole is quadratic.
func BenchmarkGrowth(b *testing.B) {
	for _, c := range growths {
		b.Run(fmt.Sprintf("grows=%s/does=%s", strings.ReplaceAll(c.grows, " ", "-"), strings.ReplaceAll(c.does, " ", "-")), func(b *testing.B) {
			n := measure.Size(c.n, max(c.n/50, 5))
			for b.Loop() {
				few, many := c.measure(b, n), c.measure(b, 4*n)
				perFew, perMany := few.Seconds()/float64(c.per(n)), many.Seconds()/float64(c.per(4*n))
				b.ReportMetric(perMany/perFew, "ratio")
				b.ReportMetric(perFew*1e6, fmt.Sprint("µs-each-of-", n))
				b.ReportMetric(perMany*1e6, fmt.Sprint("µs-each-of-", 4*n))
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// measure returns the shortest of three times.
func (c *growth) measure(b *testing.B, n int) time.Duration {
	b.Helper()
	best := time.Hour
	for range measure.Size(3, 1) {
		g := newGround(b)
		if err := c.run(g, n); err != nil {
			b.Fatal(err)
		}
		best = min(best, g.took)
		if err := g.close(); err != nil {
			b.Fatal(err)
		}
	}
	return best
}
