package creditledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// DoAll decides operations on several accounts as one act: at one instant, and all are
// written in one commit, or none. Operations are decided in their order; an account may
// stand twice, and its operations are one record. There are at most MaxBatch of them, on
// at most MaxActAccounts accounts, and no Batch among them.
//
// The key belongs to every account of the act: on any of them it repeats the whole. The
// result has one of Results for each operation, and the entries of all.
//
// An act is not for the hot path: it waits for what is in the air on its accounts, and what
// comes to them meanwhile waits until it is decided. The errors are those of Do; an
// ActError says which operation was refused. A store that does not commit as many
// accounts at once refuses the act with a SeveralAccountsError.
// Rule: docs/semantics/acts.md.
func (l *Ledger) DoAll(ctx context.Context, operations []AccountOperation, key Key) (*Result, error) {
	return l.DoAllWith(ctx, operations, DoOptions{Key: key})
}

// DoAllWith is DoAll with options. Documents that are attached are stored in the act's
// commit. It is not decided afresh when one of them is not at its expected version: the
// error is a ConflictError that names it.
func (l *Ledger) DoAllWith(ctx context.Context, operations []AccountOperation, opts DoOptions) (*Result, error) {
	a := &joint{ledger: l, asked: operations, key: opts.Key, attach: opts.Attach}
	res, err := a.do(ctx)
	if err != nil {
		return nil, a.attempted(err)
	}
	return res, nil
}

// Transfer moves free credits from one account to another, in one act: Results has the
// sender's part and the receiver's. The errors are those of DoAll.
func (l *Ledger) Transfer(ctx context.Context, t Transfer, key Key) (*Result, error) {
	t.From, t.To = t.From.normal(), t.To.normal()
	a := &joint{ledger: l, asked: t.parts(), transfer: &t, key: key}
	res, err := a.do(ctx)
	if err != nil {
		return nil, a.attempted(err)
	}
	return res, nil
}

// joint is an act on its way.
type joint struct {
	ledger   *Ledger
	asked    []AccountOperation
	transfer *Transfer // that it is; nil: none
	key      Key
	attach   Attach

	parts   []*part // in the order of their accounts
	order   []place // of the operations
	keeps   *keeper // off the accounts, while it is decided
	at      Instant // of the act
	muchDue bool    // more than goes out in one commit
	told    Key     // under which it was decided last
}

// part is what an act does on one account.
type part struct {
	request  request
	slot     *slot
	locked   bool
	decision *decision
}

// place is where an operation stands: in a part, as which of its operations.
type place struct{ part, operation int }

// on is the part that an operation of the act belongs to.
func (a *joint) on(i int) *part { return a.parts[a.order[i].part] }

// attempted says what was attempted.
func (a *joint) attempted(err error) error {
	refused, ofPart := errors.AsType[*ActError](err)
	if a.transfer == nil {
		if ofPart {
			return err
		}
		if _, said := errors.AsType[*OperationError](err); said || len(a.asked) == 0 {
			return err
		}
		return &OperationError{Op: a.describe(), Account: a.asked[0].Account.normal(), Err: err}
	}
	on := a.transfer.From
	if ofPart {
		on, err = refused.Account, refused.Err
	}
	if _, said := errors.AsType[*OperationError](err); said {
		return err
	}
	return &OperationError{Op: a.describe(), Account: on, Err: err}
}

// refused says which operation of the act was refused; a field that is at fault is named by
// its place.
func (a *joint) refused(i int, err error) error {
	var wrong *InvalidError
	if a.transfer == nil && errors.As(err, &wrong) {
		err = &InvalidError{Field: fmt.Sprintf("operations[%d].%s", i, wrong.Field), Reason: wrong.Reason}
	}
	return &ActError{Index: i, Account: a.asked[i].Account.normal(), Op: a.asked[i].Operation, Err: err}
}

