package creditledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// walkStore is the store as slots load from it.
type walkStore struct {
	Store
	w *stage
}

func (s *walkStore) Load(_ context.Context, id AccountID, _ *Head) (*State, error) {
	unpaid := Block{ID: "1", Number: 1, Initial: AmountOf(1), Balance: AmountOf(1), Capacity: AmountOf(1), Status: BlockPendingPayment}
	return &State{Head: s.w.heads[id], Blocks: []Block{unpaid}}, nil
}

func (s *walkStore) Commit(context.Context, []Change) error { panic("not by way of the environment") }

// How a commit can go.
const (
	commitDone = iota
	commitFailed
	commitUnknown // stored, and then the store panics
	commitCorrupt // an account's fault, and the store does not say whose
	commitConflict
)

var errWalkDisk = errors.New("disk full")

// store is the environment's commit. Others go on before anything is stored, and after it
// before the committer knows.
func (w *stage) store(_ context.Context, changes []Change) (err error) {
	ways := []string{"done"}
	if w.left.faults > 0 {
		ways = append(ways, "failed", "unknown", "corrupt")
		for i := range changes {
			ways = append(ways, "conflict on "+changes[i].Account.Customer)
		}
		if len(changes) > 1 {
			ways = append(ways, "conflict on all")
		}
	}
	if w.commits++; w.commits > 1 {
		w.seen["commits side by side"]++
	}
	defer func() { w.commits-- }()
	a := w.running
	way := w.stop(a, "commit "+names(changes), nil, ways...)
	if w.seen[ways[way]]++; way != commitDone {
		w.left.faults--
	}
	switch way {
	case commitDone:
		w.apply(changes)
	case commitFailed, commitCorrupt:
		if err = errWalkDisk; way == commitCorrupt {
			err = &CorruptError{Where: "an account", Reason: "damaged"}
		}
		if way == commitFailed || len(changes) == 1 || w.isAct(changes) {
			w.ends(changes, err)
		}
	case commitUnknown:
		w.apply(changes)
		w.ends(changes, ErrOutcomeUnknown)
	default:
		err = w.others(changes, way-commitConflict)
	}
	w.stop(a, "told", nil)
	if way == commitUnknown {
		panic("connection lost")
	}
	return err
}

// others lets another process write to the account of one change, or to all.
func (w *stage) others(changes []Change, which int) error {
	conflict := &ConflictError{}
	for i := range changes {
		if which != i && which != len(changes) {
			continue
		}
		id := changes[i].Account
		h := w.heads[id]
		h.Version, h.Seal = h.Version+1, SealOf([]byte("another process"))
		w.heads[id] = h
		conflict.Accounts = append(conflict.Accounts, id)
	}
	return conflict
}

// apply stores changes, and checks them as a store does: one that is not based on what is
// stored has been overtaken.
func (w *stage) apply(changes []Change) {
	if w.closed {
		w.breaks("a commit after Close returned")
	}
	for _, c := range changes {
		h := w.heads[c.Account]
		last := c.Journal[len(c.Journal)-1].Seq
		if h.Version != c.Version || h.Seal != c.Prev || c.Journal[0].Seq != c.Version+1 || c.Head.Version != last {
			w.breaks("%s: records %d to %d under head %d, computed from %d, come to version %d", c.Account.Customer, c.Journal[0].Seq, last, c.Head.Version, c.Version, h.Version)
		}
		w.heads[c.Account] = c.Head
		for _, r := range c.Journal {
			w.journal[c.Account] = append(w.journal[c.Account], string(r.Bytes))
		}
	}
}

// ends notes how the flights end whose operations the changes carry: those that go out, and
// the one that a piece goes before.
func (w *stage) ends(changes []Change, err error) {
	for i := range changes {
		for _, r := range changes[i].Journal {
			name := strings.TrimPrefix(string(r.Bytes), "piece of ")
			at := slices.IndexFunc(w.fates, func(f *fate) bool { return f.name == name })
			w.failed[w.fates[at].last.flight] = err
		}
	}
}

// isAct reports whether changes are those of one act and nothing else: what goes together
// is not sent again by halves.
func (w *stage) isAct(changes []Change) bool {
	for _, f := range w.fates {
		if f.with == nil || len(changes) != len(f.ids()) {
			continue
		}
		if !slices.ContainsFunc(changes, func(c Change) bool { return len(c.Journal) != 1 || string(c.Journal[0].Bytes) != f.name }) {
			return true
		}
	}
	return false
}

func names(changes []Change) string {
	var on []string
	for i := range changes {
		on = append(on, changes[i].Account.Customer)
	}
	slices.Sort(on)
	return fmt.Sprint(on)
}
