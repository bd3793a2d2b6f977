package invoice

import (
	"creditledger"
)

// Status is where an invoice stands.
type Status string

// The statuses of an invoice: draft → issued → paid or void, or draft → deleted. An invoice that is kept
// in another system is synced; it is paid or voided there, and told here.
const (
	Draft  Status = "draft"
	Issued Status = "issued"
	Paid   Status = "paid"
	Void   Status = "void"
	Synced Status = "synced"
	// Deleted is a draft that will not be issued. Its record stays, for its id and for those who
	// ask for it by that; its lines are as they were.
	Deleted Status = "deleted"
)

// moves are the legal ones.
var moves = map[Status][]Status{
	Draft:  {Issued, Deleted},
	Issued: {Paid, Void, Synced},
	Paid:   {Void},
	Synced: {Paid, Void},
}

// Source is what an invoice is for.
type Source string

// The sources of an invoice.
const (
	OneOff       Source = "one_off"
	Subscription Source = "subscription"
	Partial      Source = "partial"
)

// Invoice is a bill. All its money is in its currency, in whole minor units; instants
// are UTC. An Invoice that the Service returns is the caller's own.
type Invoice struct {
	ID       string            `json:"id"`
	Number   string            `json:"number,omitempty"` // dense per seller; none while draft
	Seller   string            `json:"seller"`
	Customer string            `json:"customer_id"`
	Currency string            `json:"currency"`
	Source   Source            `json:"source"`
	Status   Status            `json:"status"`
	Memo     string            `json:"memo,omitempty"`
	Metadata map[string]string `json:"metadata,omitempty"`
	// AutoCollection asks whoever takes payments to collect the amount due.
	AutoCollection bool `json:"auto_collection"`
	// NetTerms is the number of calendar days until the invoice is due.
	NetTerms *int `json:"net_terms,omitempty"`
	// SellerDetails and CustomerDetails are who they were when the invoice was issued.
	SellerDetails   *Party `json:"seller_details,omitempty"`
	CustomerDetails *Party `json:"customer_details,omitempty"`

	// Timezone is the customer's, in which the days of this invoice were meant.
	Timezone         string               `json:"timezone"`
	CreatedAt        creditledger.Instant `json:"created_at"`
	InvoiceDate      creditledger.Instant `json:"invoice_date,omitzero"` // none in a draft: the day it is issued
	DueDate          creditledger.Instant `json:"due_date,omitzero"`
	IssuedAt         creditledger.Instant `json:"issued_at,omitzero"`
	PaidAt           creditledger.Instant `json:"paid_at,omitzero"`
	VoidedAt         creditledger.Instant `json:"voided_at,omitzero"`
	SyncedAt         creditledger.Instant `json:"synced_at,omitzero"`
	DeletedAt        creditledger.Instant `json:"deleted_at,omitzero"`
	PaymentStartedAt creditledger.Instant `json:"payment_started_at,omitzero"` // of the latest attempt
	PaymentFailedAt  creditledger.Instant `json:"payment_failed_at,omitzero"`  // of the latest failure

	// PricesIncludeTax says that subtotal, discount and what is left of them hold the tax,
	// which is taken out of that: what remains is the net.
	PricesIncludeTax bool `json:"prices_include_tax,omitempty"`
	// CreditsPay is CreditsPayTotal where credits are taken off the total, tax included, and
	// not off the net; empty otherwise.
	CreditsPay CreditsPay `json:"credits_pay,omitempty"`

	Lines    []Line `json:"lines"`
	Subtotal Money  `json:"subtotal"`
	Discount Money  `json:"discount"`
	Credits  Money  `json:"credits_applied"`
	Net      Money  `json:"net"`           // subtotal − discount − credits
	Tax      *Money `json:"tax,omitempty"` // absent: not known
	Total    Money  `json:"total"`         // net + tax
	// TaxPercent is the rate of the tax where one holds for every line; for display.
	TaxPercent *creditledger.Amount `json:"tax_percent,omitempty"`
	Rounding   int                  `json:"rounding,omitempty"` // 2; none in invoices of earlier releases

	// Balance is the customer balance applied, less what went to it from this invoice.
	Balance    Money `json:"balance_applied"`
	AmountPaid Money `json:"amount_paid"` // by payments, less refunds paid out
	Credited   Money `json:"credited"`    // by credit notes that are not void
	AmountDue  Money `json:"amount_due"`  // total − balance − paid − credited; 0 when void

	Purchase    *Bought      `json:"purchase,omitempty"`
	Period      *Period      `json:"period,omitempty"`
	UnpaidUse   *UnpaidUse   `json:"unpaid_use,omitempty"` // of a purchase that was voided
	Change      string       `json:"change_id,omitempty"`  // the pending change that made it
	Drafted     *Drafted     `json:"drafted,omitempty"`    // what the lines of a draft are made from
	Payments    []Payment    `json:"payments,omitempty"`
	CreditNotes []CreditNote `json:"credit_notes,omitempty"`
}

