package invoice

import (
	"cmp"
	"fmt"
	"time"

	"creditledger"
)

// Terms are when and how an invoice is to be paid. Exactly one of NetTerms and
// CustomDueDate is given.
type Terms struct {
	// AutoCollection asks whoever takes payments to collect. It has no default.
	AutoCollection *bool `json:"auto_collection"`
	// NetTerms is the number of calendar days, in the customer's zone, from the
	// invoice date until the invoice is due; 0: due on issue.
	NetTerms *int `json:"net_terms"`
	// CustomDueDate is the very day or instant on which the invoice is due.
	CustomDueDate creditledger.When `json:"custom_due_date,omitzero"`
	// InvoiceDate is the date on the invoice; each call says its default.
	InvoiceDate creditledger.When `json:"invoice_date,omitzero"`
	// InvoiceID is the id of the invoice; one is made when it is empty.
	InvoiceID string            `json:"invoice_id,omitempty"`
	Memo      string            `json:"memo,omitempty"`
	Metadata  map[string]string `json:"metadata,omitempty"`
	// PricesIncludeTax says that the prices hold the tax; nil: as the seller's settings say.
	PricesIncludeTax *bool `json:"prices_include_tax,omitempty"`
	// CreditsPay says what prepaid credits pay for; empty: as the seller's settings say.
	CreditsPay CreditsPay `json:"credits_pay,omitempty"`
}

// termsKey is Terms as it is stored. It does not refuse dates that do not exist; these are
// refused by name, with everything else.
type termsKey struct {
	Terms
	Due  string `json:"custom_due_date,omitempty"`
	Date string `json:"invoice_date,omitempty"`
}

func (t Terms) key() termsKey {
	return termsKey{Terms: t, Due: t.CustomDueDate.String(), Date: t.InvoiceDate.String()}
}

// Yes and No are values for Terms.AutoCollection.
func Yes() *bool { v := true; return &v }

// No is the value false for Terms.AutoCollection.
func No() *bool { return new(bool) }

// Days is a value for Terms.NetTerms.
func Days(n int) *int { return &n }

const maxNetTerms = 36500

func (t *Terms) check() error { return inSettings(t.checkFields()) }

func (t *Terms) checkFields() error {
	custom := !t.CustomDueDate.IsZero()
	switch {
	case t.AutoCollection == nil:
		return invalid("auto_collection", "is missing: say whether the invoice is collected automatically")
	case t.NetTerms == nil && !custom:
		return invalid("net_terms", "give net_terms or custom_due_date")
	case t.NetTerms != nil && custom:
		return invalid("custom_due_date", "give net_terms or custom_due_date, not both")
	case t.NetTerms != nil && *t.NetTerms < 0:
		return invalid("net_terms", "%d days is negative", *t.NetTerms)
	case t.NetTerms != nil && *t.NetTerms > maxNetTerms:
		return invalid("net_terms", "%d days are more than %d", *t.NetTerms, maxNetTerms)
	}
	return firstError(
		checkWhen("custom_due_date", t.CustomDueDate),
		checkWhen("invoice_date", t.InvoiceDate),
		checkText("invoice_id", t.InvoiceID, creditledger.MaxID),
		checkText("memo", t.Memo, creditledger.MaxDescription),
		checkMetadata(t.Metadata),
		t.CreditsPay.check(),
	)
}

// due is when an invoice of that date is due: the same time of day so many calendar
// days later in the customer's zone, or the custom date.
func (t *Terms) due(date creditledger.Instant, zone *time.Location) (creditledger.Instant, error) {
	if t.NetTerms == nil {
		due := resolve(t.CustomDueDate, zone)
		// A bare date is compared as a day: due on the day of the invoice is due at once.
		if d := t.CustomDueDate.Date(); d != 0 && d == dateIn(date, zone) {
			return date, nil
		}
		if due < date {
			return 0, invalid("invoice_settings.custom_due_date", "%s is before the invoice date %s", due, date)
		}
		return due, nil
	}
	if *t.NetTerms == 0 {
		return date, nil
	}
	due := creditledger.InstantOf(date.Time().In(zone).AddDate(0, 0, *t.NetTerms))
	if !due.Valid() {
		return 0, invalid("invoice_settings.net_terms", "%d days after %s is outside the calendar", *t.NetTerms, date)
	}
	return due, nil
}

// dateIn is the calendar date of an instant in a zone.
func dateIn(i creditledger.Instant, zone *time.Location) creditledger.Date {
	t := i.Time().In(zone)
	return creditledger.DateOf(t.Year(), t.Month(), t.Day())
}

// dayOrInstant gives back what an instant was resolved from: where a day begins, the
// day.
func dayOrInstant(i creditledger.Instant, zone *time.Location) creditledger.When {
	if i != 0 {
		if day := creditledger.On(dateIn(i, zone)); resolve(day, zone) == i {
			return day
		}
	}
	return creditledger.AtInstant(i)
}

