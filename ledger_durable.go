package creditledger

import (
	"context"
	"errors"
	"sort"
)

// readDurable runs fn on the account at the present instant, and returns once everything
// that fn saw is durable. So nobody is shown a state that was not committed. If what fn
// saw turns out to be void, fn runs again.
//
// fn also runs again if it saw a flight that was in the air before the call began. That
// flight may have been committed before the call, and another process may have written
// since.
func (l *Ledger) readDurable(ctx context.Context, id AccountID, fn func(s *slot, at Instant) error) error {
	begun, behind := l.commit.sent.Load(), 0
	for {
		f, err := l.readOnce(ctx, id, fn)
		again, ok := errors.AsType[*redecideError](err)
		if ok && again.flight == nil {
			if err := l.awaitAfresh(ctx, id, again, &behind); err != nil {
				return err
			}
			continue
		}
		if ok {
			f, err = again.flight, again.refusal
		}
		if f == nil {
			return err
		}
		if werr := l.commit.await(ctx, f); werr != nil {
			return werr
		}
		if f.err == nil && f.sent > begun && (!ok || again.refusal != nil) {
			return err
		}
	}
}

// readOnce runs fn once and returns the flight to wait for.
func (l *Ledger) readOnce(ctx context.Context, id AccountID, fn func(s *slot, at Instant) error) (*flight, error) {
	s, err := l.acquire(ctx, id)
	if err != nil {
		return nil, err
	}
	defer l.cache.release(s)
	if err := s.load(ctx, l.store, nil); err != nil {
		return nil, err
	}
	at, err := l.advance(s.account)
	if err != nil {
		return nil, err
	}
	if s.account.grantsBy(at) {
		err = l.lookAhead(ctx, s, at, fn)
	} else {
		err = fn(s, at)
	}
	return s.latest(), err
}

// lookAhead runs fn on the account as its next operation would find it. It decides what
// is due, and undoes that afterwards.
func (l *Ledger) lookAhead(ctx context.Context, s *slot, at Instant, fn func(s *slot, at Instant) error) error {
	settings, err := l.freshSettings(ctx)
	if err != nil {
		return err
	}
	a := s.account
	d := newDecision(l, &request{account: s.id, settings: settings}, a)
	defer d.free()
	ahead := &ahead{head: a.head}
	s.deciding = true
	err = d.catchUp(at)
	if err == nil {
		if ahead.records, err = d.decided(); err == nil {
			ahead.closed, a.ahead = d.closed(), ahead
			s.deciding = false
			err = fn(s, at)
			s.deciding = true
		}
	}
	a.ahead = nil
	d.takeBack()
	s.deciding = false
	return err
}

// reading counts a read that begins, and checks its account.
func (l *Ledger) reading(ctx context.Context, on *AccountID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	*on = on.normal()
	if err := checkAccount(*on); err != nil {
		return err
	}
	return l.enter()
}

// awaitBegun waits until everything that was begun before the call is durable or has
// failed. Calls that look at the store, and not at one account, see it then.
func (l *Ledger) awaitBegun(ctx context.Context) error {
	for _, id := range l.cache.aloft() {
		if err := l.awaitBegunOn(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

func (l *Ledger) awaitBegunOn(ctx context.Context, id AccountID) error {
	for range maxAttempts {
		s, err := l.acquire(ctx, id)
		if err != nil {
			return err
		}
		f := s.latest()
		l.cache.release(s)
		if f == nil {
			return nil
		}
		if err := l.commit.await(ctx, f); err != nil {
			return err
		}
		if f.err == nil {
			return nil
		}
	}
	return &ConflictError{Accounts: []AccountID{id}}
}

// eachDocument walks the journal from a record on, page by page, until fn returns false.
func (l *Ledger) eachRecord(ctx context.Context, on AccountID, from uint64, reverse bool, fn func(*OpRecord) (bool, error)) error {
	page := 16
	for {
		records, err := l.store.Journal(ctx, on, from, page, reverse)
		if err != nil {
			return err
		}
		for i := range records {
			rec, err := decodeStored(on, &records[i])
			if err != nil {
				return err
			}
			if more, err := fn(rec); err != nil || !more {
				return err
			}
		}
		if len(records) < page {
			return nil
		}
		last := records[len(records)-1].Seq
		if last < from != reverse && last != from {
			return standsStill("journal of " + on.String())
		}
		switch {
		case !reverse:
			from = last + 1
		case last <= 1:
			return nil
		default:
			from = last - 1
		}
		page = min(page*2, 512)
	}
}

// firstRecord finds by bisection the first of an account's records for which far is true.
// It has to be true for all records after that one, too. If it is true for none, the
// result is one more than the last.
func (l *Ledger) firstRecord(ctx context.Context, on AccountID, last uint64, far func(*OpRecord) bool) (uint64, error) {
	var failed error
	n := sort.Search(int(last), func(i int) bool {
		if failed != nil {
			return true
		}
		rec, err := l.record(ctx, on, uint64(i)+1)
		if err != nil {
			failed = err
			return true
		}
		return far(rec)
	})
	return uint64(n) + 1, failed
}
