package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"creditledger"
	"creditledger/fuzz/results"
	"creditledger/fuzz/testseed"
	"creditledger/fuzz/testsize"
	"creditledger/store/postgres"
	"creditledger/store/postgres/pgtest"
)

var account = creditledger.AccountID{Customer: "cus_1", Currency: "credits"}

// grant gives an account credits.
func grant(t testing.TB, l *creditledger.Ledger, id creditledger.AccountID, credits string) {
	t.Helper()
	op := creditledger.Increment{Amount: creditledger.MustAmount(credits)}
	if _, err := l.Do(context.Background(), id, op, ""); err != nil {
		t.Fatal(err)
	}
}

func spend(credits int64) creditledger.Decrement {
	return creditledger.Decrement{Amount: creditledger.AmountOf(credits)}
}

// verify proves that everything stored follows from the journal.
func verify(t testing.TB, l *creditledger.Ledger) {
	t.Helper()
	v, err := l.VerifyAll(context.Background(), nil)
	if err != nil || v.Violation != nil {
		t.Fatalf("verification: %+v, %v", v.Violation, err)
	}
}

// balance is the account's total in the store, whatever any ledger remembers.
func balance(t testing.TB, s creditledger.Store, id creditledger.AccountID) string {
	t.Helper()
	state, err := s.Load(context.Background(), id, nil)
	if err != nil {
		t.Fatal(err)
	}
	return state.Head.Total.String()
}

// cutter wraps connections so that the reply to a COMMIT may be lost: the bytes of
// the request are delivered, or not, and then the connection breaks.
type cutter struct {
	on   atomic.Bool
	cuts atomic.Int64

	mu   sync.Mutex
	r    *rand.Rand
	next int // how many transactions until the next is cut
}

// newCutter makes a cutter that draws from a seed, which it prints.
func newCutter(t testing.TB) *cutter {
	seed := testseed.Of(t)
	return &cutter{r: rand.New(rand.NewPCG(seed, 6)), next: 3}
}

// cut says what becomes of the next transaction: nothing, most of the time; at least one
// of ten is cut, so that a run with few of them has cuts too.
func (c *cutter) cut() (now, delivered bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next--; c.next > 0 {
		return false, false
	}
	c.next = 3 + c.r.IntN(8)
	c.cuts.Add(1)
	return true, c.r.IntN(3) > 0
}

func (c *cutter) install(config *pgxpool.Config) {
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &cutConn{Conn: conn, cutter: c}, nil
	}
}

type cutConn struct {
	net.Conn
	cutter *cutter
	cut    atomic.Bool
}

var errCut = errors.New("cut")

func (c *cutConn) Write(b []byte) (int, error) {
	if c.cutter.on.Load() && len(b) > 200 { // a transaction, not a small read
		switch now, delivered := c.cutter.cut(); {
		case now && delivered: // and the reply is lost
			c.cut.Store(true)
		case now:
			c.Conn.Close()
			return 0, errCut
		}
	}
	return c.Conn.Write(b)
}

func (c *cutConn) Read(b []byte) (int, error) {
	if c.cut.Load() {
		time.Sleep(time.Duration(rand.IntN(3)) * time.Millisecond)
		c.Conn.Close()
		return 0, errCut
	}
	return c.Conn.Read(b)
}

// TestLostReplies cuts connections while intents are carried out, 2,000 in the proofs: each happens
// exactly once, although clients repeat what they were not told of.
func TestLostReplies(t *testing.T) {
	intents := testsize.Of(400, 400, 2000)
	run := results.Start(t, fmt.Sprintf("lost replies: %d intents on PostgreSQL", intents))
	for figure, value := range loseReplies(t, intents, func(*pgxpool.Config) {}) {
		run.Set(figure, value)
	}
}

// TestLostRepliesInEveryMode does the same, with fewer intents, in other modes of the
// driver, at other levels of isolation, and with one connection.
func TestLostRepliesInEveryMode(t *testing.T) {
	for name, change := range map[string]func(*pgxpool.Config){
		"exec mode":       mode(pgx.QueryExecModeExec),
		"repeatable read": isolated("repeatable read"),
		"serializable":    isolated("serializable"),
		"one connection":  func(c *pgxpool.Config) { c.MaxConns = 1 },
	} {
		t.Run(name, func(t *testing.T) { t.Log(loseReplies(t, testsize.Of(160, 160, 600), change)) })
	}
}

func loseReplies(t *testing.T, intents int, change func(*pgxpool.Config)) (figures map[string]any) {
	t.Helper()
	const clients = 8
	dsn := pgtest.Database(t)
	c := newCutter(t)
	pool := newPool(t, dsn, func(config *pgxpool.Config) {
		c.install(config)
		change(config)
	})
	s := openIn(t, pool, nil)
	l := creditledger.New(s, nil)
	grant(t, l, account, "1000000")
	c.on.Store(true)
	var told atomic.Int64
	each(clients, func(client int) {
		for i := range intents / clients {
			key := creditledger.Key(fmt.Sprintf("intent %d %d", client, i))
			for {
				_, err := l.Do(context.Background(), account, spend(1), key)
				if err == nil {
					break
				}
				told.Add(1)
			}
		}
	})
	c.on.Store(false)
	got, want := balance(t, s, account), fmt.Sprint(1000000-intents)
	if got != want {
		t.Errorf("balance %s after %d intents, want %s", got, intents, want)
	}
	verify(t, l)
	if c.cuts.Load() < int64(intents/100) {
		t.Errorf("only %d connections were cut", c.cuts.Load())
	}
	return map[string]any{"intents": intents, "connections cut": c.cuts.Load(), "errors that callers saw": told.Load(),
		"balance": got, "balance wanted": want}
}