// counter is the last number a seller gave.
type counter struct {
	Last uint64 `json:"last"`
}

// number takes the seller's next invoice number. It is written in the commit that
// needs it, so that a refusal leaves no gap. A preview takes none.
func (t *tx) number() (string, error) {
	seller := t.s.options.Seller
	if t.s.preview {
		return "", nil
	}
	c, err := read[counter](t, kindNumber, seller)
	if err != nil {
		return "", err
	}
	if c == nil {
		c = &counter{}
	}
	c.Last++
	t.put(kindNumber, seller, c)
	return fmt.Sprintf("%s%06d", t.s.options.NumberPrefix, c.Last), nil
}

// newInvoice starts an invoice in draft, stored with this call.
func (t *tx) newInvoice(part string, currency string, source Source, terms *Terms) (*Invoice, error) {
	id := terms.InvoiceID
	if id == "" {
		id = idFrom("inv_", t.s.options.Seller, t.call.customer, t.call.op, string(t.call.key), part)
	}
	if other, err := read[Invoice](t, kindInvoice, id); err != nil {
		return nil, err
	} else if other != nil || t.held[creditledger.DocumentID{Kind: kindInvoice, Key: id}].dirty {
		return nil, &creditledger.DuplicateError{Kind: "invoice", ID: id}
	}
	inv := &Invoice{
		ID: id, Seller: t.s.options.Seller, Customer: t.call.customer, Currency: currency, Source: source, Status: Draft,
		Memo: terms.Memo, Metadata: terms.Metadata, AutoCollection: *terms.AutoCollection, NetTerms: terms.NetTerms,
		Timezone: t.zone.String(), CreatedAt: t.now, InvoiceDate: t.now, Balance: zeroOf(currency),
	}
	inv.PricesIncludeTax = t.s.options.PricesIncludeTax
	if terms.PricesIncludeTax != nil {
		inv.PricesIncludeTax = *terms.PricesIncludeTax
	}
	if cmp.Or(terms.CreditsPay, t.s.options.CreditsPay) == CreditsPayTotal {
		inv.CreditsPay = CreditsPayTotal
	}
	t.put(kindInvoice, inv.ID, inv)
	t.put(kindIndex, indexKey(inv), struct{}{})
	return inv, nil
}

func indexKey(inv *Invoice) string {
	return fmt.Sprintf("%s%s%020d%s%s", inv.Customer, separator, int64(inv.CreatedAt), separator, inv.ID)
}

// fill completes the invoice from priced lines: money, taxes, totals.
func (t *tx) fill(inv *Invoice, lines []priced) error {
	inv.Lines = make([]Line, len(lines))
	for i := range lines {
		inv.Lines[i] = lines[i].line()
	}
	return inOrder(inv.apportion, func() error { return t.tax(inv) }, inv.addUp)
}

// tax puts the taxes on complete lines, as far as they are known: those that the program's
// own function tells, or those by their rates.
func (t *tx) tax(inv *Invoice) error {
	if t.s.options.Tax == nil {
		return inv.taxByRates(t.s.options.TaxPercent)
	}
	taxes, err := t.s.options.Tax(inv)
	if err != nil {
		return fmt.Errorf("tax: %w", err)
	}
	if taxes == nil {
		return nil
	}
	return inv.taxExactly(taxes)
}

// issue gives a complete draft its number and due date, applies the customer's
// balance, and pays it at once when nothing is due.
func (t *tx) issue(inv *Invoice, terms *Terms) error {
	var err error
	if inv.DueDate, err = terms.due(inv.InvoiceDate, t.zone); err != nil {
		return err
	}
	if err := inv.move(Issued, "be issued", t.now); err != nil {
		return err
	}
	if inv.Number, err = t.number(); err != nil {
		return err
	}
	t.freeze(inv)
	inv.Drafted = nil
	if err := t.applyBalance(inv); err != nil {
		return err
	}
	return t.payIfNothingDue(inv)
}

// freeze notes on an invoice who sells and who buys: what changes later changes no invoice.
func (t *tx) freeze(inv *Invoice) {
	o, c := &t.s.options, t.customer
	seller := Party{Name: o.Name, Address: o.Address, TaxID: o.TaxID}
	customer := Party{Name: c.Name, Email: c.Email, Address: c.BillingAddress, TaxID: c.TaxID}
	if seller != (Party{}) {
		inv.SellerDetails = &seller
	}
	if customer != (Party{}) {
		inv.CustomerDetails = &customer
	}
}

// payIfNothingDue makes an open invoice paid once nothing is due.
func (t *tx) payIfNothingDue(inv *Invoice) error {
	if err := inv.settle(); err != nil {
		return err
	}
	if inv.AmountDue.Sign() < 0 {
		return constraint("%s would be paid %s more than it asks for", inv.name(), inv.AmountDue.Neg())
	}
	if inv.AmountDue.Sign() > 0 || !inv.open() {
		return nil
	}
	return inv.move(Paid, "be paid", t.now)
}
