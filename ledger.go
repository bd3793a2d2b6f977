package creditledger

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"creditledger/internal/gate"
)

// Options are the choices of a Ledger. The zero value and nil mean the defaults.
type Options struct {
	// Clock tells the time; default time.Now. It may be called from any goroutine
	// that calls the ledger. A clock that steps back is harmless: within an account
	// time never does.
	Clock func() time.Time
	// Random is the source of the ids that the ledger makes; default crypto/rand. With a
	// fixed Clock and Random and the same options, operations that are submitted in the
	// same order give the same bytes, on every store and however they share commits.
	Random io.Reader
	// Settings are the first settings of a ledger that has none yet. They are stored with the
	// first operation; from then on the ledger's own count, whatever stands here.
	Settings Settings
	// CacheBlocks bounds the accounts kept in memory by the number of their open
	// blocks (an account counts one more, and so does every 256 bytes that a block's
	// filters and metadata take up: see MaxOpenBlocks); default 1,000,000, some 300 MB.
	// Accounts in use are kept beyond the bound, and so is one account that is larger
	// than it: choose a bound above the largest account, or two such take turns and are
	// read anew for each of their operations.
	CacheBlocks int
	// ExpiriesPerCommit bounds how many expiries are written down in one commit; default
	// 1,000. More expiries of one account go out in several commits, one after another; the
	// operation that they come before goes out with the last. See docs/design.md, "Expiries
	// are written in pieces".
	ExpiriesPerCommit int
}

// Ledger grants, spends and reports credits over a Store. Any number of goroutines
// may call it at once; operations on one account take effect one after another, in
// the order in which Submit (or Do) decided them.
//
// A Ledger starts a goroutine only while changes wait to be committed.
type Ledger struct {
	store  Store
	clock  func() time.Time
	ids    idSource
	cache  cache
	commit committer

	preparing PreparingStore // nil: the store is not one

	expiries int // how many are written in one commit
	settings settingsCache

	// customers counts the deletions of customers, so that accounts in memory know
	// when to look again.
	customers atomic.Uint64

	calls gate.Gate
}

