package invoice

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"creditledger"
)

// maxAttempts bounds how often a call is decided afresh because another process
// changed what it was decided from.
const maxAttempts = 256

// errAgain asks to decide a call afresh, because the ledger did something else than
// planned.
var errAgain = errors.New("the account changed meanwhile")

// call is one mutating call.
type call struct {
	op       string
	customer string
	invoice  string
	key      creditledger.Key
	request  any // the parameters: what makes two calls the same
}

// tx is one attempt at a call: what it read, what it is going to write, and the
// ledger operation that goes with it.
type tx struct {
	ctx  context.Context
	s    *Service
	call *call
	now  creditledger.Instant

	held  map[creditledger.DocumentID]*held
	order []creditledger.DocumentID

	customer *creditledger.Customer
	zone     *time.Location
	about    string // what the call says of money that it moves, where nothing else does

	parts []part
	ended int // those of purchases that ended by time
}

// held is a record as the call sees it. It is written if it is dirty.
type held struct {
	stored creditledger.Document // has no version if there is none
	value  any                   // nil: there is none
	dirty  bool
}

// replayer is an answer that can say that it is a replay.
type replayer interface{ replay() }

// writer is an answer that says what was written.
type writer interface {
	wrote(*creditledger.Result)
}

// write carries a call out, at most once for each key. It tries again if others change
// what the call was decided from.
func write[R any](ctx context.Context, s *Service, c *call, decide func(*tx) (*R, error)) (*R, error) {
	carryOut := attemptAll[R]
	if s.preview {
		carryOut = previewOf[R]
	}
	res, err := carryOut(ctx, s, c, decide)
	if err != nil {
		var already *Error
		if errors.As(err, &already) {
			return nil, err
		}
		return nil, &Error{Op: c.op, Customer: c.customer, Invoice: c.invoice, Err: err}
	}
	return res, nil
}

func attemptAll[R any](ctx context.Context, s *Service, c *call, decide func(*tx) (*R, error)) (*R, error) {
	if err := firstError(checkID("idempotency_key", string(c.key)), checkID("customer_id", c.customer)); err != nil {
		return nil, err
	}
	request, err := json.Marshal(c.request)
	if err != nil {
		return nil, refusal(err)
	}
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	return attempts(ctx, s, c, request, decide)
}