// TestLostRepliesControl shows that the cuts bite: without a key and without the
// store's own care, repeating what failed does it twice.
func TestLostRepliesControl(t *testing.T) {
	run := results.Start(t, "control of lost replies: no key")
	dsn := pgtest.Database(t)
	c := newCutter(t)
	pool := newPool(t, dsn, c.install)
	ctx := t.Context()
	if _, err := pool.Exec(ctx, "CREATE TABLE spent (what text)"); err != nil {
		t.Fatal(err)
	}
	c.on.Store(true)
	intents := testsize.Of(120, 120, 500)
	what := fmt.Sprintf("%300d", 0)
	for range intents {
		for {
			if _, err := pool.Exec(ctx, "INSERT INTO spent VALUES ($1)", what); err == nil {
				break
			}
		}
	}
	c.on.Store(false)
	var rows int
	if err := pool.QueryRow(ctx, "SELECT count(*) FROM spent").Scan(&rows); err != nil {
		t.Fatal(err)
	}
	if rows <= intents {
		t.Errorf("%d rows for %d intents: the cuts did nothing", rows, intents)
	}
	run.Set("intents", intents)
	run.Set("done twice", rows-intents)
}

func each(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

// TestCrash ends the server at once, again and again, while clients spend.
func TestCrash(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t, pgtest.Options{Fsync: true})
	pool := newPool(t, server.DSN("postgres"), nil)
	s := openIn(t, pool, &postgres.Options{Patience: 20 * time.Second})
	l := creditledger.New(s, nil)
	grant(t, l, account, "1000000")
	var done, failed atomic.Int64
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for client := range 8 {
		clients.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				key := creditledger.Key(fmt.Sprintf("%d %d", client, i))
				for {
					if _, err := l.Do(context.Background(), account, spend(1), key); err == nil {
						break
					}
					failed.Add(1)
					time.Sleep(5 * time.Millisecond)
				}
				done.Add(1)
			}
		})
	}
	for range 3 {
		time.Sleep(300 * time.Millisecond)
		if err := server.Crash(); err != nil {
			t.Fatal(err)
		}
		if err := server.Launch(); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(200 * time.Millisecond)
	close(stop)
	clients.Wait()
	if got, want := balance(t, s, account), fmt.Sprint(1000000-done.Load()); got != want {
		t.Errorf("balance %s after %d acknowledged, want %s", got, done.Load(), want)
	}
	verify(t, l)
	t.Logf("%d acknowledged, %d errors seen", done.Load(), failed.Load())
}

// commitCut breaks connections at their COMMIT, or at what says "cut here".
type commitCut struct {
	deliver, down atomic.Bool  // whether COMMIT arrives; whether nothing can be dialled from then on
	left          atomic.Int64 // how many are still to be broken
	onCut         func()
}

func (cut *commitCut) install(c *pgxpool.Config) {
	dial := c.ConnConfig.DialFunc
	c.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if cut.down.Load() && cut.left.Load() <= 0 {
			return nil, errCut
		}
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &commitCutConn{Conn: conn, cut: cut}, nil
	}
}

type commitCutConn struct {
	net.Conn
	cut    *commitCut
	broken atomic.Bool
}

func (c *commitCutConn) Write(b []byte) (int, error) {
	if sent := strings.ToLower(string(b)); (strings.Contains(sent, "commit\x00") || strings.Contains(sent, "cut here")) && c.cut.left.Add(-1) >= 0 {
		c.broken.Store(true)
		if c.cut.onCut != nil {
			c.cut.onCut()
		}
		if !c.cut.deliver.Load() {
			return len(b), c.Conn.Close()
		}
	}
	return c.Conn.Write(b)
}

func (c *commitCutConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.broken.Load() {
		_ = c.Conn.Close()
		return 0, errCut
	}
	return n, err
}

// TestLostAnswerInEveryMode: a commit that arrived and whose answer is lost is not done
// again, however queries are sent. pgx says of some such errors that nothing was sent.
func TestLostAnswerInEveryMode(t *testing.T) {
	for name, m := range map[string]pgx.QueryExecMode{
		"cache statement": pgx.QueryExecModeCacheStatement, "cache describe": pgx.QueryExecModeCacheDescribe,
		"describe": pgx.QueryExecModeDescribeExec, "exec": pgx.QueryExecModeExec, "simple protocol": pgx.QueryExecModeSimpleProtocol,
	} {
		t.Run(name, func(t *testing.T) {
			var cut commitCut
			cut.deliver.Store(true)
			dsn := pgtest.Database(t)
			s := openIn(t, newPool(t, dsn, func(c *pgxpool.Config) { mode(m)(c); cut.install(c) }), nil)
			l := creditledger.New(s, nil)
			grant(t, l, account, "100")
			cut.left.Store(1)
			op := spend(1)
			op.Description = "cut here"
			if _, err := l.Do(t.Context(), account, op, ""); err != nil {
				t.Fatal(err)
			}
			if cut.left.Load() > 0 {
				t.Error("nothing was cut")
			}
			if got := balance(t, s, account); got != "99" {
				t.Errorf("balance %s, want 99", got)
			}
			verify(t, l)
		})
	}
}