// New returns a ledger over a store. The store stays the caller's: close it after
// the ledger.
func New(store Store, opts *Options) *Ledger {
	o := Options{}
	if opts != nil {
		o = *opts
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.CacheBlocks <= 0 {
		o.CacheBlocks = defaultCacheBlocks
	}
	if o.ExpiriesPerCommit <= 0 {
		o.ExpiriesPerCommit = defaultExpiriesPerCommit
	}
	l := &Ledger{store: store, clock: o.Clock, expiries: o.ExpiriesPerCommit}
	l.settings.begin(o.Settings)
	l.ids.random = o.Random
	l.cache.limit = o.CacheBlocks
	l.cache.beginRedecide = l.beginRedecide
	l.commit.expiries = o.ExpiriesPerCommit
	l.commit.over(store, &l.cache)
	l.preparing, _ = store.(PreparingStore)
	return l
}

// Close refuses further calls and waits for those under way and for what they left
// to commit. It does not close the store. A second Close does nothing.
func (l *Ledger) Close() error {
	l.calls.Close()
	if l.commit.joined() {
		_ = l.awaitBegun(context.Background()) // what failed has told its callers, or nobody waits
	}
	l.commit.wait()
	return nil
}

// enter counts a call in; leave counts it out.
func (l *Ledger) enter() error {
	if !l.calls.Enter() {
		return ErrClosed
	}
	return nil
}

func (l *Ledger) leave() { l.calls.Leave() }

// Do decides an operation and waits until it is durable. The same key with the same
// operation returns the first result again.
//
// It returns an OperationError around an InvalidError, NotFoundError,
// DuplicateError, ConstraintError, InsufficientCreditsError,
// IdempotencyMismatchError (all: nothing was written), an error of the store
// (nothing was written), or an OutcomeUnknownError, which names the key to repeat the
// operation with. When ctx ends while Do waits, the whole operation may still be
// written: that too is an OutcomeUnknownError, which wraps ctx's error.
func (l *Ledger) Do(ctx context.Context, on AccountID, op Operation, key Key) (*Result, error) {
	return l.DoWith(ctx, on, op, DoOptions{Key: key})
}

// Attach gives the documents of an upper layer that are to be stored together with an
// operation, once it is decided: both or neither. It runs while the account is
// locked, so it computes and does not read or wait; it may run again when the
// operation is decided afresh. Its error refuses the operation.
type Attach func(*Result) ([]DocumentPut, error)

// DoOptions are the choices of one operation. The zero value is that of Do without a key.
type DoOptions struct {
	// Key is the operation's idempotency key. With the empty Key the ledger makes one.
	Key Key
	// Attach gives the documents that the operation brings along; nil: none. When a
	// document is not at its expected version, nothing is written and the error is a
	// ConflictError that names it: read it again and repeat. A replay stores nothing. See
	// decision "upper layers commit with the ledger" in docs/design.md.
	Attach Attach
}

// DoWith is Do with options.
func (l *Ledger) DoWith(ctx context.Context, on AccountID, op Operation, opts DoOptions) (*Result, error) {
	// A caller that cannot be called off commits by itself, if nobody else does.
	p, err := l.submitWith(ctx, on, op, opts.Key, opts.Attach, ctx.Done() == nil)
	if err != nil {
		return nil, err
	}
	return p.Wait(ctx)
}

// Submit decides an operation without waiting until it is durable: several
// operations submitted one after another are decided in this order and may share
// one commit. Instant and outcome are open until Wait has returned them: when another
// process was faster, or a commit before it fails, the operation is decided afresh, in
// the same order. A refusal is returned by Submit itself, once all that it was decided
// on is durable.
func (l *Ledger) Submit(ctx context.Context, on AccountID, op Operation, key Key) (*Pending, error) {
	return l.submitWith(ctx, on, op, key, nil, false)
}

func (l *Ledger) submitWith(ctx context.Context, on AccountID, op Operation, key Key, attach Attach, lead bool) (*Pending, error) {
	err := l.enter()
	if err != nil {
		return nil, attempted(op, on, err)
	}
	defer l.leave()
	p := &Pending{ledger: l}
	if err = p.request.begin(ctx, l, on, op, key, true); err != nil {
		return nil, attempted(op, on, err)
	}
	if p.request.bits, err = l.ids.draw(); err == nil && !p.request.plain {
		p.request.salt, err = l.ids.salt(op)
	}
	if err != nil {
		return nil, attempted(op, on, err)
	}
	p.request.attach, p.request.mayLead = attach, lead
	if err := l.submit(ctx, p); err != nil {
		return nil, err
	}
	return p, nil
}

// submit decides p's request and sees what it writes queued.
func (l *Ledger) submit(ctx context.Context, p *Pending) error {
	r := &p.request
	if p.attempt == 0 { // what is decided afresh has been admitted
		if err := l.commit.admit(ctx); err != nil {
			return attempted(r.op, r.account, err)
		}
	}
	begun, behind := l.commit.sent.Load(), 0
	for {
		err := l.submitOnce(ctx, p)
		if err == nil {
			return nil
		}
		again, ok := errors.AsType[*redecideError](err)
		if !ok {
			return attempted(r.op, r.account, err)
		}
		if err := l.awaitAfresh(ctx, r.account, again, &behind); err != nil {
			return attempted(r.op, r.account, err)
		}
		if again.refusalHolds(begun) {
			return attempted(r.op, r.account, again.refusal)
		}
	}
}

// submitOnce decides the operation once against the account as it is now, and queues
// what it writes.
func (l *Ledger) submitOnce(ctx context.Context, p *Pending) error {
	s, err := l.acquireToChange(ctx, p.request.account)
	if err != nil {
		return err
	}
	defer l.cache.release(s)
	return l.decideOn(ctx, s, p)
}

// decideOn decides an operation on its account's slot, and queues what it writes.
func (l *Ledger) decideOn(ctx context.Context, s *slot, p *Pending) error {
	r := &p.request
	if p.attempt > 0 && !r.settings.areStored() {
		if err := l.lookAgain(ctx, r); err != nil {
			return err
		}
	}
	if l.mayGuess(s, r) {
		if done, err := l.answered(ctx, s, p); done || err != nil {
			return err
		}
		refusal := l.decideAndQueue(ctx, s, p)
		again, ok := errors.AsType[*redecideError](refusal)
		if refusal == nil || ok && again.flight != nil { // a commit will tell whether it was right
			return refusal
		}
		guessed := s.account.head
		if err := s.load(ctx, l.store, l.cache.locking); err != nil {
			return err
		}
		if s.account.head == guessed {
			return refusal
		}
	} else if err := s.load(ctx, l.store, l.cache.locking); err != nil {
		return err
	}
	known, err := l.known(ctx, s, r)
	if known != nil || err != nil {
		p.result = known
		return err
	}
	return l.decideAndQueue(ctx, s, p)
}

// mayGuess reports whether a request may be decided on the account as it is in memory
// without asking the store first: an OptimisticStore, whose commit will find out.
func (l *Ledger) mayGuess(s *slot, r *request) bool {
	return l.commit.optimistic && !r.mustLookUpKey && s.account != nil && (r.keyIsOurs || r.key.isCallers()) && s.flightOf(r.key) == nil &&
		!l.writesAhead(s.account, r)
}

// writesAhead reports whether what fell due would go out before an operation that may turn
// out to be a repetition or refused for its key: where others write to the account, a guess
// learns that only from the commit of its last piece.
func (l *Ledger) writesAhead(a *account, r *request) bool {
	if l.commit.exclusive || r.keyIsOurs || a.head.NextDue == 0 {
		return false
	}
	now, err := l.now()
	return err != nil || a.head.NextDue <= now
}

// answered looks a key up before a guess, where nobody but this ledger writes: the guess
// is never wrong then, and what was decided after it never has to be decided afresh.
func (l *Ledger) answered(ctx context.Context, s *slot, p *Pending) (bool, error) {
	if !l.commit.exclusive || p.request.keyIsOurs {
		return false, nil
	}
	known, err := l.known(ctx, s, &p.request)
	p.result = known
	return known != nil, err
}

// decideAndQueue decides the operation against the account in memory, and queues what it
// writes. The clock is read here, where nobody else can be told of the account in
// between: what a reader was told as of an instant stays true.
func (l *Ledger) decideAndQueue(ctx context.Context, s *slot, p *Pending) error {
	r := &p.request
	if err := l.fetch(ctx, s, r); err != nil {
		return err
	}
	p.remakeKey()
	d, err := l.begin(s, r)
	if err != nil {
		p.restoreKey()
		return err
	}
	defer d.free()
	s.deciding = true
	err = d.decide()
	s.deciding = false
	if err != nil {
		p.restoreKey()
		p.result, err = l.refused(ctx, s, r, err)
		return err
	}
	if f := s.carries(d.puts); f != nil {
		d.takeBack()
		return &redecideError{flight: f}
	}
	p.result, p.puts = d.result, d.puts
	if r.settings.areStored() {
		p.flight, p.leader = l.commit.queue(s, &d.written, d.pieces, r.mayLead)
	} else {
		l.takeAlong(r.settings, d, func() *flight {
			p.flight, p.leader = l.commit.queue(s, &d.written, d.pieces, r.mayLead)
			return p.flight
		})
	}
	if r.attach == nil { // which nobody but its caller may run
		p.flight.riders = append(p.flight.riders, p)
	}
	return nil
}

// refused ends a decision that was refused. Blocks may have been read for it after its key
// was looked for: when another process wrote the very operation in between, the answer is
// the first result. And nobody is refused because of what is still on its way to the disk:
// if that does not arrive, the decision is made afresh.
func (l *Ledger) refused(ctx context.Context, s *slot, r *request, refusal error) (*Result, error) {
	if known, err := l.known(ctx, s, r); known != nil || err != nil {
		return known, err
	}
	if f := s.latest(); f != nil {
		return nil, &redecideError{flight: f, refusal: refusal}
	}
	return nil, refusal
}

// now reads the ledger's clock.
func (l *Ledger) now() (Instant, error) {
	now := InstantOf(l.clock())
	if !now.Valid() {
		return 0, errors.New("the clock is outside the years 0001 to 9999")
	}
	return now, nil
}

// Preview returns what an operation would write at this moment, without writing
// anything. A known key gives the first result, as Do would.
func (l *Ledger) Preview(ctx context.Context, on AccountID, op Operation, key Key) (*Result, error) {
	err := l.enter()
	if err != nil {
		return nil, attempted(op, on, err)
	}
	defer l.leave()
	var r request
	if err = r.begin(ctx, l, on, op, key, false); err != nil {
		return nil, attempted(op, on, err)
	}
	if r.bits, err = l.ids.draw(); err != nil {
		return nil, attempted(op, on, err)
	}
	var result *Result
	err = l.readDurable(ctx, r.account, func(s *slot, at Instant) error {
		known, err := l.known(ctx, s, &r)
		if known != nil || err != nil {
			result = known
			return err
		}
		if err := l.fetch(ctx, s, &r); err != nil {
			return err
		}
		d := newDecision(l, &r, s.account)
		defer d.free()
		s.deciding = true
		err = d.decide()
		s.deciding = false
		if err != nil {
			result, err = l.refused(ctx, s, &r, err)
			return err
		}
		d.takeBack()
		result = d.result
		return nil
	})
	if err != nil {
		return nil, attempted(r.op, r.account, err)
	}
	return result, nil
}
