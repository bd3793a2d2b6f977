package opsfile

import (
	"context"
	"strconv"
	"strings"

	"creditledger"
	"creditledger/invoice"
)

// Purchase grants credits against an invoice.
type Purchase struct{ invoice.Purchase }

// ClosePeriod bills the usage of a period.
type ClosePeriod struct{ invoice.Usage }

// VoidInvoice voids an invoice.
type VoidInvoice struct {
	Invoice string
	invoice.Voiding
}

// Payment begins or ends a payment of an invoice.
type Payment struct {
	Invoice string
	Action  string // start, succeed, fail, mark_paid or apply_balance
	Payment string // succeed, fail: the attempt's id or the provider's
	Attempt invoice.Attempt
	Reason  invoice.FailedReason
	Receipt invoice.Receipt // mark_paid
	Apply   invoice.Money   // apply_balance: so much; none: as much as is due and there
}

// Payout records that money of a customer balance was paid out.
type Payout struct{ invoice.Payout }

// Change proposes, previews, applies or cancels a pending change.
type Change struct {
	Action   string // propose, preview, apply or cancel
	ID       string // all but propose
	Proposal invoice.Proposal
	With     invoice.Collected
}

// money is a request of the money side.
type money interface {
	run(ctx context.Context, s *invoice.Service, key creditledger.Key) (any, error)
}

func (p Purchase) run(ctx context.Context, s *invoice.Service, key creditledger.Key) (any, error) {
	return s.Purchase(ctx, p.Purchase, key)
}

func (c ClosePeriod) run(ctx context.Context, s *invoice.Service, key creditledger.Key) (any, error) {
	return s.ClosePeriod(ctx, c.Usage, key)
}

func (v VoidInvoice) run(ctx context.Context, s *invoice.Service, key creditledger.Key) (any, error) {
	return s.VoidWith(ctx, v.Invoice, v.Voiding, key)
}

func (p Payment) run(ctx context.Context, s *invoice.Service, key creditledger.Key) (any, error) {
	switch p.Action {
	case "start":
		return s.StartPayment(ctx, p.Invoice, p.Attempt, key)
	case "succeed":
		return s.PaymentSucceeded(ctx, p.Invoice, p.Payment, key)
	case "fail":
		return s.PaymentFailed(ctx, p.Invoice, p.Payment, p.Reason, key)
	case "apply_balance":
		return s.ApplyBalance(ctx, p.Invoice, p.Apply, key)
	}
	return s.Receive(ctx, p.Invoice, p.Receipt, key)
}

func (p Payout) run(ctx context.Context, s *invoice.Service, key creditledger.Key) (any, error) {
	return s.PayOut(ctx, p.Payout, key)
}

func (c Change) run(ctx context.Context, s *invoice.Service, key creditledger.Key) (any, error) {
	switch c.Action {
	case "propose":
		return s.Propose(ctx, c.Proposal, key)
	case "preview":
		return s.PreviewChange(ctx, c.ID, c.With)
	case "apply":
		return s.ApplyChange(ctx, c.ID, c.With, key)
	}
	return s.CancelChange(ctx, c.ID, key)
}

// requiredKey reads the idempotency key, which the money side requires of what it writes, and
// whether that is only to be previewed.
func (r *Request) requiredKey(f *fields) {
	if r.Preview = f.flag("preview"); !r.Preview {
		f.require("idempotency_key")
	}
	r.Key = f.key()
}

// choice reads one of a few words.
func (f *fields) choice(key string, words ...string) string {
	f.require(key)
	text, ok := f.text(key)
	for _, w := range words {
		if text == w {
			return w
		}
	}
	if ok {
		f.refuse(key, "%s is not known", strconv.QuoteToASCII(shorten(text)))
	}
	return ""
}

// object opens an object inside f; nil when it is absent.
func (f *fields) object(key string) *fields {
	v, ok := f.take(key, kindObject)
	if !ok {
		return nil
	}
	return f.inside(key, v.members)
}

// each opens every object of an array.
func (f *fields) each(key string, read func(*fields)) {
	v, _ := f.take(key, kindArray)
	for i, item := range v.items {
		at := key + "[" + strconv.Itoa(i) + "]"
		if item.kind != kindObject {
			f.refuse(at, "is %s, not an object", item.kind)
			continue
		}
		inner := f.inside(at, item.members)
		read(inner)
		f.adopt(inner)
	}
}

// settings are the invoice settings of a purchase or a period.
type settings struct {
	terms                      invoice.Terms
	currency, item             string
	markAsPaid, requirePayment bool
	deadline                   creditledger.When
	shift                      bool
}

