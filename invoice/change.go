package invoice

import (
	"cmp"
	"context"
	"fmt"

	"creditledger"
)

// ChangeStatus is where a pending change stands.
type ChangeStatus string

// The statuses of a change: pending → applied or cancelled. At its expiration time a
// pending change is cancelled, whether or not anything ran.
const (
	ChangePending   ChangeStatus = "pending"
	ChangeApplied   ChangeStatus = "applied"
	ChangeCancelled ChangeStatus = "cancelled"
)

// Proposal is what is to happen to an account, later and all at once. Invoices are
// voided first, then come the operations, the purchases and the credit notes.
type Proposal struct {
	Account      creditledger.AccountID
	ExpiresAt    creditledger.When // required, after now
	VoidInvoices []string
	Operations   []creditledger.Operation // no batches
	Purchases    []Purchase               // on the same account
	CreditNotes  []NoteInput
	VoidNotes    []NoteRef
	Description  string
	ID           string // of the change; one is made when it is empty
}

// Change is a proposal on record.
type Change struct {
	ID          string               `json:"id"`
	Account     Account              `json:"account"`
	Status      ChangeStatus         `json:"status"`
	CreatedAt   creditledger.Instant `json:"created_at"`
	ExpiresAt   creditledger.Instant `json:"expires_at"`
	AppliedAt   creditledger.Instant `json:"applied_at,omitzero"`
	CancelledAt creditledger.Instant `json:"cancelled_at,omitzero"`
	Description string               `json:"description,omitempty"`
	Steps       steps                `json:"steps"`
	Effects     *Effects             `json:"effects,omitempty"` // once applied
}

// steps are the stored form of what a change does.
type steps struct {
	VoidInvoices []string      `json:"void_invoices,omitempty"`
	Operations   []operation   `json:"operations,omitempty"`
	Purchases    []purchaseKey `json:"purchases,omitempty"`
	CreditNotes  []NoteInput   `json:"credit_notes,omitempty"`
	VoidNotes    []NoteRef     `json:"void_credit_notes,omitempty"`
}

// Effects are what a change creates and voids, or would. In a preview the ids of
// blocks and entries that the ledger makes are not those that applying will make.
type Effects struct {
	Entries         []creditledger.Entry `json:"entries,omitempty"`
	Blocks          []string             `json:"blocks,omitempty"` // made
	InvoicesCreated []*Invoice           `json:"invoices_created,omitempty"`
	InvoicesVoided  []*Invoice           `json:"invoices_voided,omitempty"`
	NotesCreated    []CreditNote         `json:"credit_notes_created,omitempty"`
	NotesVoided     []NoteRef            `json:"credit_notes_voided,omitempty"`
}

// ChangeAnswer is what a call on a pending change did.
type ChangeAnswer struct {
	Change   *Change `json:"change"`
	Replayed bool    `json:"-"`
}

func (a *ChangeAnswer) replay() { a.Replayed = true }

// current is the change of an account that is or was pending last.
type current struct {
	ID string `json:"id"`
}

const maxSteps = 200

func (p *Proposal) steps() (steps, error) {
	s := steps{VoidInvoices: p.VoidInvoices, CreditNotes: p.CreditNotes, VoidNotes: p.VoidNotes}
	n := len(p.VoidInvoices) + len(p.Operations) + len(p.Purchases) + len(p.CreditNotes) + len(p.VoidNotes)
	if n == 0 || n > maxSteps {
		return s, invalid("operations", "the change has %d steps, not 1 to %d", n, maxSteps)
	}
	for _, op := range p.Operations {
		if err := canBePending(op); err != nil {
			return s, err
		}
		s.Operations = append(s.Operations, operation{op: op})
	}
	for i := range p.Purchases {
		sold := &p.Purchases[i]
		if accountOf(sold.Account) != accountOf(p.Account) {
			return s, invalid("purchases", "purchase %d is on account %s, the change on %s", i+1, sold.Account, p.Account)
		}
		if err := sold.check(); err != nil {
			return s, err
		}
		s.Purchases = append(s.Purchases, sold.key())
	}
	return s, nil
}

