package invoice

import (
	"context"
	"fmt"

	"creditledger"
)

// Purchase is an increment that is sold: credits against an invoice. The increment's
// CostBasis is the price of one credit and mandatory; the Service sets its InvoiceID and
// RequirePayment, which must be empty.
type Purchase struct {
	Account   creditledger.AccountID
	Increment creditledger.Increment
	Terms     Terms
	// Currency of the invoice; default: the account's if it is a real one, else the
	// customer's invoicing currency.
	Currency string
	ItemID   string // default: the seller's credits item
	// MarkAsPaid records the invoice as paid elsewhere, at once.
	MarkAsPaid bool
	// RequirePayment keeps the block pending until the invoice is paid.
	RequirePayment bool
	// PaymentDeadline ends a purchase that waits for its payment and is not paid by then: its
	// invoice is void. It goes with RequirePayment, and lies after the call. Such a purchase
	// also ends when its credits expire.
	PaymentDeadline creditledger.When
	// ShiftExpiry grants the credits anew, for as long, when an attempt to pay them that was under way
	// as the purchase ended succeeds. By default the money goes to the customer balance.
	ShiftExpiry bool
	// PreviouslyCollected is money the seller had taken before: it goes to the customer
	// balance first, and from there to the invoice. By default there is none.
	PreviouslyCollected Money
}

// purchaseKey is what makes two purchases the same, as stored.
type purchaseKey struct {
	Account             Account   `json:"account"`
	Increment           operation `json:"increment"`
	Terms               termsKey  `json:"invoice_settings"`
	Currency            string    `json:"currency,omitempty"`
	ItemID              string    `json:"item_id,omitempty"`
	MarkAsPaid          bool      `json:"mark_as_paid,omitempty"`
	RequirePayment      bool      `json:"require_successful_payment,omitempty"`
	PaymentDeadline     string    `json:"payment_deadline,omitempty"`
	ShiftExpiry         bool      `json:"shift_expiry,omitempty"`
	PreviouslyCollected Money     `json:"previously_collected_amount,omitzero"`
}

func (p *Purchase) key() purchaseKey {
	return purchaseKey{
		Account: accountOf(p.Account), Increment: operation{op: p.Increment}, Terms: p.Terms.key(), Currency: p.Currency,
		ItemID: p.ItemID, MarkAsPaid: p.MarkAsPaid, RequirePayment: p.RequirePayment,
		PaymentDeadline: p.PaymentDeadline.String(), ShiftExpiry: p.ShiftExpiry, PreviouslyCollected: p.PreviouslyCollected,
	}
}

func (p *Purchase) check() error {
	inc := &p.Increment
	switch {
	case !inc.CostBasis.IsSet():
		return invalid("per_unit_cost_basis", "is missing: an invoice needs the price of one credit")
	case inc.Amount.Sign() <= 0:
		return invalid("amount", "%s is not positive", inc.Amount)
	case inc.InvoiceID != "":
		return invalid("invoice_id", "is made by the purchase and cannot be given")
	case inc.RequirePayment:
		return invalid("require_payment", "belongs in the invoice settings of a purchase")
	case !p.PreviouslyCollected.IsNone() && p.PreviouslyCollected.Sign() <= 0:
		return invalid("previously_collected_amount", "%s is not positive", p.PreviouslyCollected)
	}
	return firstError(
		checkWhen("effective_date", inc.EffectiveAt),
		p.Terms.check(),
		p.checkEnding(),
		checkText("item_id", p.ItemID, creditledger.MaxID),
	)
}

// Purchase grants credits and issues the invoice for them, in one commit. The invoice
// date is the block's effective date by default. Block, entry and invoice exist
// together or not at all.
//
// Errors are an Error around: InvalidError, ConstraintError, CurrencyError,
// IdempotencyMismatchError, DuplicateError (all: nothing was written) or
// OutcomeUnknownError.
func (s *Service) Purchase(ctx context.Context, p Purchase, key creditledger.Key) (*Answer, error) {
	c := &call{op: "purchase", customer: p.Account.Customer, key: key, request: p.key()}
	return write(ctx, s, c, func(t *tx) (*Answer, error) {
		if err := firstError(p.check(), t.alive()); err != nil {
			return nil, err
		}
		plan, err := t.planPurchase(&p, "")
		if err != nil {
			return nil, err
		}
		res := &Answer{Invoice: plan.invoice}
		err = t.ask(plan.invoice.Purchase.Account, []creditledger.Operation{plan.increment}, func(r []creditledger.Result) error {
			plan.invoice.Purchase.BlockID = r[0].NewBlockID
			res.BlockID, res.Entries = r[0].NewBlockID, r[0].Entries
			return nil
		})
		if err != nil {
			return nil, err
		}
		return res, plan.invoice.ready()
	})
}