func (a *joint) do(ctx context.Context) (*Result, error) {
	l := a.ledger
	if err := l.enter(); err != nil {
		return nil, err
	}
	defer l.leave()
	if err := a.prepare(ctx); err != nil {
		return nil, err
	}
	if err := l.commit.admit(ctx); err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		res, err := a.once(ctx)
		var conflict *ConflictError
		_, behind := errors.AsType[*redecideError](err)
		switch {
		case !behind && err != errMuchDue && !errors.As(err, &conflict), errors.Is(err, ErrOutcomeUnknown),
			conflict != nil && len(conflict.Documents) > 0 && a.attach != nil:
			return res, err
		case attempt == maxAttempts:
			if conflict == nil {
				conflict = &ConflictError{Accounts: []AccountID{a.parts[0].request.account}}
			}
			return nil, conflict
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err == errMuchDue:
			err = a.sweep(ctx)
		case conflict != nil:
			if err = a.lookAgain(ctx); err == nil {
				err = a.drawIDs()
			}
		default:
			err = nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// prepare checks the act and makes a request of each account's operations.
func (a *joint) prepare(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := a.check(); err != nil {
		return err
	}
	accounts := make([]AccountID, len(a.asked))
	for i := range a.asked {
		accounts[i] = a.asked[i].Account.normal()
	}
	slices.SortFunc(accounts, AccountID.Compare)
	accounts = slices.Compact(accounts)
	if n := len(accounts); n > MaxActAccounts {
		return invalid("operations", "name %d accounts, more than %d", n, MaxActAccounts)
	}
	lists := make([]Batch, len(accounts))
	for _, op := range a.asked {
		i, _ := slices.BinarySearchFunc(accounts, op.Account.normal(), AccountID.Compare)
		a.order = append(a.order, place{i, len(lists[i])})
		lists[i] = append(lists[i], op.Operation)
	}
	for i, list := range lists {
		var op Operation = list
		if len(list) == 1 {
			op = list[0]
		}
		p := &part{request: request{account: accounts[i], key: a.key}}
		a.parts = append(a.parts, p)
		if err := a.ledger.resolve(ctx, &p.request, op, false); err != nil {
			return err
		}
		var err error
		if p.request.salt, err = a.ledger.ids.salt(op); err != nil {
			return err
		}
	}
	return a.drawIDs()
}

// check refuses what the act alone shows to be wrong.
func (a *joint) check() error {
	if err := checkOptionalID("idempotency_key", string(a.key)); err != nil {
		return err
	}
	if a.transfer != nil {
		return firstError(checkAccount(a.transfer.From), a.transfer.check())
	}
	switch n := len(a.asked); {
	case n == 0:
		return invalid("operations", "is empty")
	case n > MaxBatch:
		return invalid("operations", "has %d operations, more than %d", n, MaxBatch)
	}
	size := 0
	for i, op := range a.asked {
		if _, batch := op.Operation.(Batch); batch {
			return invalid("operations", "operation %d is a batch inside an act", i+1)
		}
		if err := firstError(checkAccount(op.Account.normal()), checkOperation(op.Operation)); err != nil {
			return a.refused(i, err)
		}
		size += operationSize(op.Operation)
	}
	if size > MaxBatchSize {
		return invalid("operations", "take up %d bytes, more than %d: split the act", size, MaxBatchSize)
	}
	return nil
}

// drawIDs draws what the ids of each part are made of.
func (a *joint) drawIDs() (err error) {
	for _, p := range a.parts {
		if p.request.bits, err = a.ledger.ids.draw(); err != nil {
			return err
		}
	}
	return nil
}

// once decides the act once, and waits until it is durable.
func (a *joint) once(ctx context.Context) (*Result, error) {
	res, flights, err := a.decided(ctx)
	if err != nil || len(flights) == 0 {
		return res, err
	}
	for _, f := range flights { // which share one commit
		if err := a.ledger.commit.await(ctx, f); err != nil {
			return nil, &OutcomeUnknownError{Key: a.told, Err: err}
		}
		if f.err != nil {
			return nil, keyed(f.err, a.told)
		}
	}
	return res, nil
}

// decided locks the accounts, decides the act and queues what it writes; no flights if its
// key was known. Whatever happens, the accounts are let go.
func (a *joint) decided(ctx context.Context) (*Result, []*flight, error) {
	defer a.letGo()
	if err := a.lock(ctx); err != nil {
		return nil, nil, err
	}
	l := a.ledger
	for _, p := range a.parts {
		if err := p.slot.load(ctx, l.store, nil); err != nil {
			return nil, nil, err
		}
	}
	if known, err := a.known(ctx); known != nil || err != nil {
		return known, nil, err
	}
	if most := l.commit.accounts; len(a.parts) > most {
		return nil, nil, &SeveralAccountsError{Accounts: len(a.parts), Most: most}
	}
	for _, p := range a.parts {
		if err := l.fetch(ctx, p.slot, &p.request); err != nil {
			return nil, nil, err
		}
	}
	if err := a.advance(); err != nil {
		return nil, nil, err
	}
	res, err := a.decide()
	if err == nil {
		return res, a.queue(), nil
	}
	// Blocks may have been read after the key was looked for, as for any operation (refused).
	if known, again := a.known(ctx); known != nil || again != nil {
		return known, nil, again
	}
	return nil, nil, err
}

// lookAgain is Ledger.lookAgain for the parts, if the act went by settings that were not
// stored yet.
func (a *joint) lookAgain(ctx context.Context) error {
	for _, p := range a.parts {
		if p.request.settings.areStored() {
			continue
		}
		if err := a.ledger.lookAgain(ctx, &p.request); err != nil {
			return err
		}
	}
	return nil
}

// queue queues what the parts write for one commit.
func (a *joint) queue() (flights []*flight) {
	slots := make([]*slot, len(a.parts))
	list := make([]*written, len(a.parts))
	for i, p := range a.parts {
		slots[i], list[i] = p.slot, &p.decision.written
	}
	first := a.parts[0]
	a.ledger.takeAlong(first.request.settings, first.decision, func() *flight {
		flights = a.ledger.commit.queueAct(slots, list)
		return flights[0]
	})
	return flights
}
