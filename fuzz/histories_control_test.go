package fuzz_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	cl "creditledger"
	"creditledger/fuzz/results"
)

// culprit looks for the longest order that explains a part of a history. It shows where
// that ends, and which calls it leaves out.
func culprit(history []porcupine.Operation) string {
	for _, part := range historyModel.Partition(history) {
		r, info := porcupine.CheckOperationsVerbose(historyModel, part, time.Minute)
		if r != porcupine.Illegal {
			continue
		}
		longest := slices.MaxFunc(info.PartialLinearizationsOperations()[0], func(a, b []porcupine.Operation) int { return cmp.Compare(len(a), len(b)) })
		var b strings.Builder
		show := func(op porcupine.Operation) {
			in := op.Input.(historyIn)
			fmt.Fprintf(&b, "  client %d from %d to %d: %c %d → %+v\n", op.ClientId, op.Call, op.Return, in.kind, in.amount, op.Output)
		}
		fmt.Fprintf(&b, "%d calls on account %d, in order up to:\n", len(part), part[0].Input.(historyIn).account)
		for _, op := range longest[max(0, len(longest)-8):] {
			show(op)
		}
		b.WriteString("and then none of these fits:\n")
		slices.SortFunc(part, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
		left := 0
		for _, op := range part {
			if !slices.Contains(longest, op) && left < 8 {
				show(op)
				left++
			}
		}
		return b.String()
	}
	return ""
}

// plant gives a client a bug that strikes once in fifty calls of one kind.
type plant func(l *cl.Ledger, honest client) client

var plants = map[string]plant{
	"lost update": func(l *cl.Ledger, honest client) client {
		var n atomic.Int64
		return func(ctx context.Context, in historyIn, key cl.Key) (historyOut, bool, error) {
			if in.kind != 'd' || n.Add(1)%50 != 0 {
				return honest(ctx, in, key)
			}
			res, err := l.Preview(ctx, historyAccount(in.account), cl.Decrement{Amount: cl.AmountOf(in.amount), Overdraft: cl.OverdraftReject}, key)
			if err != nil {
				return honest(ctx, in, key)
			}
			return written(res.Entries), false, nil
		}
	},
	"stale read": func(_ *cl.Ledger, honest client) client {
		var mu sync.Mutex
		var n int
		old := map[int]historyOut{}
		return func(ctx context.Context, in historyIn, key cl.Key) (historyOut, bool, error) {
			out, unknown, err := honest(ctx, in, key)
			if in.kind != 'r' {
				return out, unknown, err
			}
			mu.Lock()
			defer mu.Unlock()
			if n++; n%50 == 0 {
				if was, ok := old[in.account]; ok {
					return was, false, nil
				}
			}
			if n%50 == 10 { // kept for a while, so that it is old when it is used
				clear(old)
			}
			if _, kept := old[in.account]; !kept {
				old[in.account] = out
			}
			return out, unknown, err
		}
	},
	"double application": func(_ *cl.Ledger, honest client) client {
		var n atomic.Int64
		return func(ctx context.Context, in historyIn, key cl.Key) (historyOut, bool, error) {
			out, unknown, err := honest(ctx, in, key)
			if in.kind == 'd' && n.Add(1)%50 == 0 && out.done {
				_, _, _ = honest(ctx, in, key+"-again")
			}
			return out, unknown, err
		}
	},
}

// TestHistoriesControl plants three bugs, which the checker must find.
func TestHistoriesControl(t *testing.T) {
	run := results.Start(t, "control of concurrent histories: planted bugs")
	for name, p := range plants {
		t.Run(name, func(t *testing.T) {
			found := 0
			for i := range 3 {
				l := cl.New(openStore(t, memoryBackend), nil)
				h := historyRun{seed: seed(t) + uint64(i), ops: 2000, accounts: 4}
				bad := p(l, ledgerClient(l))
				for range 8 {
					h.clients = append(h.clients, bad)
				}
				history, _ := h.play(t, l)
				if porcupine.CheckOperationsTimeout(historyModel, history, time.Minute) == porcupine.Illegal {
					found++
				}
			}
			run.Count("histories", 3)
			run.Count("found", found)
			if found != 3 {
				t.Errorf("the checker found a %s in %d histories of 3", name, found)
			}
		})
	}
}
