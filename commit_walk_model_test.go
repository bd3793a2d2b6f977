package creditledger

import (
	"context"
	"fmt"
	"time"

	"creditledger/internal/gate"
)

// What stands around the committer in a walk: a store, and the part of the ledger that
// decides operations, waits for them and decides them afresh. The cache, its slots, the
// flights and the budgets are the real ones.

// walkOperation is what one caller of a walk does.
type walkOperation struct {
	account int
	leads   bool // commits by itself when nobody else does, and cannot be called off
	pieces  int  // flights of their own that go before it, as expiries do
	with    *int // another account, of an act on both; nil: it is no act
}

// scene is what happens in a walk.
type scene struct {
	name       string
	operations []walkOperation
	width      int   // commits side by side
	accounts   int   // in one commit
	inAir      int64 // bytes; 0: as many as there are
	faults     int   // commits that go wrong, at most
	cancels    int   // callers that give up, at most
	evictions  int
	depth      int // departures of a walk, at most
	sees       []string
}

// fate is what the committer owes an operation.
type fate struct {
	walkOperation
	name     string
	number   map[AccountID]int // the order in which operations were first decided on their account
	attempts int
	last     *attempt
	call     context.Context
	cancel   context.CancelFunc
	called   bool // off
	answers  int
	answer   error
}

// attempt is an operation as it was decided once: the ledger's Pending.
type attempt struct {
	of      *fate
	flight  *flight
	leads   bool
	why     *ConflictError
	decided chan struct{}
	next    *attempt
}

// mostAttempts is small, so that walks reach it.
const mostAttempts = 2

func (a *attempt) mayRedecide() bool { return a.of.attempts < mostAttempts }

func (a *attempt) mustRedecide(_ *redecideQueue, why *ConflictError) {
	a.why, a.decided = why, make(chan struct{})
}

// numbered notes that an operation is decided on an account.
func (w *stage) numbered(f *fate, id AccountID) {
	w.decided[id]++
	if f.number == nil {
		f.number = map[AccountID]int{}
	}
	f.number[id] = w.decided[id]
}

// stage is a walk of the committer.
type stage struct {
	scheduler
	scene   scene
	commit  committer
	cache   cache
	calls   gate.Gate
	fates   []*fate
	heads   map[AccountID]Head
	journal map[AccountID][]string // names of what is stored
	decided map[AccountID]int
	failed  map[*flight]error
	turns   int // begun
	commits int // under way
	closed  bool
	left    struct{ faults, cancels, evictions int }
	seen    map[string]int // what happened, over all walks
}

func newStage(sc scene, c *chooser, seen map[string]int) *stage {
	w := &stage{
		scheduler: scheduler{chooser: c}, scene: sc, seen: seen, heads: map[AccountID]Head{}, journal: map[AccountID][]string{}, decided: map[AccountID]int{}, failed: map[*flight]error{},
	}
	w.left.faults, w.left.cancels, w.left.evictions = sc.faults, sc.cancels, sc.evictions
	w.cache.limit = 100
	w.cache.beginRedecide = w.beginRedecide
	w.commit.over(&walkStore{w: w}, &w.cache)
	w.commit.width, w.commit.accounts, w.commit.expiries = sc.width, sc.accounts, 1
	if sc.inAir > 0 {
		w.commit.bytes.limit = sc.inAir
	}
	w.commit.env = environment{
		commit: w.store,
		lock: func(s *slot) {
			w.stop(w.running, "lock "+s.id.Customer, func() bool { return !s.locked })
			w.cache.lockHeld(s)
		},
		spawn: func(run func()) {
			w.turns++
			w.start(fmt.Sprint("turn ", w.turns), func(*actor) { run() })
		},
		yield: func() { w.stop(w.running, "yield", nil) },
		now:   func() time.Time { return time.Time{} },
	}
	for i, op := range sc.operations {
		f := &fate{walkOperation: op, name: fmt.Sprint("operation ", i)}
		f.call, f.cancel = context.WithCancel(context.Background())
		w.fates = append(w.fates, f)
		w.start(f.name, func(a *actor) { w.caller(a, f) })
	}
	w.start("close", func(*actor) {
		w.calls.Close()
		w.commit.wait()
		w.closed = true
	})
	return w
}

func (f *fate) id() AccountID { return AccountID{Customer: string(rune('a' + f.account))} }

// caller submits an operation and waits for it.
func (w *stage) caller(a *actor, f *fate) {
	if !w.calls.Enter() {
		f.answers, f.answer = f.answers+1, ErrClosed
		return
	}
	if f.with != nil {
		err := w.act(a, f)
		w.calls.Leave()
		f.answers, f.answer = f.answers+1, err
		return
	}
	p := &attempt{of: f}
	if w.commit.bytes.used.Load() >= w.commit.bytes.limit {
		w.seen["waited for room"]++
	}
	err := w.commit.admit(f.call)
	if err == nil {
		w.decide(a, p, true)
	}
	w.calls.Leave()
	if err == nil {
		w.stop(a, "wait", nil)
		err = w.outcome(p)
	}
	f.answers, f.answer = f.answers+1, err
}

