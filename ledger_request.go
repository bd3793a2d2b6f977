package creditledger

import (
	"context"
	"errors"
	"time"
)

// request is an operation in the form that the ledger works on: checked, copied, with its
// defaults and dates resolved.
type request struct {
	account  AccountID
	op       Operation
	settings *knownSettings // the settings that it goes by
	key      Key            // the caller's, or empty
	attach   Attach
	rare     *requestRare // nil: the request has nothing of it

	// customers is the generation of the ledger's customers, plus one, in which the
	// customer was read for this request; 0: not read, or refuseDeleted has looked.
	customers uint64
	salt      Salt       // drawn once, if the operation has texts; the salts of all texts come from it
	bits      randomBits // drawn once; all ids of the request come from them
	ids       uint32     // how many ids the decision made so far

	plain           bool // the operation is plain (isPlainDecrement), so what a plain one does not need is left out
	keyIsOurs       bool // the ledger made the key when it decided this request before
	mayLead         bool // the caller may commit in its own goroutine
	mustLookUpKey   bool // the key was in conflict
	customerDeleted bool // whether the customer was deleted when it was read
}

// requestRare is what few requests have. It stands behind a pointer, because every
// operation makes a request.
type requestRare struct {
	charges []*charge // the charge that each operation takes back; nil: no operation takes one back
	// foreign is why the customer may not use this currency. deleted is why the ledger
	// takes no operations for the customer any more (customerFirst).
	foreign, deleted error
	// undated is why the dates in the operation could not be resolved. It does not matter
	// if the operation is a replay.
	undated error
}

// own returns what few requests have, to be filled in.
func (r *request) own() *requestRare {
	if r.rare == nil {
		r.rare = new(requestRare)
	}
	return r.rare
}

func (r *request) accountKey() AccountKey { return AccountKey{Account: r.account, Key: r.key} }

// charge returns the charge that the i-th operation takes back; nil if it takes none
// back.
func (r *request) charge(i int) *charge {
	if r.rare == nil || r.rare.charges == nil {
		return nil
	}
	return r.rare.charges[i]
}

// undated returns why the dates in the operation could not be resolved.
func (r *request) undated() error {
	if r.rare == nil {
		return nil
	}
	return r.rare.undated
}

// begin makes r the request of an operation. With prepare, a PreparingStore may read at
// once what the ledger asks next.
func (r *request) begin(ctx context.Context, l *Ledger, on AccountID, op Operation, key Key, prepare bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.account, r.key = on.normal(), key
	err := firstError(
		checkAccount(r.account),
		checkOptionalID("idempotency_key", string(key)),
		checkOperation(op),
		checkSize(op),
	)
	if err != nil {
		return err
	}
	return l.resolve(ctx, r, op, prepare)
}

// resolve gives a request a copy of its checked operation, with defaults and dates filled
// in.
func (l *Ledger) resolve(ctx context.Context, r *request, op Operation, prepare bool) error {
	var zone *time.Location
	var customer Customer
	var err error
	dates := hasDates(op)
	asks := dates || IsISOCurrency(r.account.Currency)
	if prepare && l.preparing != nil {
		asks = true
		customer, err = l.prepare(ctx, r)
	} else if r.settings, err = l.freshSettings(ctx); err == nil && asks {
		customer, err = l.customerOrDefault(ctx, r.account.Customer)
	}
	if err != nil {
		return err
	}
	if dates {
		var undated error
		if zone, undated = customer.location(); undated != nil {
			r.own().undated = undated
		}
	}
	if asks {
		if foreign := customer.forbids(r.account.Currency); foreign != nil {
			r.own().foreign = foreign
		}
	}
	r.op = shortened(normalise(op, &r.settings.Settings, zone), r.settings.MaxHold)
	r.plain = isPlainDecrement(op)
	return nil
}

// prepare reads the customer of a request's account, and the settings if they are too
// old. A PreparingStore reads on the same trip what the ledger asks next.
func (l *Ledger) prepare(ctx context.Context, r *request) (Customer, error) {
	id := r.account.Customer
	k, fresh := l.settings.atHand()
	asked := []DocumentID{{Kind: customerKind, Key: id}, settingsHeadID, settingsID}
	if fresh {
		asked = asked[:1]
	}
	generation := l.customers.Load() + 1
	docs, err := l.preparing.Prepare(ctx, r.account, r.key, asked...)
	if err == nil && len(docs) != len(asked) {
		err = &CorruptError{Where: "documents", Reason: "their number is another than was asked for"}
	}
	if r.settings = k; !fresh && err == nil {
		r.settings, err = l.settings.heard(k, docs[1], docs[2])
	}
	if err != nil {
		k.asOld(err)
		return Customer{}, err
	}
	customer := Customer{ID: id, Timezone: defaultZone}
	if docs[0].Version > 0 {
		if customer, err = decodeCustomer(docs[0].Value); err != nil {
			return Customer{}, err
		}
	}
	r.customers, r.customerDeleted = generation, customer.DeletedAt != 0
	return customer, nil
}

// customerFirst replaces the refusal of an operation by what the customer forbids. A
// refusal because something is missing, in use or invalid stays. Rule: docs/semantics.md,
// "Operations" and "Customers".
func (r *request) customerFirst(op Operation, err error) error {
	if r.rare == nil {
		return err
	}
	forbidden := r.rare.foreign
	if forbidden == nil && !servesDeleted(op) {
		forbidden = r.rare.deleted
	}
	if forbidden == nil || errors.Is(err, ErrNotFound) || errors.Is(err, ErrDuplicate) || errors.Is(err, ErrInvalid) {
		return err
	}
	return forbidden
}

// servesDeleted reports whether an operation is allowed for a deleted customer: what was
// under way may come to its end, so blocks may be activated, holds captured and released,
// and schedules ended.
func servesDeleted(op Operation) bool {
	switch op.(type) {
	case Activation, Capture, Release, EndSchedule:
		return true
	}
	return false
}

// attempted says what was attempted.
func attempted(op Operation, on AccountID, err error) error {
	var already *OperationError
	if errors.As(err, &already) {
		return err
	}
	return &OperationError{Op: describe(op), Account: on.normal(), Err: err}
}