// Propose puts a change on record without doing anything. An account has one pending
// change at a time.
func (s *Service) Propose(ctx context.Context, p Proposal, key creditledger.Key) (*ChangeAnswer, error) {
	st, err := p.steps()
	if err != nil {
		return nil, &Error{Op: opPropose, Customer: p.Account.Customer, Err: err}
	}
	request := struct {
		Account   Account `json:"account"`
		ExpiresAt string  `json:"expires_at"`
		Text      string  `json:"description"`
		ID        string  `json:"change_id"`
		Steps     steps   `json:"steps"`
	}{accountOf(p.Account), p.ExpiresAt.String(), p.Description, p.ID, st}
	c := &call{op: opPropose, customer: p.Account.Customer, key: key, request: request}
	return write(ctx, s, c, func(t *tx) (*ChangeAnswer, error) {
		if p.ExpiresAt.IsZero() {
			return nil, invalid("expires_at", "is missing")
		}
		if err := firstError(checkWhen("expires_at", p.ExpiresAt), checkText("description", p.Description, creditledger.MaxDescription), t.alive()); err != nil {
			return nil, err
		}
		id, err := t.newChange(p.ID)
		if err != nil {
			return nil, err
		}
		ch := &Change{
			ID: id, Account: accountOf(p.Account), Status: ChangePending,
			CreatedAt: t.now, ExpiresAt: resolve(p.ExpiresAt, t.zone), Description: p.Description, Steps: st,
		}
		if ch.ExpiresAt <= t.now {
			return nil, invalid("expires_at", "%s has passed: it is %s", ch.ExpiresAt, t.now)
		}
		where := p.Account.Customer + separator + ch.Account.Currency
		now, err := read[current](t, kindChangeNow, where)
		if err != nil {
			return nil, err
		}
		if now != nil {
			before, err := read[Change](t, kindChange, now.ID)
			if err != nil {
				return nil, err
			}
			if before != nil && before.at(t.now).Status == ChangePending {
				return nil, constraint("account %s has a pending change, %s", p.Account, before.ID)
			}
		}
		t.put(kindChangeNow, where, &current{ID: ch.ID})
		t.put(kindChange, ch.ID, ch)
		return &ChangeAnswer{Change: ch}, nil
	})
}

// opPropose is the call that makes a change.
const opPropose = "change_propose"

// opCancel is the call that cancels one.
const opCancel = "change_cancel"

// newChange is the id of a change that does not exist yet.
func (t *tx) newChange(id string) (string, error) {
	if id == "" {
		id = idFrom("chg_", t.call.customer, string(t.call.key))
	}
	if err := checkID("change_id", id); err != nil {
		return "", err
	}
	other, err := read[Change](t, kindChange, id)
	if err == nil && other != nil {
		err = &creditledger.DuplicateError{Kind: "change", ID: id}
	}
	return id, err
}

// at is the change as it stands at an instant: a pending one that has expired is
// cancelled since then.
func (c *Change) at(now creditledger.Instant) *Change {
	if c.Status == ChangePending && c.ExpiresAt <= now {
		own := *c
		own.Status, own.CancelledAt = ChangeCancelled, c.ExpiresAt
		return &own
	}
	return c
}

// Change returns a change as it stands now.
func (s *Service) Change(ctx context.Context, id string) (*Change, error) {
	if err := checkID("change_id", id); err != nil {
		return nil, err
	}
	now, err := s.ledger.Now()
	if err != nil {
		return nil, err
	}
	c, err := fetch[Change](ctx, s, kindChange, id, "change")
	if err != nil {
		return nil, err
	}
	return c.at(now), nil
}

// Collected says what is known only when a change is applied.
type Collected struct {
	Description string `json:"description,omitempty"`
	// PreviouslyCollected goes to the customer balance before anything else.
	PreviouslyCollected Money `json:"previously_collected_amount,omitzero"`
}

// PreviewChange tells what applying a change would do at this moment, without doing
// it.
func (s *Service) PreviewChange(ctx context.Context, id string, with Collected) (*Effects, error) {
	ch, err := s.Change(ctx, id)
	if err != nil {
		return nil, &Error{Op: "change_preview", Err: err}
	}
	fail := func(err error) (*Effects, error) {
		return nil, &Error{Op: "change_preview", Customer: ch.Account.Customer, Err: err}
	}
	// The ids of invoices are those that applying with the change's id as its key
	// would give.
	c := &call{op: "change_apply", customer: ch.Account.Customer, key: creditledger.Key(id)}
	t, err := s.beginNow(ctx, c)
	if err != nil {
		return fail(err)
	}
	effects, err := t.planChange(ch, with)
	if err != nil {
		return fail(err)
	}
	if err := t.preview(nil); err != nil {
		return fail(err)
	}
	return effects, nil
}

