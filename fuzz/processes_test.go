package fuzz_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	cl "creditledger"
	"creditledger/fuzz"
	"creditledger/fuzz/results"
	"creditledger/fuzz/testsize"
	"creditledger/store/postgres"
	"creditledger/store/postgres/pgtest"
)

// processEnv makes the test binary one of the processes that share a database; it holds
// an order in JSON.
const processEnv = "LEDGER_TEST_PROCESS"

// order is what a process is to do.
type order struct {
	DSN      string
	Seed     uint64
	Number   int // of the process
	Clients  int
	Calls    int // of each client
	Accounts int
	Laggard  bool // see laggard
	Holds    bool // one of each client, instead of calls
}

// call is what one client was told, in JSON.
type call struct {
	Client, Account int
	Kind            byte
	Amount          int64
	Done            bool
	First, Entries  uint64
	Available       string
	Before, After   string
	Called, Ended   int64 // by the clock that the processes share
}

func (c *call) operation() porcupine.Operation {
	return porcupine.Operation{ClientId: c.Client, Call: c.Called, Return: c.Ended,
		Input:  historyIn{account: c.Account, kind: c.Kind, amount: c.Amount},
		Output: historyOut{done: c.Done, first: c.First, entries: c.Entries, available: c.Available, before: c.Before, after: c.After}}
}

// laggard is a store that always says that the account has not moved, as a cache does
// that nobody asks the server about.
type laggard struct{ cl.Store }

func (s laggard) Load(ctx context.Context, id cl.AccountID, have *cl.Head) (*cl.State, error) {
	if have != nil {
		return nil, nil
	}
	return s.Store.Load(ctx, id, have)
}

// beProcess carries out an order and prints the calls.
func beProcess() {
	var o order
	err := json.Unmarshal([]byte(os.Getenv(processEnv)), &o)
	if err == nil {
		err = o.carryOut()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (o *order) carryOut() error {
	ctx := context.Background()
	pool, err := connect(ctx, o.DSN)
	if err != nil {
		return err
	}
	defer pool.Close()
	shared, err := postgres.Open(ctx, pool, nil)
	if err != nil {
		return err
	}
	var store cl.Store = shared
	if o.Laggard {
		store = laggard{shared}
	}
	l := cl.New(store, nil)
	if o.Holds {
		return errors.Join(o.hold(ctx, l), l.Close(), shared.Close())
	}
	do := ledgerClient(l)
	errs := make([]error, o.Clients)
	var mu sync.Mutex
	var wg sync.WaitGroup
	out := json.NewEncoder(os.Stdout)
	for i := range o.Clients {
		wg.Go(func() {
			client := o.Number*o.Clients + i
			r := rand.New(rand.NewPCG(o.Seed, uint64(client)))
			for n := range o.Calls {
				in := historyIn{account: r.IntN(o.Accounts), kind: "ggdddddrrl"[r.IntN(10)], amount: 1 + r.Int64N(20)}
				c := call{Client: client, Account: in.account, Kind: in.kind, Amount: in.amount, Called: time.Now().UnixNano()}
				told, err := persistently(ctx, do, in, cl.Key(fmt.Sprintf("%d %d", client, n)), o.Laggard)
				if err != nil {
					errs[i] = err
					return
				}
				c.Ended = time.Now().UnixNano()
				c.Done, c.First, c.Entries, c.Available, c.Before, c.After = told.done, told.first, told.entries, told.available, told.before, told.after
				mu.Lock()
				err = out.Encode(&c)
				mu.Unlock()
				if err != nil {
					errs[i] = err
					return
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(append(errs, l.Close(), shared.Close())...)
}

// persistently repeats a call, under its key, while its outcome is unknown. Only a process
// whose cache is stale on purpose may be told that its account moves too fast for it.
func persistently(ctx context.Context, do client, in historyIn, key cl.Key, conflicts bool) (historyOut, error) {
	for {
		out, unknown, err := do(ctx, in, key)
		if err == nil && !unknown {
			return out, nil
		}
		if err != nil && !(conflicts && errors.Is(err, cl.ErrConflict)) {
			return out, err
		}
	}
}

// processHistory runs several processes of the operating system on one database, and
// returns what they were told.
func processHistory(t *testing.T, processes int, o order) (history []porcupine.Operation) {
	t.Helper()
	o.DSN = pgtest.Database(t)
	ctx := context.Background()
	pool, err := connect(ctx, o.DSN)
	if err != nil {
		t.Fatal(err)
	}
	pgtest.CloseAfter(t, pool)
	if err := postgres.Migrate(ctx, pool, nil); err != nil {
		t.Fatal(err)
	}
	outs, errs := make([]bytes.Buffer, processes), make([]error, processes)
	var wg sync.WaitGroup
	for i := range processes {
		own := o
		own.Number = i
		text, err := json.Marshal(&own)
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			c := exec.Command(os.Args[0])
			c.Env = append(os.Environ(), processEnv+"="+string(text))
			c.Stdout, c.Stderr = &outs[i], os.Stderr
			errs[i] = c.Run()
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for i := range outs {
		for d := json.NewDecoder(&outs[i]); d.More(); {
			var c call
			if err := d.Decode(&c); err != nil {
				t.Fatal(err)
			}
			history = append(history, c.operation())
		}
	}
	if want := processes * o.Clients * o.Calls; len(history) != want {
		t.Fatalf("%d calls were answered, of %d", len(history), want)
	}
	store, err := postgres.Open(ctx, pool, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	l := cl.New(store, nil)
	defer l.Close()
	for account := range min(o.Accounts, 20) {
		for _, v := range fuzz.Violations(ctx, l, historyAccount(account)) {
			t.Error(v)
		}
	}
	return history
}

// TestProcesses runs four processes on one hot account, and on 1,000 accounts. There is an
// order of all their calls, one after another, that explains every answer.
func TestProcesses(t *testing.T) {
	for _, c := range []struct {
		name     string
		accounts int
		clients  int // of each process: on one account all of them overlap, which is hard to check
		calls    int // of each client
	}{{"one hot account", 1, 3, testsize.Of(20, 60, 200)}, {"1,000 accounts", 1000, 8, testsize.Of(40, 150, 2000)}} {
		t.Run(c.name, func(t *testing.T) {
			run := results.Start(t, "four processes of the operating system on postgres: "+c.name)
			history := processHistory(t, 4, order{Seed: seed(t), Clients: c.clients, Calls: c.calls, Accounts: c.accounts})
			if r := porcupine.CheckOperationsTimeout(historyModel, history, 2*time.Minute); r != porcupine.Ok {
				t.Errorf("seed %d: %v\n%s", seed(t), r, culprit(history))
			}
			run.Set("calls", len(history))
			run.Set("seed", seed(t))
		})
	}
}

// TestProcessesControl makes the processes trust what they remember. The checker finds that
// somebody was told something stale.
func TestProcessesControl(t *testing.T) {
	run := results.Start(t, "control of four processes: caches that nobody asks the server about")
	found := 0
	for i := range 3 {
		history := processHistory(t, 4, order{Seed: seed(t) + uint64(i), Clients: 4, Calls: 60, Accounts: 2, Laggard: true})
		if porcupine.CheckOperationsTimeout(historyModel, history, time.Minute) == porcupine.Illegal {
			found++
		}
	}
	run.Set("histories", 3)
	run.Set("found", found)
	if found != 3 {
		t.Errorf("the checker found stale answers in %d histories of 3", found)
	}
}