// sale is a purchase that is worked out: the operation and its invoice.
type sale struct {
	invoice   *Invoice
	increment creditledger.Increment
}

// planPurchase issues the invoice of a purchase and says what to ask of the ledger.
// part tells several purchases of one call apart.
func (t *tx) planPurchase(p *Purchase, part string) (*sale, error) {
	currency, err := t.invoicingCurrency(p.Account, p.Currency)
	if err != nil {
		return nil, err
	}
	inv, err := t.newInvoice(part, currency, OneOff, &p.Terms)
	if err != nil {
		return nil, err
	}
	if inv.InvoiceDate, err = t.purchaseDate(p); err != nil {
		return nil, err
	}
	item := p.ItemID
	if item == "" {
		item = t.s.options.CreditsItem
	}
	lines, err := price([]LineInput{{
		ItemID: item, Description: p.Increment.Description, Quantity: p.Increment.Amount, UnitPrice: p.Increment.CostBasis, InAdvance: true,
	}}, nil)
	if err != nil {
		return nil, err
	}
	if err := t.fill(inv, lines); err != nil {
		return nil, err
	}
	if inv.Total.Sign() == 0 && p.Increment.CostBasis.Amount().Sign() > 0 {
		return nil, constraint("the price of %s credits at %s each rounds to nothing in %s: sell more at once, or give them away at 0", p.Increment.Amount, p.Increment.CostBasis, currency)
	}
	inv.Purchase = &Bought{Account: accountOf(p.Account), Amount: p.Increment.Amount, CostBasis: p.Increment.CostBasis, RequirePayment: p.RequirePayment}
	if err := t.collected(p.PreviouslyCollected, currency, inv.ID); err != nil {
		return nil, err
	}
	if err := t.issue(inv, &p.Terms); err != nil {
		return nil, err
	}
	if p.MarkAsPaid && inv.open() {
		if err := t.paidAtOnce(inv); err != nil {
			return nil, err
		}
	}
	if err := t.waits(inv, p); err != nil {
		return nil, err
	}
	op := p.Increment
	op.InvoiceID = inv.ID
	op.RequirePayment = p.RequirePayment && inv.Status != Paid
	return &sale{invoice: inv, increment: op}, nil
}

// paidAtOnce notes that all of a new invoice was paid elsewhere.
func (t *tx) paidAtOnce(inv *Invoice) error {
	_, err := t.addPayment(inv, Payment{
		Status: PaymentPaid, Amount: inv.AmountDue, ChargeType: External, Note: "paid when the credits were granted", EndedAt: t.now,
	})
	if err != nil {
		return err
	}
	return t.payIfNothingDue(inv)
}

// collected puts money taken before on the customer's balance.
func (t *tx) collected(amount Money, currency, invoice string) error {
	if amount.IsNone() {
		return nil
	}
	if amount.currency != currency {
		return &CurrencyError{A: amount.currency, B: currency}
	}
	if _, err := amount.Minor(); err != nil {
		return err
	}
	return t.moveBalance(amount, Movement{Action: PreviouslyCollected, Invoice: invoice})
}

// purchaseDate is the date of a purchase's invoice: by default when the credits become
// effective.
func (t *tx) purchaseDate(p *Purchase) (creditledger.Instant, error) {
	for _, w := range []creditledger.When{p.Terms.InvoiceDate, p.Increment.EffectiveAt} {
		if !w.IsZero() && !w.IsNever() {
			return resolve(w, t.zone), nil
		}
	}
	return t.at(accountOf(p.Account))
}

// invoiceCurrency is the key under which callers give the currency of an invoice: that of
// the account stands under another.
const invoiceCurrency = "invoice_settings.currency"

// invoicingCurrency is the currency an account is invoiced in.
func (t *tx) invoicingCurrency(on creditledger.AccountID, asked string) (string, error) {
	currency := asked
	switch {
	case currency != "":
		if creditledger.IsISOCurrency(on.Currency) && on.Currency != currency {
			return "", &CurrencyError{A: on.Currency, B: currency}
		}
	case creditledger.IsISOCurrency(on.Currency):
		currency = on.Currency
	case t.customer.Currency != "":
		currency = t.customer.Currency
	default:
		return "", invalid(invoiceCurrency, "customer %q has no invoicing currency: record one or name the currency of the invoice", clip(t.customer.ID))
	}
	if _, err := digitsOf(currency); err != nil {
		return "", inSettings(err)
	}
	if !creditledger.IsISOCurrency(currency) {
		return "", invalid("currency", "%s was withdrawn from ISO 4217 and cannot be invoiced any more", currency)
	}
	return currency, t.payable(currency)
}

// ready proves an invoice before it is written.
func (inv *Invoice) ready() error {
	if err := inv.Check(); err != nil {
		return fmt.Errorf("not written: %w", err)
	}
	return nil
}
