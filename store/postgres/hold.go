package postgres

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"creditledger"
)

// If several processes write to one account, it moves again and again between the moment
// that one of them reads it and the moment that it commits. So after a first conflict a
// store locks the account's head before it reads. It keeps the lock until it has
// committed the change that is decided then, or the ledger says that there is none.
// Waiting for a row is not fair: whoever comes just when the row becomes free gets it. So
// stores queue for an advisory lock, which is first come, first served. A store that
// never meets a conflict would overtake the queue, so it joins the queue now and then.
// All this is for PostgreSQL itself. Locks of other engines may mean little.

// hold is a transaction that has locked the head of an account.
type hold struct {
	conn  *pgxpool.Conn
	pack  *pack     // the head
	until time.Time // when the hold is given up
	timer *time.Timer
}

const (
	// holdFor is how long a hold waits for its commit. A decision takes much less. Others
	// wait at most so long for a ledger that neither commits nor releases.
	holdFor = 100 * time.Millisecond
	// hotFor is how many commits in a row have to find an account unmoved before the
	// store locks it no more.
	hotFor = 8
	// A store queues at every joinEvery-th commit for an account that, as far as it knows,
	// is not contended.
	joinEvery = 64
	// maxHot bounds how many accounts are remembered as contended.
	maxHot = 4096
)

// contention has the contended accounts, and the holds on them that wait for their
// commit.
type contention struct {
	sql  *statements
	most int           // holds at once over one pool
	wait time.Duration // how long a hold waits for its commit: holdFor

	// holds counts the holds of all stores over the pool, waiting or in use. A store that
	// holds an account may need another connection before it commits. If holds had all
	// connections, it would wait until it gives up.
	holds *atomic.Int64

	mu  sync.Mutex
	hot map[creditledger.AccountID]*heat
}

// heat is what is known about a contended account.
type heat struct {
	left    int   // unmoved commits until the account is no longer held
	owed    bool  // there was a conflict, and the Load after it has not come yet
	waiting *hold // for its commit
}

// moved notes a conflict of accounts.
func (s *contention) moved(accounts []creditledger.AccountID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.most == 0 {
		return
	}
	for _, id := range accounts {
		h := s.hot[id]
		if h == nil {
			if len(s.hot) >= maxHot {
				return
			}
			if s.hot == nil {
				s.hot = map[creditledger.AccountID]*heat{}
			}
			h = &heat{}
			s.hot[id] = h
		}
		h.left, h.owed = hotFor, true
	}
}

// unmoved notes that an account was found where it had been left.
func (s *contention) unmoved(id creditledger.AccountID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.hot[id]; h != nil {
		if h.left--; h.left <= 0 && h.waiting == nil {
			delete(s.hot, id)
		}
	}
}

// toLoad returns the hold that waits for an account, for the caller to use. If there is
// none, it returns whether to take one, which is so after a conflict.
func (s *contention) toLoad(id creditledger.AccountID) (waiting *hold, wanted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hot[id]
	if h == nil {
		return nil, false
	}
	owed := h.owed
	h.owed = false
	if waiting = h.take(); waiting != nil {
		return waiting, false
	}
	return nil, owed && s.another()
}

// toCommit does the same for a commit, which takes a hold if the account is contended or
// it is time to queue.
func (s *contention) toCommit(id creditledger.AccountID, queue bool) (waiting *hold, wanted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hot[id]
	if h != nil {
		if waiting = h.take(); waiting != nil {
			return waiting, false
		}
	}
	return nil, (h != nil || queue) && s.another()
}

// another counts one more hold, unless there are too many.
func (s *contention) another() bool {
	if s.most == 0 {
		return false
	}
	if s.holds.Add(1) > int64(s.most) {
		s.holds.Add(-1)
		return false
	}
	return true
}

// take takes the hold that waits, if there is one.
func (h *heat) take() (waiting *hold) {
	if waiting, h.waiting = h.waiting, nil; waiting != nil {
		waiting.timer.Stop()
	}
	return waiting
}

// keep lets a hold wait for its commit, unless its time is over.
func (s *contention) keep(id creditledger.AccountID, h *hold) {
	s.mu.Lock()
	defer s.mu.Unlock()
	heat := s.hot[id]
	left := time.Until(h.until)
	if heat == nil || heat.waiting != nil || left <= 0 {
		go s.drop(h)
		return
	}
	heat.waiting = h
	h.timer = time.AfterFunc(left, func() {
		s.mu.Lock()
		mine := heat.waiting == h
		if mine {
			heat.waiting = nil
		}
		s.mu.Unlock()
		if mine {
			s.drop(h)
		}
	})
}

// waiting takes the hold that waits for an account, if there is one.
func (s *contention) waiting(id creditledger.AccountID) *hold {
	s.mu.Lock()
	defer s.mu.Unlock()
	if heat := s.hot[id]; heat != nil {
		return heat.take()
	}
	return nil
}

// drop gives a hold up.
func (s *contention) drop(h *hold) {
	const patience = 100 * time.Millisecond
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := h.conn.Exec(ctx, s.sql.rollback)
	_ = err // the connection is then broken, and the pool sees that
	s.done(h)
}

// close gives up every hold that waits, and takes no more.
func (s *contention) close() {
	s.mu.Lock()
	s.most = 0
	var waiting []*hold
	for _, h := range s.hot {
		if h.waiting != nil && h.waiting.timer.Stop() {
			waiting = append(waiting, h.waiting)
			h.waiting = nil
		}
	}
	s.mu.Unlock()
	for _, h := range waiting {
		s.drop(h)
	}
}

