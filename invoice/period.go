package invoice

import (
	"cmp"
	"context"

	"creditledger"
)

// Usage is a period of usage to be billed. Prices are in the account's currency or
// pricing unit.
type Usage struct {
	Account creditledger.AccountID
	// Currency of the invoice; default as for a Purchase.
	Currency string
	// Rate is how many whole units of the invoice's currency one unit of a pricing
	// unit costs. Required for a pricing unit, and only then.
	Rate  creditledger.CostBasis
	Start creditledger.When // first instant of the period
	End   creditledger.When // first instant after it; not after now
	Lines []LineInput
	// Adjustments are spread over the invoice.
	Adjustments []Adjustment
	Source      Source // default: subscription
	// Supplement says that the period may overlap with another one of this account and source.
	Supplement bool
	Terms      Terms // by default the invoice date is the end of the period
}

// usageKey is what makes two closings the same, as stored.
type usageKey struct {
	Account     Account                `json:"account"`
	Currency    string                 `json:"currency,omitempty"`
	Rate        creditledger.CostBasis `json:"conversion_rate"`
	Start       string                 `json:"start"`
	End         string                 `json:"end"`
	Lines       []LineInput            `json:"lines"`
	Adjustments []Adjustment           `json:"adjustments,omitempty"`
	Source      Source                 `json:"source,omitempty"`
	Supplement  bool                   `json:"supplement,omitempty"`
	Terms       termsKey               `json:"invoice_settings"`
}

func (u *Usage) key() usageKey {
	return usageKey{
		Account: accountOf(u.Account), Currency: u.Currency, Rate: u.Rate, Start: u.Start.String(), End: u.End.String(),
		Lines: u.Lines, Adjustments: u.Adjustments, Source: cmp.Or(u.Source, Subscription), Supplement: u.Supplement, Terms: u.Terms.key(),
	}
}

// Period is what stands of a closed period on its invoice.
type Period struct {
	Account Account              `json:"account"`
	Start   creditledger.Instant `json:"start"`
	End     creditledger.Instant `json:"end"`
	// Rate is what one unit of the account's pricing unit costs; none for a real currency.
	Rate creditledger.CostBasis `json:"conversion_rate"`
	// Charge is the key of the ledger under which they were drawn; empty on periods that
	// earlier releases closed.
	Charge creditledger.Key `json:"charge,omitempty"`
	// Supplement says that it may overlap with another period of the account and source.
	Supplement bool `json:"supplement,omitempty"`
	// Draws are what was drawn from the ledger, in order.
	Draws []Draw `json:"draws,omitempty"`
	// Lost is what a void took back and the customer cannot use: it lapsed again, because its
	// block had expired, or was lost, because that had been voided.
	Lost creditledger.Amount `json:"lost"`
}

// Draw is what one block paid of one line.
type Draw struct {
	Line    int                 `json:"line"` // index into the invoice's lines
	BlockID string              `json:"block_id"`
	Amount  creditledger.Amount `json:"amount"` // credits
	EntryID string              `json:"entry_id"`
}

// ClosePeriod bills the usage of a period in one commit: prepaid credits are drawn
// per line, in the order of the lines, by item and price, and what they do not cover
// is due on the invoice. Lines in advance draw nothing. Credits that became eligible at
// or after the end of the period do not pay for it.
//
// The errors are those of Purchase.
func (s *Service) ClosePeriod(ctx context.Context, u Usage, key creditledger.Key) (*Answer, error) {
	c := &call{op: "close_period", customer: u.Account.Customer, key: key, request: u.key()}
	if err := checkUsage(u.Lines, true); err != nil {
		return nil, &Error{Op: c.op, Customer: c.customer, Err: err}
	}
	res, err := write(ctx, s, c, func(t *tx) (*Answer, error) {
		if err := firstError(u.check(), t.alive()); err != nil {
			return nil, err
		}
		u := u
		u.Account = accountOf(u.Account).id()
		res := &Answer{}
		return res, t.close(&u, res)
	})
	if err != nil {
		return nil, err
	}
	return s.told(ctx, res, key)
}

func (u *Usage) check() error {
	real := creditledger.IsISOCurrency(u.Account.Currency)
	switch {
	case u.Start.IsZero():
		return invalid("start", "is missing")
	case u.End.IsZero():
		return invalid("end", "is missing")
	case real && u.Rate.IsSet():
		return invalid("conversion_rate", "goes with a pricing unit only: prices are in %s already", u.Account.Currency)
	case !real && !u.Rate.IsSet():
		return invalid("conversion_rate", "is missing: say what one unit of the pricing unit costs")
	case u.Source != "" && u.Source != Subscription && u.Source != Partial && u.Source != OneOff:
		return invalid("source", "%q is not known", clip(string(u.Source)))
	}
	return firstError(checkWhen("start", u.Start), checkWhen("end", u.End), u.Terms.check())
}

// close plans the drawing, bills what it leaves and asks the ledger for it.
func (t *tx) close(u *Usage, res *Answer) error {
	start, end := resolve(u.Start, t.zone), resolve(u.End, t.zone)
	switch {
	case start >= end:
		return invalid("end", "%s is not after the start %s", end, start)
	case end > t.now:
		return constraint("the period ends %s and is not over: it is %s", end, t.now)
	}
	currency, err := t.invoicingCurrency(u.Account, u.Currency)
	if err != nil {
		return err
	}
	lines, err := price(u.Lines, u.Adjustments)
	if err != nil {
		return err
	}
	inv, err := t.newInvoice("", currency, cmp.Or(u.Source, Subscription), &u.Terms)
	if err != nil {
		return err
	}
	inv.InvoiceDate = end
	if !u.Terms.InvoiceDate.IsZero() {
		inv.InvoiceDate = resolve(u.Terms.InvoiceDate, t.zone)
	}
	inv.Period = &Period{Account: accountOf(u.Account), Start: start, End: end, Rate: u.Rate, Supplement: u.Supplement, Charge: t.call.key}
	if err := firstError(t.inTime(inv, lines), t.alone(inv)); err != nil {
		return err
	}
	drawing, err := t.fillAndDraw(inv, lines)
	if err != nil {
		return err
	}
	for i := range lines {
		inv.Lines[i].UsageFrom, inv.Lines[i].UsageTo = resolve(lines[i].in.UsageFrom, t.zone), resolve(lines[i].in.UsageTo, t.zone)
	}
	if err := t.issue(inv, &u.Terms); err != nil {
		return err
	}
	res.Invoice = inv
	err = t.ask(inv.Period.Account, drawing.batch, func(r []creditledger.Result) error {
		var err error
		inv.Period.Draws, err = drawing.drew(r)
		return err
	})
	if err != nil {
		return err
	}
	return inv.ready()
}
