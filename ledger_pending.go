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
	ledger   *Ledger
	request  request
	result   *Result
	flight   *flight       // nil: nothing to wait for
	puts     []DocumentPut // documents that are stored with the operation
	attempt  int           // how often the operation was decided before
	replaces *Pending      // the earlier decision of the operation, if the ledger made its key; else nil
	toldKey  atomic.Uint32
	leader   bool // whoever waits has to commit the flight

	// Set when the flight did not arrive (ledger_redecide.go).
	void *void // nil: the flight's error stands
}

// void is what becomes of an operation whose flight did not arrive.
type void struct {
	queue   *redecideQueue // where it waits to be decided afresh
	why     *ConflictError // the conflict of the flight; nil: a flight before it did not arrive
	decided chan struct{}  // closed when next or err is set
	next    *Pending       // the same request, decided afresh
	err     error          // why the request could not be decided afresh
}

// Wait returns the result once it is durable. The errors are those of Do.
//
// Until then nothing is certain: when another process was faster, or a commit before it
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

// Entries returns how many entries the operation writes as it was decided first. The
// memory that it takes until it is waited for follows from that.
func (p *Pending) Entries() int { return len(p.result.Entries) }

// redecided waits until the operation, whose flight did not arrive, is decided afresh.
func (p *Pending) redecided(ctx context.Context) (*Pending, error) {
	r := &p.request
	switch {
	case r.attach != nil && p.attempt < maxAttempts && p.mayDecideAgain():
		return p.ledger.resubmit(ctx, p)
	case p.void == nil:
		return nil, attempted(r.op, r.account, keyed(p.flight.err, p.result.Key))
	}
	if err := p.ledger.awaitRedecided(ctx, p.flight.slot, p.void.queue, p.void.decided); err != nil {
		return nil, p.unknown(err)
	}
	return p.void.next, p.void.err
}

// The states of a key that the ledger made for an operation. A caller that gives up
// waiting is told the key, and then the key stays. A key that nobody was told is made
// anew with the record, as if the operation had never been decided before.
const (
	keyUntold uint32 = iota
	keyTold
	keyRemade
)

// mayRedecide reports whether the operation may be decided afresh once more.
func (p *Pending) mayRedecide() bool { return p.attempt < maxAttempts }

// mustRedecide notes that the flight did not arrive (rider).
func (p *Pending) mustRedecide(in *redecideQueue, why *ConflictError) {
	p.void = &void{decided: make(chan struct{}), queue: in, why: why}
}

// unknown is the error of a wait that was given up while the commit goes on. It names the
// key that the operation will have in the end.
func (p *Pending) unknown(err error) error {
	for p.request.key == "" && !p.toldKey.CompareAndSwap(keyUntold, keyTold) && p.toldKey.Load() == keyRemade {
		select {
		case <-p.void.decided:
			if p.void.err != nil {
				return p.void.err
			}
			return p.void.next.unknown(err)
		default: // the operation is being decided at this moment
			runtime.Gosched()
		}
	}
	return attempted(p.request.op, p.request.account, &OutcomeUnknownError{Key: p.result.Key, Err: err})
}

// remakeKey removes the key that the ledger made for a request that is decided afresh,
// unless somebody was told that key.
func (p *Pending) remakeKey() {
	if p.replaces != nil && p.replaces.toldKey.CompareAndSwap(keyUntold, keyRemade) {
		p.request.key, p.request.keyIsOurs = "", false
	}
}

// restoreKey undoes remakeKey if the decision fails.
func (p *Pending) restoreKey() {
	if p.replaces != nil && p.replaces.toldKey.Load() == keyRemade {
		p.request.key, p.request.keyIsOurs = p.replaces.result.Key, true
		p.replaces.toldKey.Store(keyUntold)
	}
}

// mayDecideAgain reports whether an operation that brings documents may be decided
// afresh. If an account moved, the ledger itself reads it again. If a document moved,
// only the upper layer can read it again, unless this very operation moved it.
func (p *Pending) mayDecideAgain() bool {
	var c *ConflictError
	if !errors.As(p.flight.err, &c) {
		return false
	}
	moved := func(put DocumentPut) bool { return slices.Contains(c.Documents, put.DocumentID) }
	return slices.Contains(c.Keys, p.request.accountKey()) || !slices.ContainsFunc(p.puts, moved)
}

// afresh returns the request for another decision. A key that was in conflict has to be
// looked up.
func (p *Pending) afresh(why *ConflictError) *Pending {
	next := &Pending{ledger: p.ledger, request: p.request, attempt: p.attempt + 1}
	r := &next.request
	if r.rare != nil {
		own := *r.rare
		r.rare = &own
	}
	r.mustLookUpKey = r.mustLookUpKey || why != nil && slices.Contains(why.Keys, r.accountKey())
	if r.key == "" && r.attach == nil { // only the caller waits for an operation with an Attach
		next.replaces, r.key, r.keyIsOurs = p, p.result.Key, true
	}
	r.mayLead = false // somebody else may decide it
	return next
}

// resubmit submits an operation afresh that only its caller may decide.
func (l *Ledger) resubmit(ctx context.Context, stale *Pending) (*Pending, error) {
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
