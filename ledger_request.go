package creditledger

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
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
	// foreign is why the customer may not use this currency, deleted why nothing is
	// taken from the customer any more (customerFirst).
	foreign, deleted error
	// undated is why the dates in the operation could not be resolved. What was done
	// before, under the key, does not depend on it.
	undated error
	bits    randomBits // drawn once; all ids of the request come from them
	ids     uint32     // how many a decision made so far
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
		r.foreign = customer.forbids(r.account.Currency)
	}
	r.op = normalise(op, l.repay, zone)
	return r, nil
}

// customerFirst puts what the customer forbids before every refusal of an operation but
// what is missing, in use or wrong in itself. A deleted customer's blocks may still be
// activated: a payment that was under way lands.
// Rule: docs/semantics.md, "Operations" and "Customers".
func (r *request) customerFirst(op Operation, err error) error {
	forbidden := r.foreign
	if _, activates := op.(Activation); forbidden == nil && !activates {
		forbidden = r.deleted
	}
	if forbidden == nil || errors.Is(err, ErrNotFound) || errors.Is(err, ErrDuplicate) || errors.Is(err, ErrInvalid) {
		return err
	}
	return forbidden
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

// keyed puts the key of an operation into an error that asks to retry with it.
func keyed(err error, key Key) error {
	var u *OutcomeUnknownError
	if errors.As(err, &u) {
		return &OutcomeUnknownError{Key: key, Err: u.Err}
	}
	return err
}

// againError asks to decide a request afresh once a flight has landed; or, if it was
// refused, only if the flight did not arrive.
type againError struct {
	flight  *flight
	refusal error
}

func (e *againError) Error() string {
	return "the key, a record or what an operation was decided on is being written"
}

// stands reports whether a refusal holds, now that the flight it was waiting for has
// landed. A flight that was in the air before the call began, at begun, may have been
// committed before that, and another process may have written since.
func (e *againError) stands(begun uint64) bool {
	return e != nil && e.refusal != nil && e.flight.err == nil && e.flight.sent > begun
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
	if _, due := rec.Op.(expire); due { // nobody asked for it, under no key
		return nil, nil
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

// idSource draws the randomness of ids, a buffer at a time.
type idSource struct {
	mu     sync.Mutex
	random io.Reader
	buf    [640]byte
	left   []byte
}

// randomBits are the random part of an id.
type randomBits [10]byte

// draw returns the bits for the ids of one request. Every request draws once, before it
// is decided and whatever becomes of it: so the ids that follow depend on neither replays
// and refusals nor on when they were found out.
func (s *idSource) draw() (bits randomBits, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
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

// nextID makes the next id of a request: the first of the bits as they were drawn, the
// others of their hash with a number.
func (r *request) nextID(at Instant) uuid.UUID {
	bits := r.bits
	if r.ids > 0 {
		sum := sha256.Sum256(binary.BigEndian.AppendUint32(bits[:len(bits):len(bits)], r.ids))
		copy(bits[:], sum[:])
	}
	r.ids++
	return newUUID(at, bits)
}
