package creditledger

import (
	"context"
	"errors"
	"slices"
	"sync"
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

	// After a conflict the request is decided afresh, once for all who wait, and in the
	// order of the first decisions.
	stale   *Pending      // that this one is decided in the place of, while it is
	mu      sync.Mutex    // guards what follows
	decided chan struct{} // of who decides afresh, closed when he has or gave up
	next    *Pending
	err     error
}

// Wait returns the result once it is durable. The errors are those of Do.
func (p *Pending) Wait(ctx context.Context) (*Result, error) {
	for attempt := 1; p.flight != nil; attempt++ {
		r := &p.request
		if p.leader {
			p.leader = false
			p.ledger.commit.lead(p.flight)
		}
		if err := p.ledger.commit.await(ctx, p.flight); err != nil {
			return nil, attempted(r.op, r.account, unknown(r, p.result, err))
		}
		err := p.flight.err
		if err == nil {
			break
		}
		if !p.mayDecideAgain(err) || attempt >= maxAttempts && p.giveUp(err) {
			return nil, attempted(r.op, r.account, keyed(err, p.result.Key))
		}
		if p, err = p.again(ctx, keyTaken(err, r.key)); err != nil {
			return nil, err
		}
	}
	return p.result, nil
}

// Entries returns how many entries the operation writes, as it was decided first: what
// it keeps in memory until it is waited for goes by that.
func (p *Pending) Entries() int { return len(p.result.Entries) }

// mayDecideAgain reports whether the operation may be decided afresh after an error: a
// moved account the ledger reads again by itself, a moved record that the operation
// brings along only its upper layer can, unless it was this very operation that moved it.
func (p *Pending) mayDecideAgain(err error) bool {
	var c *ConflictError
	if !errors.As(err, &c) {
		return false
	}
	moved := func(put RecordPut) bool { return slices.Contains(c.Records, put.RecordID) }
	return keyTaken(err, p.request.key) || !slices.ContainsFunc(p.puts, moved)
}

func isConflict(err error) bool {
	var c *ConflictError
	return errors.As(err, &c)
}

// giveUp makes an error final, unless somebody has decided afresh already or is about
// to: nobody may be told that it was not done, and another one do it.
func (p *Pending) giveUp(err error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.decided != nil {
		return false
	}
	p.decided, p.err = make(chan struct{}), err
	close(p.decided)
	return true
}

// settled reports whether nothing is left to decide about p.
func (p *Pending) settled() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.next != nil || p.err != nil
}

// redo has p decided afresh before something that was submitted later. Its error is
// that of ctx.
func (p *Pending) redo(ctx context.Context) error {
	if err := p.ledger.commit.await(ctx, p.flight); err != nil {
		return err
	}
	_, _ = p.again(ctx, keyTaken(p.flight.err, p.request.key)) // who waits for p is told
	return ctx.Err()
}

// keyTaken reports whether a conflict is about an operation's key: it has to be looked
// up then.
func keyTaken(err error, key Key) bool {
	var c *ConflictError
	return errors.As(err, &c) && slices.Contains(c.Keys, key)
}

// again returns p's request decided afresh, after what it was computed from turned out
// stale. The first who asks decides and the others get the same, unless he gives up:
// then the next one does.
func (p *Pending) again(ctx context.Context, wary bool) (*Pending, error) {
	for {
		p.mu.Lock()
		decided := p.decided
		if decided == nil {
			p.decided = make(chan struct{})
		}
		p.mu.Unlock()
		if decided == nil {
			return p.decideAgain(ctx, wary)
		}
		select {
		case <-decided:
		case <-ctx.Done():
			return nil, attempted(p.request.op, p.request.account, unknown(&p.request, p.result, ctx.Err()))
		}
		p.mu.Lock()
		next, err := p.next, p.err
		p.mu.Unlock()
		if next != nil || err != nil {
			return next, err
		}
	}
}

func (p *Pending) decideAgain(ctx context.Context, wary bool) (next *Pending, err error) {
	gaveUp := true // or panicked
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		close(p.decided)
		if gaveUp {
			p.decided = nil
		} else {
			p.next, p.err = next, err
		}
	}()
	next, err = p.ledger.again(ctx, p, wary)
	if gaveUp = err != nil && ctx.Err() != nil; gaveUp { // another one who waits may see it done
		err = attempted(p.request.op, p.request.account, unknown(&p.request, p.result, ctx.Err()))
	}
	return next, err
}

// again decides the request of a pending operation afresh.
func (l *Ledger) again(ctx context.Context, stale *Pending, wary bool) (*Pending, error) {
	p := &Pending{ledger: l, request: stale.request, stale: stale}
	r := &p.request
	// Under the made key, too: who gave up waiting was told to ask with it.
	r.made = r.made || r.key == ""
	r.key = stale.result.Key
	r.wary = r.wary || wary
	r.lead = false // it may be somebody else who decides
	if !wary {     // an id that is taken may be what was in conflict
		r.drawn, r.used = nil, 0
	}
	err := l.enter()
	if err != nil {
		return nil, attempted(r.op, r.account, err)
	}
	defer l.leave()
	if err := l.submit(ctx, p); err != nil {
		return nil, err
	}
	p.stale = nil
	return p, nil
}