// done ends a hold whose transaction has ended.
func (s *contention) done(h *hold) {
	h.conn.Release()
	s.holds.Add(-1)
}

// lock waits for the lock of an account's head and takes it; nil if there is no head.
func (s *Store) lock(ctx context.Context, at accountPos) (*hold, error) {
	h, err := s.tryLock(ctx, at)
	if h == nil {
		s.contention.holds.Add(-1)
	}
	return h, err
}

func (s *Store) tryLock(ctx context.Context, at accountPos) (*hold, error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	c := conn.Conn()
	h := &hold{conn: conn}
	if err = s.check(ctx, c); err == nil {
		b := &pgx.Batch{}
		b.Queue(s.sql.beginHold)
		b.Queue(s.sql.boundHold)
		b.Queue(s.sql.queueHold, at.lockKeys(s.opts.Schema)...)
		b.Queue(s.sql.lockHead, at.args()...)
		results := c.SendBatch(ctx, b)
		for range b.Len() - 1 {
			if _, err = results.Exec(); err != nil {
				break
			}
		}
		if err == nil {
			h.pack, err = nextPack(results, at)
		}
		if closing := results.Close(); err == nil {
			err = closing
		}
	}
	if err != nil || h.pack.version == 0 {
		if !c.IsClosed() && c.PgConn().TxStatus() != 'I' {
			_, rollback := c.Exec(ctx, s.sql.rollback)
			_ = rollback // the connection is then broken, and the pool sees that
		}
		conn.Release()
		return nil, err
	}
	h.until = time.Now().Add(s.contention.wait)
	return h, nil
}

// LoadToChange implements creditledger.LockingStore.
func (s *Store) LoadToChange(ctx context.Context, id creditledger.AccountID, have *creditledger.Head) (*creditledger.State, error) {
	if ctx.Err() == nil && checkTexts(id.Customer, id.Currency) == nil && s.enter("load") == nil {
		state := s.loadHeld(ctx, id)
		s.life.RUnlock()
		if state != nil {
			return state, nil
		}
	}
	return s.Load(ctx, id, have)
}

// Release implements creditledger.LockingStore.
func (s *Store) Release(id creditledger.AccountID) {
	if h := s.contention.waiting(id); h != nil {
		go s.contention.drop(h) // so that the ledger does not wait for the server
	}
}

// loadHeld loads a contended account with its head locked. It returns nil if the account
// is not contended or cannot be locked.
func (s *Store) loadHeld(ctx context.Context, id creditledger.AccountID) *creditledger.State {
	h, wanted := s.contention.toLoad(id)
	at := s.accountPos(id)
	if wanted {
		h, _ = s.lock(ctx, at) // without a lock the account is loaded as any other
	}
	if h == nil {
		return nil
	}
	state, err := s.load(ctx, h.conn.Conn(), id, at)
	if err != nil {
		s.contention.drop(h)
		return nil
	}
	s.contention.keep(id, h)
	return state
}

// holdOf returns the hold for a transaction on one contended account. It takes a new one
// if none waits. For a transaction on several accounts it gives up the hold on any,
// because a store that holds one account must not wait for another.
func (s *Store) holdOf(ctx context.Context, t *transaction) (*hold, error) {
	if len(t.parts) != 1 {
		for _, p := range t.parts {
			if h := s.contention.waiting(p.change.Account); h != nil {
				s.contention.drop(h)
			}
		}
		return nil, nil
	}
	p := t.parts[0]
	h, wanted := s.contention.toCommit(p.change.Account, s.packs.streak(p.change.Account)%joinEvery == joinEvery-1)
	if !wanted {
		return h, nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.opts.Patience)
	defer cancel()
	h, err := s.lock(ctx, p.at)
	if err != nil && ctx.Err() == nil {
		return nil, nil // the transaction goes on without a lock, and finds out what is wrong
	}
	if h != nil && p.follows(h.pack.version, h.pack.seal[:]) {
		s.contention.unmoved(p.change.Account)
	}
	return h, err
}

// usedKeys names the keys of a change that the account has used already.
func (p *part) usedKeys(ctx context.Context, c *pgx.Conn, sql *statements, found *creditledger.ConflictError) error {
	for _, k := range p.change.Keys {
		var seq int64
		err := query(ctx, c, sql.keySeq, p.at.args(string(k.Key)), []any{&seq}, func() error {
			found.Keys = append(found.Keys, creditledger.AccountKey{Account: p.change.Account, Key: k.Key})
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// tryHeld sends a transaction on an account whose head is locked. If the account has
// moved, the lock is kept for what is decided next.
func (s *Store) tryHeld(ctx context.Context, t *transaction, h *hold) error {
	p := t.parts[0]
	if !p.follows(h.pack.version, h.pack.seal[:]) {
		found := &creditledger.ConflictError{Accounts: []creditledger.AccountID{p.change.Account}}
		if err := p.usedKeys(ctx, h.conn.Conn(), t.sql, found); err != nil {
			s.contention.drop(h)
			return notBegun(h.conn.Conn(), err)
		}
		s.contention.moved([]creditledger.AccountID{p.change.Account})
		s.contention.keep(p.change.Account, h)
		return found
	}
	epoch := s.packs.now()
	c := h.conn.Conn()
	if err := t.prepare(ctx, c, &s.packs); err != nil {
		s.contention.drop(h)
		return notBegun(c, err)
	}
	if !t.depart() {
		s.contention.drop(h)
		return &unsentError{context.Cause(ctx)}
	}
	b := &script{}
	t.writes(b)
	err := s.send(context.WithoutCancel(ctx), c, b)
	s.contention.done(h)
	if err == nil {
		t.remember(&s.packs, epoch)
	}
	return err
}