// ApplyChange decides everything afresh against the state at this moment and does it
// in one commit. Applying twice, or after cancelling or expiry, is refused.
func (s *Service) ApplyChange(ctx context.Context, id string, with Collected, key creditledger.Key) (*ChangeAnswer, error) {
	return s.ofChange(ctx, "change_apply", id, key, ask{"change_id": id, "with": with}, func(t *tx, ch *Change) error {
		effects, err := t.planChange(ch, with)
		if err != nil {
			return err
		}
		if with.Description != "" {
			ch.Description = with.Description
		}
		ch.Status, ch.AppliedAt, ch.Effects = ChangeApplied, t.now, effects
		return nil
	})
}

// CancelChange cancels a pending change.
func (s *Service) CancelChange(ctx context.Context, id string, key creditledger.Key) (*ChangeAnswer, error) {
	return s.ofChange(ctx, opCancel, id, key, ask{"change_id": id}, func(t *tx, ch *Change) error {
		ch.Status, ch.CancelledAt = ChangeCancelled, t.now
		return nil
	})
}

// ofChange carries out a call on a change that is still pending.
func (s *Service) ofChange(ctx context.Context, op, id string, key creditledger.Key, request any, decide func(*tx, *Change) error) (*ChangeAnswer, error) {
	now, err := s.Change(ctx, id)
	if err != nil {
		return nil, &Error{Op: op, Err: err}
	}
	c := &call{op: op, customer: now.Account.Customer, key: key, request: request}
	return write(ctx, s, c, func(t *tx) (*ChangeAnswer, error) {
		ch, err := read[Change](t, kindChange, id)
		if err != nil {
			return nil, err
		}
		if is := ch.at(t.now); is.Status != ChangePending {
			move := map[string]string{"change_apply": "be applied", opCancel: "be cancelled"}[op]
			return nil, &StatusError{What: "change " + id, Status: string(is.Status), Move: move}
		}
		if op != opCancel {
			if err := t.alive(); err != nil {
				return nil, err
			}
		}
		t.put(kindChange, id, ch)
		return &ChangeAnswer{Change: ch}, decide(t, ch)
	})
}

// planChange works out everything that a change does.
func (t *tx) planChange(ch *Change, with Collected) (*Effects, error) {
	e := &Effects{}
	if err := checkText("description", with.Description, creditledger.MaxDescription); err != nil {
		return nil, err
	}
	t.about = cmp.Or(with.Description, ch.Description)
	if !with.PreviouslyCollected.IsNone() {
		currency, err := t.invoicingCurrency(ch.Account.id(), with.PreviouslyCollected.currency)
		if err != nil {
			return nil, err
		}
		if with.PreviouslyCollected.Sign() <= 0 {
			return nil, invalid("previously_collected_amount", "%s is not positive", with.PreviouslyCollected)
		}
		if err := t.collected(with.PreviouslyCollected, currency, ""); err != nil {
			return nil, err
		}
	}
	for _, id := range ch.Steps.VoidInvoices {
		if err := t.voidInChange(id, e); err != nil {
			return nil, err
		}
	}
	if err := t.operate(ch, e); err != nil {
		return nil, err
	}
	for i := range ch.Steps.Purchases {
		if err := t.buyInChange(ch, i, e); err != nil {
			return nil, err
		}
	}
	for i, n := range ch.Steps.CreditNotes {
		inv, err := t.mine(n.Invoice)
		if err != nil {
			return nil, err
		}
		note, err := t.note(inv, n, fmt.Sprint(i))
		if err != nil {
			return nil, err
		}
		e.NotesCreated = append(e.NotesCreated, *note)
	}
	for _, n := range ch.Steps.VoidNotes {
		inv, err := t.mine(n.Invoice)
		if err == nil {
			err = t.voidNote(inv, n)
		}
		if err != nil {
			return nil, err
		}
		e.NotesVoided = append(e.NotesVoided, n)
	}
	for _, h := range t.held {
		if inv, ok := h.value.(*Invoice); ok && h.dirty {
			if err := inv.ready(); err != nil {
				return nil, err
			}
		}
	}
	return e, nil
}

// mine reads an invoice of the customer of this call.
func (t *tx) mine(id string) (*Invoice, error) {
	inv, err := read[Invoice](t, kindInvoice, id)
	if err != nil {
		return nil, err
	}
	if inv == nil || inv.Customer != t.call.customer {
		return nil, &creditledger.NotFoundError{Kind: "invoice", ID: id}
	}
	return inv, nil
}
