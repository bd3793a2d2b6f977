package creditledger

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync/atomic"
)

// Pending is an operation that is decided and on its way to the disk. It may be used
// by several goroutines at once.
type Pending struct {
	ledger  *Ledger
	request request
	result  *Result
	flight  *flight     // nil: nothing to wait for
	puts    []RecordPut // what it brings along
	leader  bool        // whoever waits has to bring the flight to the store
	attempt int         // how often it was decided before
	stale   *Pending    // that it is decided afresh in the place of, under a key that was made for it
	toldKey atomic.Uint32

	// After a flight that did not arrive (ledger_redecide.go).
	thrown  *thrownAway    // that it is part of
	why     *ConflictError // that its flight met; nil: a flight before it did not arrive
	decided chan struct{}  // nil: the flight's error stands; closed when what follows is there
	next    *Pending       // the same request decided afresh
	err     error          // why it could not be
}

// Wait returns the result once it is durable. The errors are those of Do.
//
// Until then nothing is settled: when another process was faster, or a commit before it
// fails, the operation is decided afresh, at a later instant and perhaps with another
// outcome.
func (p *Pending) Wait(ctx context.Context) (*Result, error) {
	for p.flight != nil {
		if p.leader {
			p.leader = false
			p.ledger.commit.lead(p.flight)
		}
		if err := p.ledger.commit.await(ctx, p.flight); err != nil {
			return nil, p.unknown(err)
		}
		if p.flight.err == nil {
			break
		}
		next, err := p.redecided(ctx)
		if err != nil {
			return nil, err
		}
		p = next
	}
	return p.result, nil
}

// Entries returns how many entries the operation writes, as it was decided first: what
// it keeps in memory until it is waited for goes by that.
func (p *Pending) Entries() int { return len(p.result.Entries) }

// redecided waits for what becomes of an operation whose flight did not arrive.
func (p *Pending) redecided(ctx context.Context) (*Pending, error) {
	r := &p.request
	switch {
	case r.attach != nil && p.attempt < maxAttempts && p.mayDecideAgain():
		return p.ledger.submitAgain(ctx, p)
	case p.decided == nil:
		return nil, attempted(r.op, r.account, keyed(p.flight.err, p.result.Key))
	}
	if err := p.ledger.awaitRedecided(ctx, p.flight.slot, p.thrown, p.decided); err != nil {
		return nil, p.unknown(err)
	}
	return p.next, p.err
}

// What has become of a key that was made for an operation: whoever gives up waiting is
// told it, and then it stays; one that nobody was told is made anew with the record, as if
// the operation had never been decided before.
const (
	keyUntold uint32 = iota
	keyTold
	keyRemade
)

// mayBeThrown reports whether the operation may be decided afresh once more.
func (p *Pending) mayBeThrown() bool { return p.attempt < maxAttempts }

// throwOff notes that the flight did not arrive (rider).
func (p *Pending) throwOff(with *thrownAway, why *ConflictError) {
	p.decided, p.thrown, p.why = make(chan struct{}), with, why
}

// unknown is the error of a wait that was given up: the commit goes on. It names the key
// that the operation has in the end.
func (p *Pending) unknown(err error) error {
	for p.request.key == "" && !p.toldKey.CompareAndSwap(keyUntold, keyTold) && p.toldKey.Load() == keyRemade {
		select {
		case <-p.decided:
			if p.err != nil {
				return p.err
			}
			return p.next.unknown(err)
		default: // the decision is being made this moment
			runtime.Gosched()
		}
	}
	return attempted(p.request.op, p.request.account, &OutcomeUnknownError{Key: p.result.Key, Err: err})
}

// remakeKey has a request that is decided afresh go without the key that was made for it,
// unless somebody was told that.
func (p *Pending) remakeKey() {
	if p.stale != nil && p.stale.toldKey.CompareAndSwap(keyUntold, keyRemade) {
		p.request.key, p.request.made = "", false
	}
}

// restoreKey takes remakeKey back when the decision came to nothing.
func (p *Pending) restoreKey() {
	if p.stale != nil && p.stale.toldKey.Load() == keyRemade {
		p.request.key, p.request.made = p.stale.result.Key, true
		p.stale.toldKey.Store(keyUntold)
	}
}

// mayDecideAgain reports whether an operation that brings records along may be decided
// afresh: a moved account the ledger reads again by itself, a moved record only the
// upper layer can, unless it was this very operation that moved it.
func (p *Pending) mayDecideAgain() bool {
	var c *ConflictError
	if !errors.As(p.flight.err, &c) {
		return false
	}
	moved := func(put RecordPut) bool { return slices.Contains(c.Records, put.RecordID) }
	return slices.Contains(c.Keys, p.request.key) || !slices.ContainsFunc(p.puts, moved)
}

// afresh is an operation before it is decided afresh. A key that was in conflict has to be
// looked up.
func (p *Pending) afresh(why *ConflictError) *Pending {
	next := &Pending{ledger: p.ledger, request: p.request, attempt: p.attempt + 1}
	r := &next.request
	r.wary = r.wary || why != nil && slices.Contains(why.Keys, r.key)
	if r.key == "" && r.attach == nil { // whose caller is the only one who waits
		next.stale, r.key, r.made = p, p.result.Key, true
	}
	r.lead = false // it may be somebody else who decides
	return next
}

// submitAgain submits afresh what only its caller may decide.
func (l *Ledger) submitAgain(ctx context.Context, stale *Pending) (*Pending, error) {
	var why *ConflictError
	_ = errors.As(stale.flight.err, &why)
	p := stale.afresh(why)
	err := l.enter()
	if err != nil {
		return nil, attempted(p.request.op, p.request.account, err)
	}
	defer l.leave()
	if p.request.bits, err = l.ids.draw(); err != nil {
		return nil, attempted(p.request.op, p.request.account, err)
	}
	if err := l.submit(ctx, p); err != nil {
		return nil, err
	}
	return p, nil
}
