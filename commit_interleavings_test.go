package creditledger

import (
	"context"
	"errors"
	"flag"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// everything is a depth that no walk reaches.
const everything = 1 << 30

var deeper = flag.Int("deeper", 0, "adds to the depth of TestEveryInterleaving; each step makes some 15 times as many walks")

var first, second = 0, 1 // accounts of acts

var scenes = []scene{
	{
		name: "one operation, complete", operations: []walkOperation{{}},
		width: 1, accounts: 8, faults: 1, depth: everything,
	},
	{
		name: "one operation", operations: []walkOperation{{}},
		width: 1, accounts: 8, faults: 2, cancels: 1, evictions: 1, depth: 4, sees: []string{"attempts used up"},
	},
	{
		name: "two on one account", operations: []walkOperation{{}, {}},
		width: 1, accounts: 8, faults: 2, cancels: 1, evictions: 1, depth: 3,
	},
	{
		name: "a caller that leads, and two behind it", operations: []walkOperation{{leads: true}, {}, {leads: true}},
		width: 1, accounts: 8, faults: 2, cancels: 1, evictions: 1, depth: 2,
	},
	{
		name: "two commits side by side", operations: []walkOperation{{}, {account: 1}, {}},
		width: 2, accounts: 1, faults: 2, cancels: 1, evictions: 1, depth: 2, sees: []string{"commits side by side", "conflict on b"},
	},
	{
		name: "two accounts in one commit", operations: []walkOperation{{}, {account: 1}, {}},
		width: 1, accounts: 8, faults: 2, cancels: 1, evictions: 1, depth: 2, sees: []string{"conflict on b", "conflict on all"},
	},
	{
		name: "an operation in pieces, and another behind it", operations: []walkOperation{{}, {pieces: 1}, {}},
		width: 2, accounts: 8, faults: 2, cancels: 1, evictions: 1, depth: 2,
	},
	{
		name: "an act, and an operation on each of its accounts", operations: []walkOperation{{with: &second}, {}, {account: 1}},
		width: 2, accounts: 8, faults: 2, cancels: 1, evictions: 1, depth: 2, sees: []string{"act decided afresh", "conflict on b"},
	},
	{
		name: "two acts in other orders", operations: []walkOperation{{with: &second}, {account: 1, with: &first}},
		width: 2, accounts: 8, faults: 2, cancels: 1, evictions: 1, depth: 2, sees: []string{"act decided afresh", "conflict on all"},
	},
	{
		name: "little room in the air", operations: []walkOperation{{}, {}, {account: 1}}, inAir: 1,
		width: 1, accounts: 8, faults: 2, cancels: 1, evictions: 1, depth: 2, sees: []string{"waited for room"},
	},
}

// Rule: docs/design/commit.md, "What is promised": in every order of events, up to the
// depth that a scene states, nothing is acknowledged that did not land, everyone is
// answered once and for a reason, an account's operations are stored in the order in which
// they were decided, nothing is in the air once Close has returned, and the budgets are
// what is in the air.
func TestEveryInterleaving(t *testing.T) {
	total := 0
	for _, sc := range scenes {
		t.Run(sc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { total += walkScene(t, sc) })
		})
	}
	t.Logf("%d interleavings", total)
}

func walkScene(t *testing.T, sc scene) int {
	seen := map[string]int{}
	walks, complete, err := walkAll(sc.depth+*deeper, func(c *chooser) error {
		w := newStage(sc, c, seen)
		return w.run(w.world, w.check, w.end)
	})
	if err != nil {
		t.Fatalf("walk %d: %v", walks, err)
	}
	if complete != (sc.depth == everything) {
		t.Errorf("complete: %t, at depth %d", complete, sc.depth)
	}
	must := append(sc.sees, "done", "failed", "unknown", "conflict on a", "refused by Close")
	if slices.ContainsFunc(sc.operations, func(op walkOperation) bool { return op.with == nil }) {
		must = append(must, "decided afresh")
	}
	if sc.cancels > 0 {
		must = append(must, "cancelled", "evicted")
	}
	for _, what := range must {
		if seen[what] == 0 {
			t.Errorf("no walk saw %q", what)
		}
	}
	t.Logf("%d interleavings, complete: %t", walks, complete)
	for _, what := range slices.Sorted(maps.Keys(seen)) {
		t.Logf("%8d %s", seen[what], what)
	}
	return walks
}