// outcome is Pending.Wait.
func (w *stage) outcome(p *attempt) error {
	for {
		if p.leads {
			w.commit.lead(p.flight)
		}
		if err := w.commit.await(p.of.call, p.flight); err != nil {
			return err
		}
		if p.flight.err == nil || p.decided == nil {
			return p.flight.err
		}
		select {
		case <-p.decided:
		default:
			select {
			case <-p.decided:
			case <-p.of.call.Done():
				return p.of.call.Err()
			}
		}
		p = p.next
	}
}

// locked returns the account's slot, as a choice point: with fresh set it waits until
// nothing is to be decided afresh on it.
func (w *stage) locked(a *actor, id AccountID, fresh bool) *slot {
	w.stop(a, "lock "+id.Customer, func() bool {
		s := w.cache.slots[id]
		return s == nil || !s.locked && !(fresh && (s.toRedecide != nil || s.kept.Load() != nil))
	})
	s, err := w.cache.acquire(context.Background(), id)
	if err != nil {
		panic(err)
	}
	return s
}

// decide is Ledger.decideOn: it decides an operation and queues it. Others go on while it
// has the account locked.
func (w *stage) decide(a *actor, p *attempt, first bool) {
	s := w.locked(a, p.of.id(), first)
	defer w.cache.release(s)
	w.decideOn(a, s, p)
}

func (w *stage) decideOn(a *actor, s *slot, p *attempt) {
	f := p.of
	if err := s.load(context.Background(), &walkStore{w: w}, nil); err != nil {
		panic(err)
	}
	w.stop(a, "queue", nil)
	if f.number == nil {
		w.numbered(f, s.id)
	}
	f.attempts++
	if last := s.last; last != nil && last.sealed == nil && (f.pieces > 0 || last.led) {
		last.seal(s.account)
	}
	var pieces []*flight
	for range f.pieces {
		piece := write(s.account, "piece of "+f.name)
		flight := newFlight(nil, piece.records[0].seq-1, piece.records[0].prev)
		flight.size = piece.size()
		flight.add(piece)
		flight.seal(s.account)
		pieces = append(pieces, flight)
	}
	p.flight, p.leads = w.commit.queue(s, write(s.account, f.name), pieces, f.leads && f.attempts == 1)
	p.flight.riders = append(p.flight.riders, p)
	f.last = p
}

// write is a decision: a record that names itself, and the account's head after it.
func write(a *account, name string) *written {
	r := sealed{seq: a.head.Version + 1, prev: a.head.Seal, bytes: []byte(name)}
	a.head.Version, a.head.Seal = r.seq, SealOf(r.bytes)
	return &written{records: []sealed{r}}
}

// beginRedecide is the ledger's: a goroutine decides the slot's queue afresh, in order.
func (w *stage) beginRedecide(s *slot) {
	w.commit.beginDeciding()
	id := s.id
	w.start("afresh "+id.Customer, func(a *actor) {
		defer w.commit.endDeciding()
		for w.redecideFirst(a, id) {
		}
	})
}

func (w *stage) redecideFirst(a *actor, id AccountID) (more bool) {
	s := w.locked(a, id, false)
	defer w.cache.release(s)
	queue := s.toRedecide
	if len(queue.list) == 0 {
		w.cache.endRedecide(s)
		return false
	}
	first := queue.list[0].(*attempt)
	first.next = &attempt{of: first.of}
	w.decideOn(a, s, first.next)
	queue.list = queue.list[1:]
	close(first.decided)
	w.seen["decided afresh"]++
	return true
}

// world lists what can happen from outside.
func (w *stage) world() (events []event) {
	if w.left.cancels > 0 {
		for _, f := range w.fates {
			if f.leads || f.called || f.answers > 0 {
				continue
			}
			events = append(events, event{name: "cancel " + f.name, do: func() {
				w.left.cancels--
				w.seen["cancelled"]++
				f.called = true
				f.cancel()
			}})
		}
	}
	if w.left.evictions > 0 && len(w.cache.slots) > 0 {
		events = append(events, event{name: "evict", do: func() {
			w.left.evictions--
			w.cache.mu.Lock()
			defer w.cache.mu.Unlock()
			limit, before := w.cache.limit, len(w.cache.slots)
			w.cache.limit = -1
			w.cache.evict()
			w.cache.limit = limit
			w.seen["evicted"] += before - len(w.cache.slots)
		}})
	}
	return events
}
