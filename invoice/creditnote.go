package invoice

import (
	"context"
	"errors"
	"fmt"
	"math/big"

	"creditledger"
)

// NoteEffect is what a credit note reduced.
type NoteEffect string

// What a credit note reduces.
const (
	ReducedDue     NoteEffect = "amount_due"       // the invoice was not paid yet
	ToBalance      NoteEffect = "customer_balance" // it was: the money is the customer's
	PaidBackByHand NoteEffect = "paid_back"        // the money went back outside, such as by a chargeback
)

// CreditNote reduces an invoice.
type CreditNote struct {
	ID        string               `json:"id"`
	Number    string               `json:"number"` // the invoice's, with a number of its own
	Amount    Money                `json:"amount"`
	Effect    NoteEffect           `json:"effect"`
	Reason    string               `json:"reason,omitempty"`
	CreatedAt creditledger.Instant `json:"created_at"`
	VoidedAt  creditledger.Instant `json:"voided_at,omitzero"`
	// TakenBack are the credits that were voided for this note. Spent are those of them
	// that had been spent; the customer owes them.
	TakenBack creditledger.Amount `json:"taken_back"`
	Spent     creditledger.Amount `json:"spent"`
	Owed      Money               `json:"owed"`
}

const maxNotes = 200

// NoteInput asks for a credit note.
type NoteInput struct {
	Invoice string `json:"invoice_id"`
	Amount  Money  `json:"amount"` // positive, whole minor units
	Reason  string `json:"reason,omitempty"`
}

// IssueCreditNote reduces an invoice: the amount due before it is paid, the customer
// balance in the customer's favour afterwards. An invoice on which it leaves nothing due is
// paid.
func (s *Service) IssueCreditNote(ctx context.Context, n NoteInput, key creditledger.Key) (*Answer, error) {
	return s.ofInvoice(ctx, "credit_note", n.Invoice, key, n, func(t *tx, inv *Invoice) (*Answer, error) {
		if err := t.alive(); err != nil {
			return nil, err
		}
		_, err := t.note(inv, n, "")
		return &Answer{Invoice: inv}, err
	})
}

// note adds a credit note to an invoice.
func (t *tx) note(inv *Invoice, n NoteInput, part string) (*CreditNote, error) {
	_, err := n.Amount.Minor()
	switch {
	case err != nil:
		return nil, err
	case n.Amount.Sign() <= 0:
		return nil, invalid("amount", "%s is not positive", n.Amount)
	case inv.Status != Paid && !inv.open():
		return nil, inv.refuse("be credited")
	case inv.pending() != nil:
		return nil, constraint("%s has a payment under way, %s", inv.name(), inv.pending().ID)
	}
	if err := checkText("reason", n.Reason, maxReason); err != nil {
		return nil, err
	}
	// What is due may be more than the invoice: a debt in the customer balance is added.
	effect := ReducedDue
	limit, err := inv.Total.Sub(inv.Credited)
	if err != nil {
		return nil, err
	}
	if inv.Status == Paid {
		effect = ToBalance
	} else if inv.AmountDue.amount.Cmp(&limit.amount) < 0 {
		limit = inv.AmountDue
	}
	if c, err := n.Amount.Cmp(limit); err != nil {
		return nil, err
	} else if c > 0 {
		return nil, constraint("%s can be credited by %s at most, not %s", inv.name(), limit, n.Amount)
	}
	note, err := t.addNote(inv, CreditNote{Amount: n.Amount, Effect: effect, Reason: n.Reason, Owed: zeroOf(inv.Currency)}, part)
	if err != nil {
		return nil, err
	}
	if effect == ToBalance {
		if err := t.toBalance(inv, n.Amount, CreditNoteApplied); err != nil {
			return nil, err
		}
		return note, inv.settle()
	}
	return note, t.paid(inv)
}

func (t *tx) addNote(inv *Invoice, n CreditNote, part string) (*CreditNote, error) {
	if len(inv.CreditNotes) >= maxNotes {
		return nil, constraint("%s has %d credit notes", inv.name(), len(inv.CreditNotes))
	}
	n.ID = idFrom("cn_", inv.ID, string(t.call.key), part)
	n.Number = fmt.Sprintf("%s-CN%d", inv.Number, len(inv.CreditNotes)+1)
	n.CreatedAt = t.now
	inv.CreditNotes = append(inv.CreditNotes, n)
	t.changed(inv)
	return &inv.CreditNotes[len(inv.CreditNotes)-1], nil
}

// NoteRef names a credit note.
type NoteRef struct {
	Invoice string `json:"invoice_id"`
	Note    string `json:"credit_note_id"` // its id, or its number
}

// VoidCreditNote takes a credit note back: what it reduced rises again. It is refused when
// the invoice was paid on the reduced amount, or when credits were voided with the note.
func (s *Service) VoidCreditNote(ctx context.Context, n NoteRef, key creditledger.Key) (*Answer, error) {
	return s.ofInvoice(ctx, "void_credit_note", n.Invoice, key, n, func(t *tx, inv *Invoice) (*Answer, error) {
		if err := t.alive(); err != nil {
			return nil, err
		}
		return &Answer{Invoice: inv}, t.voidNote(inv, n)
	})
}