// check is what holds whenever nothing moves.
func (w *stage) check() {
	bytes, blocks := int64(0), int64(0)
	for f := w.cache.flight; f != nil; f = f.after {
		bytes, blocks = bytes+f.size, blocks+f.blocks
		if w.cache.slots[f.slot.id] != f.slot {
			w.breaks("an account with a flight in the air is not in memory")
		}
		if f.landed {
			w.breaks("a flight that landed is in the air")
		}
	}
	if b := w.commit.bytes.used.Load(); b != bytes {
		w.breaks("%d bytes of the budget are taken, %d are in the air", b, bytes)
	}
	if b := w.commit.blocks.used.Load(); b != blocks {
		w.breaks("%d blocks of the budget are taken, %d are in the air", b, blocks)
	}
	for _, f := range w.fates {
		n := w.stored(f)
		acknowledged := f.answers > 0 && f.answer == nil || f.last != nil && f.last.flight.landed && f.last.flight.err == nil
		if acknowledged && n == 0 {
			w.breaks("%s is acknowledged and not stored", f.name)
		}
		if n > 1 {
			w.breaks("%s is stored %d times", f.name, n)
		}
	}
	w.checkOrder()
	if w.closed {
		w.checkClosed()
	}
}

// stored counts an operation in the journal, where an act is on all of its accounts or on
// none.
func (w *stage) stored(f *fate) int {
	n := w.storedOn(f, f.id())
	for _, id := range f.ids() {
		if w.storedOn(f, id) != n {
			w.breaks("%s is stored on some of its accounts", f.name)
		}
	}
	return n
}

func (w *stage) storedOn(f *fate, id AccountID) (n int) {
	for _, name := range w.journal[id] {
		if name == f.name {
			n++
		}
	}
	return n
}

func (w *stage) checkOrder() {
	last := map[AccountID]int{}
	for id, names := range w.journal {
		for _, name := range names {
			at := slices.IndexFunc(w.fates, func(f *fate) bool { return f.name == name })
			if at < 0 { // a piece
				continue
			}
			if w.fates[at].number[id] < last[id] {
				w.breaks("%s is stored behind one that was decided after it: %s", name, strings.Join(names, ", "))
			}
			last[id] = w.fates[at].number[id]
		}
	}
}

// checkClosed is what holds once Close has returned.
func (w *stage) checkClosed() {
	c := &w.commit
	if w.cache.flight != nil || len(w.cache.redeciding) > 0 || c.running+c.deciding+len(c.ready) > 0 {
		w.breaks("after Close: a flight in the air %t, accounts to decide afresh %d, turns %d, decisions %d, accounts ready %d",
			w.cache.flight != nil, len(w.cache.redeciding), c.running, c.deciding, len(c.ready))
	}
	for _, a := range w.actors {
		if a.at != "" && !strings.HasPrefix(a.name, "operation ") {
			w.breaks("after Close %s is at %s", a.name, a.at)
		}
	}
}

// end is what holds when everybody has been answered.
func (w *stage) end() {
	for _, f := range w.fates {
		if why := w.verdict(f); why != "" {
			w.breaks("%s, answered %d times with %v: %s", f.name, f.answers, f.answer, why)
		}
	}
	for id, s := range w.cache.slots {
		if s.users != 0 || s.locked || s.latest() != nil || s.toRedecide != nil || s.kept.Load() != nil {
			w.breaks("%s is left with %d users", id.Customer, s.users)
		}
	}
}

// verdict says what is wrong with the answer that an operation was given.
func (w *stage) verdict(f *fate) string {
	gaveUp := f.called && errors.Is(f.answer, context.Canceled)
	stored := w.stored(f)
	switch {
	case f.answers != 1:
		return "not once"
	case f.last == nil:
		if errors.Is(f.answer, ErrClosed) {
			w.seen["refused by Close"]++
		} else if !gaveUp {
			return "it was never decided"
		}
		if stored > 0 {
			return "it is stored"
		}
		return ""
	case !f.last.flight.landed:
		return "its flight is in the air"
	}
	switch err := f.last.flight.err; {
	case f.answer != err && !gaveUp:
		return "that is not what its flight ended with"
	case err == nil:
		if stored != 1 {
			return "it is not stored"
		}
	case errors.Is(err, ErrOutcomeUnknown) && w.failed[f.last.flight] == ErrOutcomeUnknown:
	case stored > 0:
		return "it is stored"
	case w.failed[f.last.flight] != nil && errors.Is(err, w.failed[f.last.flight]):
	case errors.Is(err, ErrConflict) && f.attempts == mostAttempts:
		w.seen["attempts used up"]++
	case errors.Is(err, ErrConflict) && f.with != nil && gaveUp: // whose caller decides it afresh
	default:
		return "it should have been decided afresh"
	}
	return ""
}
