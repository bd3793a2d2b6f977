package creditledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// awaitAfresh returns when a request may be decided afresh. behind counts how often the
// account in memory was behind the store with nothing on its way, because another process
// keeps writing.
func (l *Ledger) awaitAfresh(ctx context.Context, on AccountID, again *redecideError, behind *int) error {
	if again.flight != nil {
		return l.commit.await(ctx, again.flight)
	}
	if *behind++; *behind >= maxAttempts {
		return &ConflictError{Accounts: []AccountID{on}}
	}
	return ctx.Err()
}

// known returns the first result of a key that was used before for the same operation;
// nil if the key is new. It waits for an operation with that key that is still in flight.
func (l *Ledger) known(ctx context.Context, s *slot, r *request) (*Result, error) {
	if r.key == "" {
		return nil, nil
	}
	if f := s.flightOf(r.key); f != nil {
		r.mustLookUpKey = true
		return nil, &redecideError{flight: f}
	}
	rec, err := l.recordOf(ctx, s, r)
	if rec == nil || err != nil {
		return nil, err
	}
	field := "op" // the key is that of an act, and this is none
	if rec.act == nil {
		field = difference(rec.Op, rec.unsaid(r.op))
	}
	if field != "" {
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
	if !ok || r.keyIsOurs {
		return nil, nil
	}
	if f := s.flightMade(seq, id); f != nil {
		return nil, &redecideError{flight: f}
	}
	if seq > s.account.head.Version {
		return nil, nil
	}
	return l.recordMade(ctx, s.id, seq, id)
}

// recordMade finds the record of a key that the ledger made; nil if there is none. seq is
// the record's number by the key, and at most that of the account's last record.
func (l *Ledger) recordMade(ctx context.Context, on AccountID, seq uint64, id uuid.UUID) (*OpRecord, error) {
	rec, err := l.record(ctx, on, seq)
	if err != nil || rec.ID != id || rec.Key != "" {
		return nil, err
	}
	switch rec.Op.(type) {
	case expire, fallenDue: // nobody asked for these under a key
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

// keyed puts the key of an operation into an error that tells its caller to retry with
// that key.
func keyed(err error, key Key) error {
	var u *OutcomeUnknownError
	if errors.As(err, &u) {
		return &OutcomeUnknownError{Key: key, Err: u.Err}
	}
	return err
}