func (t *tx) voidNote(inv *Invoice, ref NoteRef) error {
	var note *CreditNote
	for i := range inv.CreditNotes {
		if n := &inv.CreditNotes[i]; n.ID == ref.Note || n.Number == ref.Note {
			note = n
		}
	}
	switch {
	case note == nil:
		return &creditledger.NotFoundError{Kind: "credit note", ID: ref.Note}
	case inv.Status == Void:
		return inv.refuse("have a credit note taken back")
	case note.VoidedAt != 0:
		return &StatusError{What: "credit note " + note.Number, Status: "void", Move: "be voided"}
	case !note.TakenBack.IsZero():
		return constraint("credits were voided with credit note %s: grant them again instead", note.Number)
	case note.Effect == ReducedDue && !inv.open():
		return constraint("credit note %s reduced what was due on %s, which is %s", note.Number, inv.name(), inv.Status)
	case inv.pending() != nil:
		return constraint("%s has a payment under way, %s", inv.name(), inv.pending().ID)
	}
	note.VoidedAt = t.now
	t.changed(inv)
	if note.Effect == ToBalance {
		if err := t.toBalance(inv, note.Amount.Neg(), CreditNoteVoided); err != nil {
			return err
		}
	}
	return inv.settle()
}

// TakeBack asks sold credits back for a refund.
type TakeBack struct {
	Invoice string              `json:"invoice_id"`
	Credits creditledger.Amount `json:"credits"` // positive, at most what was bought and not taken back yet
	// PaidBack says that the money went back to the customer outside, such as by a
	// chargeback, as far as it was paid there. Otherwise it goes to the customer balance.
	PaidBack bool   `json:"paid_back,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

// Refund takes credits of a paid purchase back: what is unspent is voided for a refund, and
// a credit note gives their price back, tax included. The price of those that had been
// spent already is owed: the customer balance falls by it. A chargeback is a Refund with
// PaidBack. Void, note and balance commit together.
func (s *Service) Refund(ctx context.Context, b TakeBack, key creditledger.Key) (*Answer, error) {
	return s.ofInvoice(ctx, "refund", b.Invoice, key, b, func(t *tx, inv *Invoice) (*Answer, error) {
		if err := t.alive(); err != nil {
			return nil, err
		}
		res := &Answer{Invoice: inv}
		return res, t.takeBack(inv, b, res)
	})
}

func (t *tx) takeBack(inv *Invoice, b TakeBack, res *Answer) error {
	switch {
	case b.Credits.Sign() <= 0:
		return invalid("credits", "%s is not positive", b.Credits)
	case inv.Purchase == nil:
		return constraint("%s is not for credits that were bought", inv.name())
	case inv.Status != Paid:
		return inv.refuse("be refunded")
	}
	if err := checkText("reason", b.Reason, maxReason); err != nil {
		return err
	}
	left, err := inv.Purchase.Amount.Sub(inv.Purchase.TakenBack)
	if err != nil {
		return err
	}
	if b.Credits.Cmp(left) > 0 {
		return constraint("%s sold %s credits that were not taken back yet, less than %s", inv.name(), left, b.Credits)
	}
	ops, held, spent, err := t.planVoids(inv, b)
	if err != nil {
		return err
	}
	amount, owed, err := inv.refundOf(b.Credits, spent)
	if err != nil {
		return err
	}
	if inv.Purchase.TakenBack, err = inv.Purchase.TakenBack.Add(b.Credits); err != nil {
		return err
	}
	effect, err := t.payBack(inv, b, amount)
	if err != nil {
		return err
	}
	if _, err := t.addNote(inv, CreditNote{Amount: amount, Effect: effect, Reason: b.Reason, TakenBack: b.Credits, Spent: spent, Owed: owed}, ""); err != nil {
		return err
	}
	if err := t.moveBalance(owed.Neg(), Movement{Action: ShortfallOwed, Invoice: inv.ID, Description: b.Reason}); err != nil {
		return err
	}
	if err := inv.settle(); err != nil {
		return err
	}
	return t.ask(inv.Purchase.Account, ops, func(r []creditledger.Result) error {
		res.Entries = nil
		for i := range r {
			if len(r[i].Entries) == 0 || r[i].Entries[0].Amount.Cmp(held[i]) != 0 {
				return errAgain
			}
			res.Entries = append(res.Entries, r[i].Entries...)
		}
		return nil
	})
}

// payBack gives the price of credits that are taken back to the customer balance. When the
// money went back outside, it gives only what nobody had paid there.
func (t *tx) payBack(inv *Invoice, b TakeBack, amount Money) (NoteEffect, error) {
	rest, effect := amount, ToBalance
	if b.PaidBack && inv.AmountPaid.Sign() > 0 {
		back := inv.AmountPaid
		if amount.amount.Cmp(&back.amount) < 0 {
			back = amount
		}
		inv.Payments = append(inv.Payments, Payment{
			ID: idFrom("pay_", inv.ID, string(t.call.key)), Status: PaymentPaid, Amount: back.Neg(), ChargeType: Refund,
			Note: b.Reason, CreatedAt: t.now, EndedAt: t.now,
		})
		effect = PaidBackByHand
		var err error
		if rest, err = rest.Sub(back); err != nil {
			return effect, err
		}
	}
	return effect, t.toBalance(inv, rest, CreditNoteApplied)
}

// planVoids voids what the blocks of a purchase hold, then, up to the credits asked back,
// the capacity of what was spent of them. held is what each block has to hold. spent is
// what is gone of the credits: used, gone to refill debts, or expired.
func (t *tx) planVoids(inv *Invoice, b TakeBack) (ops []creditledger.Operation, held []creditledger.Amount, spent creditledger.Amount, err error) {
	blocks, err := t.blocksOf(inv)
	if err != nil {
		return nil, nil, spent, err
	}
	rest := b.Credits
	take := func(limit creditledger.Amount) (taken creditledger.Amount) {
		if limit.Sign() <= 0 || err != nil {
			return taken
		}
		if taken = rest; limit.Cmp(rest) < 0 {
			taken = limit
		}
		rest, err = rest.Sub(taken)
		return taken
	}
	amounts := make([]creditledger.Amount, len(blocks))
	for i := range blocks {
		amounts[i] = take(blocks[i].Balance)
	}
	spent = rest
	for i := range blocks {
		free, fail := blocks[i].Capacity.Sub(amounts[i])
		if err = errors.Join(err, fail); err != nil {
			break
		}
		var more creditledger.Amount
		if more = take(free); err == nil {
			amounts[i], err = amounts[i].Add(more)
		}
	}
	for i := range blocks {
		if amounts[i].Sign() <= 0 {
			continue
		}
		ops = append(ops, creditledger.Void{BlockID: blocks[i].ID, Amount: amounts[i], Reason: creditledger.VoidRefund, Description: b.Reason})
		balance := blocks[i].Balance
		if balance.Sign() < 0 {
			balance = creditledger.Amount{}
		}
		held = append(held, balance)
	}
	return ops, held, spent, err
}

// refundOf is the price of credits that are taken back, tax included, and what of it
// is owed because they had been spent. The price is a share of the total, so that
// taking everything back in parts gives the total, to the last minor unit.
func (inv *Invoice) refundOf(credits, spent creditledger.Amount) (amount, owed Money, err error) {
	before := inv.Purchase.TakenBack
	after, err := before.Add(credits)
	if err != nil {
		return amount, owed, err
	}
	unspent, err := after.Sub(spent)
	if err != nil {
		return amount, owed, err
	}
	if amount, err = inv.priceOf(before, after); err != nil {
		return amount, owed, err
	}
	if owed, err = inv.priceOf(unspent, after); err != nil {
		return amount, owed, err
	}
	left, err := inv.Total.Sub(inv.Credited)
	if err != nil {
		return amount, owed, err
	}
	if amount.amount.Cmp(&left.amount) > 0 {
		amount = left
	}
	if owed.amount.Cmp(&amount.amount) > 0 {
		owed = amount
	}
	return amount, owed, nil
}

// priceOf is what the bought credits between the from-th and the to-th cost.
func (inv *Invoice) priceOf(from, to creditledger.Amount) (Money, error) {
	share := func(a creditledger.Amount) (Money, error) {
		r := scaled(&inv.Total.amount, 0)
		r.Mul(r, scaled(decimalOf(a), 0))
		r.Quo(r, scaled(decimalOf(inv.Purchase.Amount), 0))
		return roundRat(r, inv.Currency)
	}
	low, err := share(from)
	if err != nil {
		return Money{}, err
	}
	high, err := share(to)
	if err != nil {
		return Money{}, err
	}
	return high.Sub(low)
}

// roundRat rounds an exact fraction of whole units once, half away from zero.
func roundRat(r *big.Rat, currency string) (Money, error) {
	digits, err := digitsOf(currency)
	if err != nil {
		return Money{}, err
	}
	n := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)
	minor := roundWhole(new(big.Rat).Mul(r, new(big.Rat).SetInt(n)))
	if !minor.IsInt64() || minor.CmpAbs(big.NewInt(maxMinor)) > 0 {
		return Money{}, invalid("amount", "is beyond 18 digits of the minor unit")
	}
	return MinorMoney(minor.Int64(), currency)
}

// roundWhole rounds to a whole number, half away from zero.
func roundWhole(r *big.Rat) *big.Int {
	doubled := new(big.Rat).Abs(r)
	doubled.Add(doubled, big.NewRat(1, 2))
	n := floor(doubled)
	if r.Sign() < 0 {
		n.Neg(n)
	}
	return n
}
