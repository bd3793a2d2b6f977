package invoice

import (
	"context"
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
	ID     string `json:"id"`
	Number string `json:"number"` // the invoice's, with a number of its own
	Amount Money  `json:"amount"` // net and tax
	// Net and Tax are the parts of the amount. Notes of earlier releases have neither, and those
	// of an invoice whose tax is not known have no tax.
	Net       Money                `json:"net,omitzero"`
	Tax       *Money               `json:"tax,omitempty"`
	Lines     []NoteLine           `json:"lines,omitempty"` // where it is for some lines of the invoice
	Effect    NoteEffect           `json:"effect"`
	Reason    string               `json:"reason,omitempty"`
	CreatedAt creditledger.Instant `json:"created_at"`
	VoidedAt  creditledger.Instant `json:"voided_at,omitzero"`
	// TakenBack are the credits that were voided for this note. Spent are those of them
	// that had been spent; the customer owes them.
	TakenBack creditledger.Amount `json:"taken_back"`
	Spent     creditledger.Amount `json:"spent"`
	Owed      Money               `json:"owed"`
	// Price is what all credits of the sale cost when these were taken back.
	Price Money `json:"price,omitzero"`
	// ToBalance is what of a note whose money was paid back went to the customer balance,
	// because nobody had paid it outside.
	ToBalance Money `json:"to_balance,omitzero"`
	// DrawsReturned are the credits that a period drew and that this note gave back.
	DrawsReturned creditledger.Amount `json:"draws_returned,omitzero"`
}

const maxNotes = 200

// NoteInput asks for a credit note.
type NoteInput struct {
	Invoice string `json:"invoice_id"`
	Amount  Money  `json:"amount"` // positive, whole minor units; with ReturnDraws or Lines also none
	// Lines say what of the amount is for which line of the invoice; they add up to it.
	Lines  []NoteLineInput `json:"lines,omitempty"`
	Reason string          `json:"reason,omitempty"`
	// ReturnDraws gives back what the period drew and nobody took back yet.
	ReturnDraws bool `json:"return_draws,omitempty"`
}

// IssueCreditNote reduces an invoice: the amount due before it is paid, the customer
// balance in the customer's favour afterwards. An invoice on which it leaves nothing due is
// paid.
func (s *Service) IssueCreditNote(ctx context.Context, n NoteInput, key creditledger.Key) (*Answer, error) {
	return s.ofInvoice(ctx, "credit_note", n.Invoice, key, n, func(t *tx, inv *Invoice) (*Answer, error) {
		_, err := t.note(inv, n, "")
		return &Answer{Invoice: inv}, err
	})
}

// note adds a credit note to an invoice.
func (t *tx) note(inv *Invoice, n NoteInput, part string) (*CreditNote, error) {
	lines, err := inv.noteLines(&n)
	if err != nil {
		return nil, err
	}
	_, err = n.Amount.Minor()
	switch {
	case err != nil:
		return nil, err
	case n.ReturnDraws && inv.Period == nil:
		return nil, constraint("%s is not for a period: no credits were drawn for it", inv.name())
	case n.Amount.Sign() < 0 || n.Amount.Sign() == 0 && !n.ReturnDraws:
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
	limit, err := inv.creditable()
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
	var returned creditledger.Amount
	if n.ReturnDraws {
		if returned, err = t.giveBack(inv, "credited: "+inv.name()); err != nil {
			return nil, err
		}
		if returned.IsZero() && n.Amount.Sign() == 0 {
			return nil, constraint("nothing is left to give back of what was drawn for %s", inv.name())
		}
	}
	if effect == ToBalance {
		if err := t.bear(inv, n.Amount, n.Amount); err != nil {
			return nil, err
		}
	}
	note, err := t.addNote(inv, CreditNote{Amount: n.Amount, Effect: effect, Reason: n.Reason, Owed: zeroOf(inv.Currency), DrawsReturned: returned, Lines: lines}, part)
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
	if err := inv.divide(&n); err != nil {
		return nil, err
	}
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
		return &Answer{Invoice: inv}, t.voidNote(inv, n)
	})
}

func (t *tx) voidNote(inv *Invoice, ref NoteRef) error {
	note := inv.Note(ref.Note)
	switch {
	case note == nil:
		return &creditledger.NotFoundError{Kind: "credit note", ID: ref.Note}
	case inv.Status == Void:
		return inv.refuse("have a credit note taken back")
	case note.VoidedAt != 0:
		return &StatusError{What: "credit note " + note.Number, Status: "void", Move: "be voided"}
	case !note.DrawsReturned.IsZero():
		return constraint("credits were given back with credit note %s: bill them again instead", note.Number)
	case note.Effect == PaidBackByHand && note.TakenBack.IsZero():
		return constraint("the money of credit note %s went back outside: it is not paid any more", note.Number)
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
	if err := t.bear(inv, zeroOf(inv.Currency), zeroOf(inv.Currency)); err != nil {
		return err
	}
	return inv.settle()
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
