package creditledger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// request is an operation as the ledger took it: checked, copied, with its defaults
// and dates resolved.
type request struct {
	account AccountID
	op      Operation
	key     Key  // the caller's, or empty
	made    bool // the key was made for this very request, which is decided afresh
	attach  Attach
	lead    bool // the caller may commit by itself
	wary    bool // somebody else uses the key, so it has to be looked up
	// forbidden is why the customer may not use this currency; it is looked at with
	// the rest, after what is missing or in use.
	forbidden error
	// undated is why the dates in the operation could not be resolved. What was done
	// before, under the key, does not depend on it.
	undated error
	// What was drawn for the ids of a decision, and how much of it is used.
	drawn []randomBits
	used  int
	room  [2]randomBits
}

// normal fills in the default currency.
func (id AccountID) normal() AccountID {
	if id.Currency == "" {
		id.Currency = DefaultCurrency
	}
	return id
}

func checkAccount(id AccountID) error {
	return firstError(checkID("customer_id", id.Customer), checkID("currency", id.Currency))
}

func (l *Ledger) newRequest(ctx context.Context, on AccountID, op Operation, key Key) (request, error) {
	if err := ctx.Err(); err != nil {
		return request{}, err
	}
	r := request{account: on.normal(), key: key}
	err := firstError(
		checkAccount(r.account),
		checkOptionalID("idempotency_key", string(key)),
		checkOperation(op),
		checkSize(op),
	)
	if err != nil {
		return request{}, err
	}
	var zone *time.Location
	if dates := hasDates(op); dates || isISOCurrency(r.account.Currency) {
		customer, err := l.customerOrDefault(ctx, r.account.Customer)
		if err != nil {
			return request{}, err
		}
		if dates {
			zone, r.undated = customer.location()
		}
		r.forbidden = customer.forbids(r.account.Currency)
	}
	r.op = normalise(op, l.repay, zone)
	return r, nil
}

// attempted says what was attempted.
func attempted(op Operation, on AccountID, err error) error {
	var already *OperationError
	if errors.As(err, &already) {
		return err
	}
	return &OperationError{Op: describe(op), Account: on.normal(), Err: err}
}

// describe is an operation in a few words for a message.
func describe(op Operation) string {
	switch op := op.(type) {
	case nil:
		return "operation"
	case Increment:
		return op.Name() + " " + op.Amount.String()
	case Decrement:
		return op.Name() + " " + op.Amount.String()
	case ExpirationChange:
		switch {
		case op.BlockID == "" && op.ExpiresAt.IsZero():
			return op.Name()
		case op.BlockID == "":
			return op.Name() + " of the block that expires " + op.ExpiresAt.String()
		}
		return op.Name() + " of block " + quote(op.BlockID)
	case Void:
		return op.Name() + " " + op.Amount.String() + " of block " + quote(op.BlockID)
	case Amendment:
		return op.Name() + " " + op.Amount.String() + " of block " + quote(op.BlockID)
	case Activation:
		return op.Name() + " block " + quote(op.BlockID)
	case Batch:
		if len(op) == 1 {
			return op.Name() + " of one operation"
		}
		return fmt.Sprintf("%s of %d operations", op.Name(), len(op))
	}
	return "operation"
}

// unknown is the error of a wait that was given up: the commit goes on.
func unknown(r *request, result *Result, err error) error {
	return &OutcomeUnknownError{Key: result.Key, Err: err}
}

// keyed puts the key of an operation into an error that asks to retry with it.
func keyed(err error, key Key) error {
	var u *OutcomeUnknownError
	if errors.As(err, &u) {
		return &OutcomeUnknownError{Key: key, Err: u.Err}
	}
	return err
}

// againError asks to decide a request afresh once a flight has landed; or, if it was
// refused, only if the flight did not arrive. Or once what was submitted before it, and
// thrown away, has been decided.
type againError struct {
	flight  *flight
	refusal error
	first   *Pending
}

func (e *againError) Error() string {
	return "the key, a record or what an operation was decided on is being written"
}

func (e *againError) wait(ctx context.Context, c *committer) error {
	if e.first != nil {
		return e.first.redo(ctx)
	}
	return c.await(ctx, e.flight)
}