// settings reads invoice_settings; sale adds what only a purchase has.
func (f *fields) settings(sale bool) settings {
	const key = "invoice_settings"
	var s settings
	f.require(key)
	in := f.object(key)
	if in == nil {
		return s
	}
	s.terms.AutoCollection, s.terms.NetTerms = in.truth("auto_collection"), in.days("net_terms")
	s.terms.CustomDueDate = in.when("custom_due_date")
	s.terms.InvoiceDate = in.when("invoice_date")
	s.terms.InvoiceID = in.id("invoice_id")
	s.terms.Memo, _ = in.text("memo")
	s.terms.Metadata = in.metadata("metadata")
	s.currency = in.id("currency")
	s.terms.PricesIncludeTax = in.truth("prices_include_tax")
	pay, _ := in.text("credits_pay")
	s.terms.CreditsPay = invoice.CreditsPay(pay)
	if sale {
		s.item = in.id("item_id")
		s.markAsPaid = in.flag("mark_as_paid")
		s.requirePayment = in.flag("require_successful_payment")
		s.deadline = in.when("payment_deadline")
		s.shift = in.flag("shift_expiry")
	}
	f.adopt(in)
	return s
}

// days returns a number of days, nil when it is absent.
func (f *fields) days(key string) *int {
	v, ok := f.take(key, kindNumber)
	if !ok {
		return nil
	}
	days, err := strconv.Atoi(v.text)
	if err != nil {
		f.refuse(key, "%s is not a number of days", shorten(v.text))
	}
	return &days
}

// collected reads previously_collected_amount: whole units of a currency, such as
// "12.50 USD".
func (f *fields) collected() invoice.Money {
	return f.money("previously_collected_amount")
}

func (f *fields) money(key string) invoice.Money {
	var m invoice.Money
	text, ok := f.text(key)
	if !ok {
		return m
	}
	if err := m.UnmarshalText([]byte(text)); err != nil || text == "" {
		f.refuse(key, "%s is not an amount and a currency such as \"12.50 USD\"", strconv.QuoteToASCII(shorten(text)))
	}
	return m
}

func (f *fields) purchase(on creditledger.AccountID) invoice.Purchase {
	s := f.settings(true)
	return invoice.Purchase{
		Account: on, Terms: s.terms, Currency: s.currency, ItemID: s.item, MarkAsPaid: s.markAsPaid, RequirePayment: s.requirePayment,
		PaymentDeadline: s.deadline, ShiftExpiry: s.shift,
		PreviouslyCollected: f.collected(),
		Increment:           f.increment(),
	}
}

func readPurchase(f *fields, r *Request) {
	r.account(f)
	r.requiredKey(f)
	r.Args = Purchase{f.purchase(r.Account)}
}

func readPayment(f *fields, r *Request) {
	r.requiredKey(f)
	p := Payment{Invoice: f.requiredID("invoice_id"), Action: f.choice("action", "start", "succeed", "fail", "mark_paid", "apply_balance")}
	switch p.Action {
	case "start":
		charge, _ := f.text("charge_type")
		p.Attempt = invoice.Attempt{
			Amount: f.money("amount"), Provider: f.requiredID("provider"), ProviderID: f.id("provider_id"), ChargeType: invoice.ChargeType(charge),
		}
	case "succeed":
		p.Payment = f.requiredID("payment_id")
	case "fail":
		p.Payment = f.requiredID("payment_id")
		f.require("failed_reason")
		if in := f.object("failed_reason"); in != nil {
			p.Reason = invoice.FailedReason{Code: in.requiredID("code"), DeclineCode: in.id("decline_code")}
			f.adopt(in)
		}
	case "mark_paid":
		p.Receipt = invoice.Receipt{Amount: f.money("amount"), ReceivedAt: f.when("received_at"), OutsideID: f.id("outside_id")}
		p.Receipt.Note, _ = f.text("note")
	case "apply_balance":
		p.Apply = f.money("amount")
	}
	r.Args = p
}

func readPayout(f *fields, r *Request) {
	r.requiredKey(f)
	f.require("amount")
	r.Args = Payout{invoice.Payout{Customer: f.requiredCustomer(), Amount: f.money("amount"), OutsideID: f.id("outside_id"), Description: f.description()}}
}

func readVoidInvoice(f *fields, r *Request) {
	r.requiredKey(f)
	memo, _ := f.text("memo")
	r.Args = VoidInvoice{Invoice: f.requiredID("invoice_id"), Voiding: invoice.Voiding{Memo: memo, OweUse: f.flag("owe_unpaid_use")}}
}