// Party is a seller or a customer as an invoice shows it.
type Party struct {
	Name    string `json:"name,omitempty"`
	Email   string `json:"email,omitempty"`
	Address string `json:"address,omitempty"` // of one line or more
	TaxID   string `json:"tax_id,omitempty"`
}

// Bought is the purchase of credits that an invoice is for.
type Bought struct {
	Account   Account                `json:"account"`
	Amount    creditledger.Amount    `json:"amount"` // credits, the whole of the increment
	CostBasis creditledger.CostBasis `json:"per_unit_cost_basis"`
	// BlockID is empty when the whole amount refilled debts.
	BlockID string `json:"block_id,omitempty"`
	// TakenBack are the credits that refunds and clawbacks asked back.
	TakenBack creditledger.Amount `json:"taken_back"`
	// RefilledBack are those of them that had repaid debts when they were sold.
	RefilledBack creditledger.Amount `json:"refilled_taken_back,omitzero"`
	// UsedBack are those that had been used, and whose use may still be taken back: what
	// returns then is taken. Earlier releases closed their capacity, and have none.
	UsedBack creditledger.Amount `json:"used_taken_back,omitzero"`
	// RequirePayment says that the block waited for this invoice to be paid.
	RequirePayment bool `json:"require_successful_payment,omitempty"`
	// PaymentDeadline ends a purchase that is not paid by then; ShiftExpiry grants credits anew
	// that expired while the attempt to pay them was under way.
	PaymentDeadline creditledger.Instant `json:"payment_deadline,omitzero"`
	ShiftExpiry     bool                 `json:"shift_expiry,omitempty"`
	// EndsAt is when the purchase was to end unpaid: at its deadline, or when its credits expire.
	EndsAt creditledger.Instant `json:"ends_at,omitzero"`
	// EndedUnpaid says that it did, and the invoice is void because of that.
	EndedUnpaid bool `json:"ended_unpaid,omitempty"`
	// ParentBlockID is the block that ended before it was paid, where BlockID took its place.
	ParentBlockID string `json:"parent_block_id,omitempty"`
}

// Account names an account of the ledger in stored records.
type Account struct {
	Customer string `json:"customer_id"`
	Currency string `json:"currency"`
}

func accountOf(id creditledger.AccountID) Account {
	if id.Currency == "" {
		id.Currency = creditledger.DefaultCurrency
	}
	return Account{Customer: id.Customer, Currency: id.Currency}
}

func (a Account) id() creditledger.AccountID {
	return creditledger.AccountID{Customer: a.Customer, Currency: a.Currency}
}

// name is what a message calls the invoice.
func (inv *Invoice) name() string {
	if inv.Number != "" {
		return "invoice " + inv.Number
	}
	return "draft invoice " + inv.ID
}

// move changes the status, or refuses to.
func (inv *Invoice) move(to Status, doing string, at creditledger.Instant) error {
	for _, legal := range moves[inv.Status] {
		if legal != to {
			continue
		}
		inv.Status = to
		switch to {
		case Issued:
			inv.IssuedAt = at
		case Paid:
			inv.PaidAt = at
		case Void:
			inv.VoidedAt = at
		case Synced:
			inv.SyncedAt = at
		case Deleted:
			inv.DeletedAt = at
		}
		return nil
	}
	return inv.refuse(doing)
}

func (inv *Invoice) refuse(doing string) error {
	return &StatusError{What: inv.name(), Status: string(inv.Status), Move: doing}
}

// open reports whether the invoice waits for money.
func (inv *Invoice) open() bool { return inv.Status == Issued || inv.Status == Synced }

// ended reports whether nothing can come of the invoice any more.
func (inv *Invoice) ended() bool { return inv.Status == Void || inv.Status == Deleted }

// sum adds one figure up over the lines.
func (inv *Invoice) sum(of func(*Line) Money) (Money, error) {
	total := zeroOf(inv.Currency)
	for i := range inv.Lines {
		var err error
		if total, err = total.Add(of(&inv.Lines[i])); err != nil {
			return Money{}, err
		}
	}
	return total.Round()
}

// addUp fills in the totals from the lines, and the amount due.
func (inv *Invoice) addUp() error {
	var err error
	set := func(field *Money, of func(*Line) Money) {
		if err == nil {
			*field, err = inv.sum(of)
		}
	}
	set(&inv.Subtotal, func(l *Line) Money { return l.Subtotal })
	set(&inv.Discount, func(l *Line) Money { return l.Discount })
	set(&inv.Credits, func(l *Line) Money { return l.Credits })
	set(&inv.Net, func(l *Line) Money { return l.Net })
	set(&inv.Total, func(l *Line) Money { return l.Total })
	if err != nil {
		return err
	}
	inv.Tax = nil
	for i := range inv.Lines {
		if (inv.Lines[i].Tax == nil) != (inv.Lines[0].Tax == nil) {
			return invalid("tax", "is known for some lines only")
		}
	}
	if len(inv.Lines) > 0 && inv.Lines[0].Tax != nil {
		tax := zeroOf(inv.Currency)
		set(&tax, func(l *Line) Money { return *l.Tax })
		inv.Tax = &tax
	}
	if err != nil {
		return err
	}
	return inv.settle()
}