// known returns the first result of a key that was used before for the same
// operation; nil when the key is new. An operation with that key still in flight is
// waited for.
func (l *Ledger) known(ctx context.Context, s *slot, r *request) (*Result, error) {
	if r.key == "" {
		return nil, nil
	}
	if f := s.flightOf(r.key); f != nil {
		r.wary = true
		return nil, &againError{flight: f}
	}
	rec, err := l.recordOf(ctx, s, r)
	if rec == nil || err != nil {
		return nil, err
	}
	l.ids.giveBack(r.drawn)
	r.drawn = nil
	if field := difference(rec.Op, r.op); field != "" {
		return nil, &IdempotencyMismatchError{Key: r.key, Field: field}
	}
	return l.resultOf(ctx, rec)
}

// recordOf finds the record that a request's key stands for, nil when there is none.
func (l *Ledger) recordOf(ctx context.Context, s *slot, r *request) (*OpRecord, error) {
	seq, err := l.store.KeySeq(ctx, s.id, r.key)
	if err != nil {
		return nil, err
	}
	if seq != 0 {
		return l.record(ctx, s.id, seq)
	}
	seq, id, ok := r.key.generated()
	if !ok || r.made {
		return nil, nil
	}
	if f := s.flightMade(seq, id); f != nil {
		return nil, &againError{flight: f}
	}
	if seq > s.account.head.Version {
		return nil, nil
	}
	rec, err := l.record(ctx, s.id, seq)
	if err != nil || rec.ID != id || rec.Key != "" {
		return nil, err
	}
	return rec, nil
}

// record reads one journal record.
func (l *Ledger) record(ctx context.Context, account AccountID, seq uint64) (*OpRecord, error) {
	records, err := l.store.Journal(ctx, account, seq, 1, false)
	if err != nil {
		return nil, err
	}
	if len(records) == 0 || records[0].Seq != seq {
		return nil, &CorruptError{Where: fmt.Sprintf("journal of %s", account), Reason: fmt.Sprintf("record %d is missing", seq)}
	}
	return decodeStored(account, &records[0])
}

// decodeStored decodes a record and holds it to the place it was found at.
func decodeStored(account AccountID, stored *JournalRecord) (*OpRecord, error) {
	rec := new(OpRecord)
	return rec, rec.decodeStored(account, stored)
}

func (rec *OpRecord) decodeStored(account AccountID, stored *JournalRecord) error {
	err := rec.decode(account, stored.Bytes)
	if err == nil && (rec.Account != account || rec.Seq != stored.Seq) {
		err = &CorruptError{Where: "journal record", Reason: fmt.Sprintf("says it is record %d of %s", rec.Seq, rec.Account)}
	}
	if err != nil {
		return fmt.Errorf("record %d of %s: %w", stored.Seq, account, err)
	}
	return nil
}

// idSource makes UUIDv7s from the instant of an operation and buffered randomness.
type idSource struct {
	mu     sync.Mutex
	random io.Reader
	buf    [640]byte
	left   []byte
	unused []randomBits // given back
}

// randomBits are the random part of an id.
type randomBits [10]byte

func (s *idSource) draw() (bits randomBits, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.unused); n > 0 {
		bits, s.unused = s.unused[n-1], s.unused[:n-1]
		return bits, nil
	}
	if len(s.left) < len(bits) {
		if _, err := io.ReadFull(s.random, s.buf[:]); err != nil {
			return bits, fmt.Errorf("making an id: %w", err)
		}
		s.left = s.buf[:]
	}
	copy(bits[:], s.left)
	s.left = s.left[len(bits):]
	return bits, nil
}

// giveBack takes what was drawn for an operation that turned out to be written
// already, so that the ids to come do not depend on how that was found out.
func (s *idSource) giveBack(drawn []randomBits) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, bits := range slices.Backward(drawn) {
		s.unused = append(s.unused, bits)
	}
}

// nextID makes an id, of what was drawn for the request and is not used.
func (r *request) nextID(ids *idSource, at Instant) (uuid.UUID, error) {
	if r.used == len(r.drawn) {
		bits, err := ids.draw()
		if err != nil {
			return uuid.UUID{}, err
		}
		if r.drawn == nil {
			r.drawn = r.room[:0]
		}
		r.drawn = append(r.drawn, bits)
	}
	r.used++
	return newUUID(at, r.drawn[r.used-1]), nil
}