// lock waits until this call may write, and returns what lets the next one.
func (s *Service) lock(ctx context.Context) (unlock func(), err error) {
	select {
	case s.writer <- struct{}{}:
		return func() { <-s.writer }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// attempts decides a call until it is written, or refused.
func attempts[R any](ctx context.Context, s *Service, c *call, request json.RawMessage, decide func(*tx) (*R, error)) (*R, error) {
	leave := map[string]bool{}
	for attempt := 1; ; attempt++ {
		known, err := replay[R](ctx, s, c, request)
		if known != nil || err != nil {
			return known, err
		}
		t, err := s.begin(ctx, c)
		if err != nil {
			return nil, err
		}
		if c.op != opEnd {
			if n, err := s.carryEnds(ctx, t, leave); err != nil {
				return nil, err
			} else if n > 0 {
				continue
			}
		}
		res, err := decide(t)
		if err != nil {
			return nil, err
		}
		err = t.commit(request, res)
		if err == nil {
			return res, nil
		}
		if attempt == maxAttempts || !(movedMeanwhile(err) || t.outdated(err)) {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
}

// movedMeanwhile reports whether a commit failed because something moved: a record, or what
// was left of a charge that is taken back. When an account moved, the ledger has decided
// afresh often enough.
func movedMeanwhile(err error) bool {
	var c *creditledger.ConflictError
	var r *creditledger.ReversalError
	return errors.Is(err, errAgain) || errors.As(err, &r) || (errors.As(err, &c) && len(c.Documents) > 0)
}

// outdated reports whether the ledger refused a call only because of another call that
// this one did not see, such as a second notice of one payment. It waits until what the
// ledger saw is stored, and looks for a record that has changed since this call read it.
func (t *tx) outdated(refused error) bool {
	if len(t.parts) == 0 || !errors.Is(refused, creditledger.ErrConstraint) {
		return false
	}
	if _, err := t.at(t.parts[0].on); err != nil {
		return false
	}
	for id, h := range t.held {
		rec, err := t.s.ledger.Document(t.ctx, id)
		if (err == nil || isNotFound(err)) && (rec.Version != h.stored.Version || rec.Seal() != h.stored.Seal()) {
			return true
		}
	}
	return false
}

// replay returns the first answer of a key that was used before for the same request.
func replay[R any](ctx context.Context, s *Service, c *call, request json.RawMessage) (*R, error) {
	was, err := fetch[answered](ctx, s, kindKey, c.customer+separator+string(c.key), "idempotency key")
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if was.Erased {
		if request, _, err = untold(request); err != nil {
			return nil, err
		}
	}
	field := differs(was.Request, request)
	if was.Op != c.op {
		field = "op"
	}
	if field != "" {
		return nil, &creditledger.IdempotencyMismatchError{Key: c.key, Field: field}
	}
	res := new(R)
	if err := json.Unmarshal(was.Answer, res); err != nil {
		return nil, &creditledger.CorruptError{Where: "answer of an idempotency key", Reason: err.Error()}
	}
	if r, ok := any(res).(replayer); ok {
		r.replay()
	}
	return res, nil
}

func (s *Service) begin(ctx context.Context, c *call) (*tx, error) {
	now, err := s.ledger.Now()
	if err != nil {
		return nil, err
	}
	t := &tx{ctx: ctx, s: s, call: c, now: now, held: map[creditledger.DocumentID]*held{}}
	t.customer, t.zone, err = s.customer(ctx, c.customer)
	return t, err
}

// customer returns a customer, who need not be recorded, and its time zone.
func (s *Service) customer(ctx context.Context, id string) (*creditledger.Customer, *time.Location, error) {
	c, err := s.ledger.Customer(ctx, id)
	if isNotFound(err) {
		return &creditledger.Customer{ID: id, Timezone: "UTC"}, time.UTC, nil
	}
	if err != nil {
		return nil, nil, err
	}
	zone, err := time.LoadLocation(c.Timezone)
	return &c, zone, err
}

// alive refuses what a deleted customer cannot do any more: sales, bills and drafts. Money and
// corrections of what was sold come to their end.
func (t *tx) alive() error {
	if t.customer.DeletedAt != 0 {
		return constraint("customer %q was deleted %s and is sold nothing any more", clip(t.customer.ID), t.customer.DeletedAt)
	}
	return nil
}

// at is the present instant of an account, which is never before its last operation,
// whatever the clock says.
func (t *tx) at(on Account) (creditledger.Instant, error) {
	b, err := t.s.ledger.Balance(t.ctx, on.id(), creditledger.BalanceQuery{})
	return b.AsOf, err
}

// read returns a record as this call sees it, nil when there is none. It returns the same
// pointer every time. What is changed through it, and marked, is written.
func read[T any](t *tx, kind, key string) (*T, error) {
	id := creditledger.DocumentID{Kind: kind, Key: key}
	if h := t.held[id]; h != nil {
		v, _ := h.value.(*T)
		return v, nil
	}
	h := &held{}
	t.held[id] = h
	rec, err := t.s.ledger.Document(t.ctx, id)
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	v := new(T)
	if err := decode(&rec, v); err != nil {
		return nil, err
	}
	h.stored, h.value = rec, v
	return v, nil
}

// put marks a record to be written with this value. A record that was not read
// before must not exist.
func (t *tx) put(kind, key string, value any) {
	id := creditledger.DocumentID{Kind: kind, Key: key}
	h := t.held[id]
	if h == nil {
		h = &held{}
		t.held[id] = h
	}
	h.value = value
	if !h.dirty {
		h.dirty = true
		t.order = append(t.order, id)
	}
}

// commit writes everything or nothing.
func (t *tx) commit(request json.RawMessage, res any) error {
	if err := t.readTallies(); err != nil {
		return err
	}
	if len(t.parts) == 0 {
		puts, err := t.puts(request, res)
		if err != nil {
			return err
		}
		err = t.s.ledger.PutDocuments(t.ctx, puts)
		var unknown *creditledger.OutcomeUnknownError
		if errors.As(err, &unknown) {
			return &creditledger.OutcomeUnknownError{Key: t.call.key, Err: unknown.Err}
		}
		return err
	}
	attach := func(r *creditledger.Result) ([]creditledger.DocumentPut, error) {
		if err := t.decided(r); err != nil {
			return nil, err
		}
		return t.puts(request, res)
	}
	done, err := t.do(creditledger.DoOptions{Key: t.call.key, Attach: attach})
	if err != nil {
		return err
	}
	if !done.Replayed {
		if w, ok := res.(writer); ok {
			w.wrote(done)
		}
		return nil
	}
	// The ledger knew the key. Either another process has done this call meanwhile, or
	// the key belongs to an operation that was given to the ledger directly.
	if known, err := fetch[answered](t.ctx, t.s, kindKey, t.call.customer+separator+string(t.call.key), "idempotency key"); known != nil || !isNotFound(err) {
		return errAgain
	}
	return &creditledger.IdempotencyMismatchError{Key: t.call.key, Field: "op"}
}

func isNotFound(err error) bool { return errors.Is(err, creditledger.ErrNotFound) }
