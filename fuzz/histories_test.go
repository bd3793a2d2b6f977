package fuzz_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	cl "creditledger"
	"creditledger/fuzz"
	"creditledger/fuzz/faultstore"
	"creditledger/fuzz/results"
	"creditledger/fuzz/testsize"
)

// These describe what clients do in a concurrent history, and what they were told.
type (
	historyIn struct {
		account int
		kind    byte // 'g'rant, 'd'educt with Reject, 'r'ead the balance, 'l'ist the last entry
		amount  int64
	}
	historyOut struct {
		done      bool   // of a deduct: it was not refused
		first     uint64 // sequence number of the first entry written
		entries   uint64 // how many were
		available string // of a refused deduct
		before    string // total before, after: of what was written; after: of what was read
		after     string
	}
	historyState struct {
		balance int64
		seq     uint64
	}
)

// historyModel is an account as far as histories look at it.
var historyModel = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		parts := map[int][]porcupine.Operation{}
		for _, o := range history {
			account := o.Input.(historyIn).account
			parts[account] = append(parts[account], o)
		}
		var list [][]porcupine.Operation
		for _, p := range parts {
			list = append(list, p)
		}
		return list
	},
	Init: func() any { return historyState{} },
	Step: func(state, input, output any) (bool, any) {
		s, in, out := state.(historyState), input.(historyIn), output.(historyOut)
		balance := fmt.Sprint(s.balance)
		switch {
		case in.kind == 'r':
			return out.after == balance, s
		case in.kind == 'l':
			return out.first == s.seq && (s.seq == 0 || out.after == balance), s
		case in.kind == 'd' && !out.done:
			return in.amount > s.balance && out.available == balance, s
		case in.kind == 'd':
			in.amount = -in.amount
		}
		ok := s.balance+in.amount >= 0 && out.first == s.seq+1 && out.before == balance && out.entries > 0
		s.balance += in.amount
		s.seq += out.entries
		return ok && out.after == fmt.Sprint(s.balance), s
	},
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v → %+v", in, out) },
}

// client makes one call and returns what it was told. unknown says that nobody knows
// whether the call happened.
type client func(ctx context.Context, in historyIn, key cl.Key) (out historyOut, unknown bool, err error)

func historyAccount(n int) cl.AccountID {
	return cl.AccountID{Customer: fmt.Sprintf("cus_%d", n), Currency: "credits"}
}

func ledgerClient(l *cl.Ledger) client {
	return func(ctx context.Context, in historyIn, key cl.Key) (out historyOut, unknown bool, err error) {
		on := historyAccount(in.account)
		var op cl.Operation = cl.Increment{Amount: cl.AmountOf(in.amount), Repay: cl.RepayNever}
		switch in.kind {
		case 'r':
			b, err := l.Balance(ctx, on, cl.BalanceQuery{})
			return historyOut{after: b.Total.String()}, false, err
		case 'l':
			page, err := l.Entries(ctx, on, cl.EntriesQuery{Limit: 1})
			for _, e := range page.Entries {
				out = historyOut{first: e.Seq, after: e.Ending.String()}
			}
			return out, false, err
		case 'd':
			op = cl.Decrement{Amount: cl.AmountOf(in.amount), Overdraft: cl.OverdraftReject}
		}
		res, err := l.Do(ctx, on, op, key)
		var poor *cl.InsufficientCreditsError
		switch {
		case errors.As(err, &poor):
			return historyOut{available: poor.Available.String()}, false, nil
		case errors.Is(err, cl.ErrOutcomeUnknown):
			return out, true, nil
		case err != nil:
			return out, false, err
		}
		return written(res.Entries), false, nil
	}
}

func written(entries []cl.Entry) historyOut {
	last := entries[len(entries)-1]
	return historyOut{done: true, first: entries[0].Seq, entries: uint64(len(entries)), before: entries[0].Starting.String(), after: last.Ending.String()}
}

// historyRun lets clients loose on accounts and returns what happened.
type historyRun struct {
	seed     uint64
	ops      int
	accounts int
	clients  []client
	giveUp   int // one call in so many is given up before it is answered; 0: none
}