// settle works out what is due.
func (inv *Invoice) settle() error {
	zero := zeroOf(inv.Currency)
	if inv.Balance.IsNone() {
		inv.Balance = zero
	}
	inv.AmountPaid, inv.Credited = zero, zero
	var err error
	for i := range inv.Payments {
		if p := &inv.Payments[i]; p.Status == PaymentPaid && err == nil {
			inv.AmountPaid, err = inv.AmountPaid.Add(p.Amount)
		}
	}
	for i := range inv.CreditNotes {
		if n := &inv.CreditNotes[i]; n.VoidedAt == 0 && err == nil {
			inv.Credited, err = inv.Credited.Add(n.Amount)
		}
	}
	due := inv.Total
	for _, part := range []Money{inv.Balance, inv.AmountPaid, inv.Credited} {
		if err == nil {
			due, err = due.Sub(part)
		}
	}
	if err != nil {
		return err
	}
	if inv.ended() {
		due = zero
	}
	inv.AmountDue, err = due.Round()
	return err
}

// Check proves what holds for every invoice: lines add up to the totals, and payments,
// balance, credit notes and the amount due add up to the total.
func (inv *Invoice) Check() error {
	again := *inv
	again.Lines = append([]Line(nil), inv.Lines...)
	if err := again.addUp(); err != nil {
		return err
	}
	for _, f := range []struct {
		name      string
		have, sum Money
	}{
		{"subtotal", inv.Subtotal, again.Subtotal}, {"discount", inv.Discount, again.Discount},
		{"credits", inv.Credits, again.Credits}, {"net", inv.Net, again.Net}, {"total", inv.Total, again.Total},
		{"amount paid", inv.AmountPaid, again.AmountPaid}, {"credited", inv.Credited, again.Credited},
		{"amount due", inv.AmountDue, again.AmountDue},
	} {
		if c, err := f.have.Cmp(f.sum); err != nil || c != 0 {
			return &creditledger.CorruptError{Where: inv.name(), Reason: "the " + f.name + " is " + f.have.String() + ", its parts add up to " + f.sum.String()}
		}
	}
	for i := range inv.Lines {
		if err := inv.Lines[i].checkSum(inv); err != nil {
			return &creditledger.CorruptError{Where: inv.name(), Reason: err.Error()}
		}
	}
	if err := firstError(inv.checkCells(), inv.checkDrafted()); err != nil {
		return &creditledger.CorruptError{Where: inv.name(), Reason: err.Error()}
	}
	if inv.AmountDue.Sign() < 0 {
		return &creditledger.CorruptError{Where: inv.name(), Reason: "the amount due is " + inv.AmountDue.String()}
	}
	return firstError(inv.checkNotes(), inv.checkTakenBack())
}

// checkNotes proves that no credit note is below nothing, that all of them together are no
// more than the invoice, and that with a refund money went back, and not in.
func (inv *Invoice) checkNotes() error {
	wrong := func(what string, m Money) error {
		return &creditledger.CorruptError{Where: inv.name(), Reason: what + " is " + m.String()}
	}
	for i := range inv.CreditNotes {
		if n := &inv.CreditNotes[i]; n.Amount.Sign() < 0 || n.Owed.Sign() < 0 {
			return wrong("credit note "+n.Number, n.Amount)
		}
		if err := inv.checkDivided(&inv.CreditNotes[i]); err != nil {
			return err
		}
	}
	if c, err := inv.Credited.Cmp(inv.Total); err != nil || c > 0 {
		return wrong("of "+inv.Total.String()+" what is credited", inv.Credited)
	}
	for i := range inv.Payments {
		if p := &inv.Payments[i]; p.ChargeType == Refund && p.Amount.Sign() > 0 {
			return wrong("refund "+p.ID, p.Amount)
		}
	}
	return nil
}

// checkSum proves net = subtotal − discount − credits and total = net + tax; or, as the
// invoice says, that credits are taken off the total, and the tax out of the prices.
func (l *Line) checkSum(inv *Invoice) error {
	net, err := l.Subtotal.Sub(l.Discount)
	tax := zeroOf(inv.Currency)
	if l.Tax != nil {
		tax = *l.Tax
	}
	if err == nil && inv.CreditsPay != CreditsPayTotal {
		net, err = net.Sub(l.Credits)
	}
	if err == nil && inv.PricesIncludeTax {
		net, err = net.Sub(tax)
	}
	total := net
	if err == nil {
		total, err = net.Add(tax)
	}
	if err == nil && inv.CreditsPay == CreditsPayTotal {
		total, err = total.Sub(l.Credits)
	}
	if err != nil {
		return err
	}
	if !same(net, l.Net) || !same(total, l.Total) {
		return invalid("lines", "line %q does not add up: net %s, total %s", clip(l.ItemID), l.Net, l.Total)
	}
	return nil
}