func readClosePeriod(f *fields, r *Request) {
	r.account(f)
	r.requiredKey(f)
	f.require("start")
	f.require("end")
	f.require("lines")
	s := f.settings(false)
	source, _ := f.text("source")
	u := invoice.Usage{
		Account: r.Account, Currency: s.currency, Terms: s.terms, Source: invoice.Source(source), Rate: f.costBasis("conversion_rate"),
		Start: f.when("start"), End: f.when("end"), Adjustments: f.adjustments(),
	}
	u.Supplement = f.flag("supplement")
	f.each("lines", func(in *fields) {
		l := in.line()
		l.UsageFrom, l.UsageTo = in.when("usage_from"), in.when("usage_to")
		u.Lines = append(u.Lines, l)
	})
	r.Args = ClosePeriod{u}
}

func (f *fields) line() invoice.LineInput {
	mode, _ := f.text("tier_mode")
	l := invoice.LineInput{
		ID: f.id("id"), ItemID: f.requiredID("item_id"), PriceID: f.id("price_id"), Description: f.description(), UnitPrice: f.costBasis("unit_price"),
		TierMode: invoice.TierMode(mode), Adjustments: f.adjustments(), InAdvance: f.flag("in_advance"),
	}
	f.require("quantity")
	l.Quantity, _ = f.amount("quantity")
	if percent, ok := f.amount("tax_percent"); ok {
		l.TaxPercent = &percent
	}
	f.each("tiers", func(in *fields) {
		upTo, _ := in.amount("up_to")
		l.Tiers = append(l.Tiers, invoice.Tier{UpTo: upTo, UnitPrice: in.costBasis("unit_price")})
	})
	return l
}

// taxes reads a list of amounts, which may name their currency.
func (f *fields) taxes(key string) (list []creditledger.Amount, currency string) {
	v, _ := f.take(key, kindArray)
	texts := make([]string, 0, len(v.items))
	for _, item := range v.items {
		if item.kind != kindString && item.kind != kindNumber {
			f.refuse(key, "holds %s, not only amounts", item.kind)
			return nil, ""
		}
		texts = append(texts, item.text)
	}
	list, currency, err := ParseTaxes(texts)
	if err != nil {
		f.refuseAs(key, err)
	}
	return list, currency
}

// ParseTaxes reads the tax of each line: whole units of the invoice's currency, such as 0.77,
// or with that currency, such as 0.77 USD. All that name a currency name the same.
func ParseTaxes(texts []string) (list []creditledger.Amount, currency string, err error) {
	for _, text := range texts {
		a, parse := creditledger.Amount{}, error(nil)
		if strings.Contains(text, " ") {
			var m invoice.Money
			if parse = m.UnmarshalText([]byte(text)); parse == nil {
				a, parse = m.Amount()
			}
			if parse == nil && currency != "" && currency != m.Currency() {
				parse = &invoice.CurrencyError{A: currency, B: m.Currency()}
			}
			currency = m.Currency()
		} else {
			a, parse = creditledger.ParseAmount(text)
		}
		if parse != nil {
			return nil, "", parse
		}
		list = append(list, a)
	}
	return list, currency, nil
}

func (f *fields) adjustments() []invoice.Adjustment {
	var list []invoice.Adjustment
	f.each("adjustments", func(in *fields) {
		kind, reason := in.requiredID("kind"), ""
		in.require("value")
		v, _ := in.amount("value")
		reason, _ = in.text("reason")
		list = append(list, invoice.Adjustment{Kind: invoice.AdjustmentKind(kind), Value: v, Reason: reason})
	})
	return list
}

func readChange(f *fields, r *Request) {
	c := Change{Action: f.choice("action", "propose", "preview", "apply", "cancel")}
	if c.Action != "preview" {
		r.requiredKey(f)
	}
	switch c.Action {
	case "propose":
		r.account(f)
		f.require("expires_at")
		c.Proposal = invoice.Proposal{
			Account: r.Account, ID: f.id("change_id"), ExpiresAt: f.when("expires_at"), Description: f.description(), VoidInvoices: f.texts("void_invoices"),
		}
		f.each("operations", func(in *fields) {
			op, err := in.op()
			if read := writers[op]; err == nil && read != nil && op != "batch" {
				c.Proposal.Operations = append(c.Proposal.Operations, read(in))
				return
			}
			in.refuse("op", "is not one of the writing operations that may stand in a change")
		})
		f.each("credit_notes", func(in *fields) { c.Proposal.CreditNotes = append(c.Proposal.CreditNotes, in.note()) })
		f.each("void_credit_notes", func(in *fields) { c.Proposal.VoidNotes = append(c.Proposal.VoidNotes, in.noteRef()) })
		f.each("purchases", func(in *fields) { c.Proposal.Purchases = append(c.Proposal.Purchases, in.purchase(r.Account)) })
	case "preview", "apply":
		c.ID, c.With = f.requiredID("change_id"), invoice.Collected{Description: f.description(), PreviouslyCollected: f.collected()}
	case "cancel":
		c.ID = f.requiredID("change_id")
	}
	r.Args = c
}