func (h historyRun) play(t *testing.T, l *cl.Ledger) (history []porcupine.Operation, unknown int) {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	var open []porcupine.Operation // of unknown outcome
	var openKeys []cl.Key
	var lost []cl.Key // of calls that were overtaken too often: nothing was written
	var turn atomic.Int64
	begin := time.Now()
	for c, call := range h.clients {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(h.seed, uint64(c)))
			for turn.Add(1) <= int64(h.ops) {
				in := historyIn{kind: "ggdddddrrl"[r.IntN(10)], amount: 1 + r.Int64N(20)}
				if r.IntN(2) == 0 {
					in.account = 1 + r.IntN(h.accounts)
				}
				ctx, cancel := context.WithCancel(context.Background())
				key := cl.Key(fmt.Sprintf("%d-%d", c, r.Uint64()))
				if h.giveUp > 0 && r.IntN(h.giveUp) == 0 && in.kind != 'r' && in.kind != 'l' {
					time.AfterFunc(time.Duration(r.IntN(60))*time.Microsecond, cancel)
				}
				op := porcupine.Operation{ClientId: c, Input: in, Call: time.Since(begin).Nanoseconds()}
				out, unknown, err := call(ctx, in, key)
				op.Output, op.Return = out, time.Since(begin).Nanoseconds()
				cancel()
				mu.Lock()
				switch {
				case unknown:
					open, openKeys = append(open, op), append(openKeys, key)
				case errors.Is(err, cl.ErrConflict) || errors.Is(err, faultstore.ErrInjected):
					lost = append(lost, key)
				case err == nil:
					history = append(history, op)
				case !errors.Is(err, context.Canceled):
					t.Errorf("%+v: %v", in, err)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	// The keys of calls without an answer tell what became of them. A call that happened
	// may have happened at any time after it began.
	for i, op := range open {
		if entries := underKey(t, l, historyAccount(op.Input.(historyIn).account), openKeys[i]); len(entries) > 0 {
			op.Output, op.Return = written(entries), time.Hour.Nanoseconds()
			history = append(history, op)
		}
	}
	for _, key := range lost {
		for account := range h.accounts + 1 {
			if len(underKey(t, l, historyAccount(account), key)) > 0 {
				t.Errorf("the call under key %s failed, and yet it wrote", key)
			}
		}
	}
	return history, len(open)
}

// underKey finds the entries that an operation wrote, by its key.
func underKey(t *testing.T, l *cl.Ledger, on cl.AccountID, key cl.Key) (found []cl.Entry) {
	t.Helper()
	for q := (cl.EntriesQuery{Ascending: true, Limit: cl.MaxPage}); ; {
		page, err := l.Entries(context.Background(), on, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Entries {
			if e.IdempotencyKey == key {
				found = append(found, e)
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return found
		}
	}
}

// flaky is a store that fails a commit now and then: with an error, or with a conflict, as
// if somebody else had been faster.
type flaky struct {
	cl.Store
	n atomic.Uint64
}

func (f *flaky) Commit(ctx context.Context, changes []cl.Change) error {
	switch n := f.n.Add(1) * 0x9e3779b97f4a7c15 >> 32 % 40; {
	case n == 0:
		return faultstore.ErrInjected
	case n < 4:
		return &cl.ConflictError{Accounts: []cl.AccountID{changes[int(n)%len(changes)].Account}}
	case n < 10:
		runtime.Gosched()
	}
	return f.Store.Commit(ctx, changes)
}

// TestHistories plays concurrent histories over every backend and checks them: for each
// there must be an order in which the calls, one after another, would have given the same
// answers.
func TestHistories(t *testing.T) {
	count, calls := testsize.Of(4, 8, 20), testsize.Of(1000, 2000, 5000)
	for _, c := range []historyCase{
		{name: "memory", backend: memoryBackend, count: count, ledgers: 1},
		{name: "bolt", backend: boltBackend, count: count, ledgers: 1},
		{name: "memory, two ledgers", backend: memoryBackend, count: count / 2, ledgers: 2},
		{name: "bolt, two ledgers", backend: boltBackend, count: count / 4, ledgers: 2},
		{name: "memory that fails", backend: memoryBackend, count: count / 2, ledgers: 1, flaky: true},
		{name: "memory that fails, two ledgers", backend: memoryBackend, count: count / 2, ledgers: 2, flaky: true},
	} {
		c.calls = calls
		t.Run(c.name, func(t *testing.T) { playHistories(t, c) })
	}
}

// historyCase says what is played, and over what.
type historyCase struct {
	name    string
	backend fuzz.Backend
	count   int // of histories
	calls   int // in each
	ledgers int
	apart   bool // each ledger opens the store for itself
	flaky   bool
}

// open opens the ledgers of one history.
func (c *historyCase) open(t *testing.T) (ledgers []*cl.Ledger) {
	t.Helper()
	open := opener(t, c.backend)
	store := open()
	if c.flaky {
		store = &flaky{Store: store}
	}
	for i := range c.ledgers {
		if i > 0 && c.apart {
			store = open()
		}
		ledgers = append(ledgers, cl.New(store, nil))
	}
	return ledgers
}

func playHistories(t *testing.T, c historyCase) {
	n, unknown := 0, 0
	run := results.Start(t, "concurrent histories: "+c.name)
	for i := range c.count {
		h := historyRun{seed: seed(t) + uint64(i), ops: c.calls, accounts: 20, giveUp: 10}
		ledgers := c.open(t)
		for _, l := range ledgers {
			for range 8 / c.ledgers {
				h.clients = append(h.clients, ledgerClient(l))
			}
		}
		history, open := h.play(t, ledgers[len(ledgers)-1])
		if r := porcupine.CheckOperationsTimeout(historyModel, history, time.Minute); r != porcupine.Ok {
			t.Fatalf("history %d of seed %d: %v\n%s", i, h.seed, r, culprit(history))
		}
		n, unknown = n+len(history), unknown+open
	}
	for figure, value := range map[string]any{"histories": c.count, "calls": n, "given up": unknown, "illegal": 0, "seed": seed(t)} {
		run.Set(figure, value)
	}
}
