package opsfile

import (
	"context"

	"golang.org/x/text/language"

	"creditledger"
	"creditledger/invoice"
)

// Draft makes an invoice for something other than credits.
type Draft struct{ invoice.DraftInput }

// Invoice shows an invoice, or moves a draft or an issued one on.
type Invoice struct {
	ID     string
	Action string                // show, edit, tax, issue, delete or sync
	Edit   invoice.DraftEdit     // edit
	Taxes  []creditledger.Amount // tax: of each line
	In     string                // tax: the currency that they name; empty: none
}

// CreditNote reduces an invoice, takes that back, takes sold credits back, or tells that the
// bank took a payment back.
type CreditNote struct {
	Action     string // create, void, refund or chargeback
	Note       invoice.NoteInput
	Ref        invoice.NoteRef
	Refund     invoice.TakeBack
	Chargeback invoice.Chargeback
}

// CustomerBalance moves a customer's balance, or shows it when Change has no Type.
type CustomerBalance struct {
	Change   invoice.BalanceChange
	Currency string
}

// State asks for all that decides what a customer may use.
type State struct{ Customer string }

// Seller changes the settings that are given; without any it shows them.
type Seller struct {
	Name, Address, TaxID *string // on invoices; empty: none
	Prefix, Item, Locale *string
	TaxPercent           *creditledger.Amount
	NoTax                bool // taxes are not known any more
	PricesIncludeTax     *bool
	CreditsPay           *invoice.CreditsPay
}

// Balance is a customer's balance with its transactions.
type Balance struct {
	Amount    invoice.Money
	Movements []invoice.Movement
}

func (d Draft) run(ctx context.Context, s *invoice.Service, key creditledger.Key) (any, error) {
	return s.CreateDraft(ctx, d.DraftInput, key)
}

func (i Invoice) run(ctx context.Context, s *invoice.Service, key creditledger.Key) (any, error) {
	switch i.Action {
	case "edit":
		i.Edit.Invoice = i.ID
		return s.EditDraft(ctx, i.Edit, key)
	case "delete":
		return s.DeleteDraft(ctx, i.ID, key)
	case "tax":
		if inv, err := s.Invoice(ctx, i.ID); i.In != "" && err == nil && inv.Currency != i.In {
			return nil, &invoice.CurrencyError{A: i.In, B: inv.Currency}
		}
		return s.SetTax(ctx, i.ID, i.Taxes, key)
	case "issue":
		return s.Issue(ctx, i.ID, key)
	case "sync":
		return s.MarkSynced(ctx, i.ID, key)
	}
	inv, err := s.Invoice(ctx, i.ID)
	return &invoice.Answer{Invoice: inv}, err
}

func (n CreditNote) run(ctx context.Context, s *invoice.Service, key creditledger.Key) (any, error) {
	switch n.Action {
	case "create":
		return s.IssueCreditNote(ctx, n.Note, key)
	case "void":
		return s.VoidCreditNote(ctx, n.Ref, key)
	case "chargeback":
		return s.ChargeBack(ctx, n.Chargeback, key)
	}
	return s.Refund(ctx, n.Refund, key)
}

func (b CustomerBalance) run(ctx context.Context, s *invoice.Service, key creditledger.Key) (any, error) {
	if b.Change.Type != "" {
		return s.AdjustBalance(ctx, b.Change, key)
	}
	now, err := s.Balance(ctx, b.Change.Customer, b.Currency)
	if err != nil {
		return nil, err
	}
	res := &Balance{Amount: now.Amount}
	for {
		after := uint64(len(res.Movements)) // transactions are numbered without gaps
		page, err := s.Movements(ctx, b.Change.Customer, b.Currency, after, creditledger.MaxPage)
		if err != nil {
			return nil, err
		}
		if res.Movements = append(res.Movements, page...); len(page) < creditledger.MaxPage {
			return res, nil
		}
	}
}

func (st State) run(ctx context.Context, s *invoice.Service, _ creditledger.Key) (any, error) {
	return s.State(ctx, st.Customer)
}

// run stores the settings that are given.
func (c Seller) run(ctx context.Context, l *creditledger.Ledger) (any, error) {
	if c == (Seller{}) {
		return invoice.SettingsOf(ctx, l, "")
	}
	return invoice.ChangeSettings(ctx, l, "", func(s *invoice.Settings) {
		for _, p := range []struct{ to, from *string }{
			{&s.Name, c.Name}, {&s.Address, c.Address}, {&s.TaxID, c.TaxID},
			{&s.NumberPrefix, c.Prefix}, {&s.CreditsItem, c.Item}, {&s.Locale, c.Locale},
		} {
			if p.from != nil {
				*p.to = *p.from
			}
		}
		if c.PricesIncludeTax != nil {
			s.PricesIncludeTax = *c.PricesIncludeTax
		}
		if c.CreditsPay != nil {
			s.CreditsPay = *c.CreditsPay
		}
		if c.TaxPercent != nil || c.NoTax {
			s.TaxPercent = c.TaxPercent
		}
	})
}

func readDraft(f *fields, r *Request) {
	r.requiredKey(f)
	f.require("lines")
	s := f.settings(false)
	source, _ := f.text("source")
	d := invoice.DraftInput{Customer: f.requiredCustomer(), Currency: s.currency, Source: invoice.Source(source), Terms: s.terms, Adjustments: f.adjustments()}
	f.each("lines", func(in *fields) { d.Lines = append(d.Lines, in.line()) })
	r.Args = Draft{d}
}

func readInvoice(f *fields, r *Request) {
	i := Invoice{ID: f.requiredID("invoice_id"), Action: f.choice("action", "show", "edit", "tax", "issue", "delete", "sync")}
	if i.Action != "show" {
		r.requiredKey(f)
	}
	switch i.Action {
	case "tax":
		f.require("taxes")
		i.Taxes, i.In = f.taxes("taxes")
	case "edit":
		i.Edit = f.draftEdit()
	}
	r.Args = i
}

func readCreditNote(f *fields, r *Request) {
	r.requiredKey(f)
	n := CreditNote{Action: f.choice("action", "create", "void", "refund", "chargeback")}
	switch n.Action {
	case "create":
		n.Note = f.note()
	case "void":
		n.Ref = f.noteRef()
	case "refund":
		n.Refund = invoice.TakeBack{Invoice: f.requiredID("invoice_id"), Credits: f.requiredAmount("credits"), PaidBack: f.flag("paid_back")}
		n.Refund.Reason, _ = f.text("reason")
	case "chargeback":
		f.require("amount")
		n.Chargeback = invoice.Chargeback{Invoice: f.requiredID("invoice_id"), Amount: f.money("amount"), Credits: f.positive("credits")}
		n.Chargeback.Reason, _ = f.text("reason")
	}
	r.Args = n
}

func (f *fields) note() invoice.NoteInput {
	n := invoice.NoteInput{Invoice: f.requiredID("invoice_id"), ReturnDraws: f.flag("return_draws"), Amount: f.money("amount")}
	f.each("lines", func(in *fields) {
		in.require("amount")
		n.Lines = append(n.Lines, invoice.NoteLineInput{Line: in.requiredID("line_id"), Amount: in.money("amount")})
	})
	if !n.ReturnDraws && len(n.Lines) == 0 {
		f.require("amount")
	}
	n.Reason, _ = f.text("reason")
	return n
}

func (f *fields) noteRef() invoice.NoteRef {
	return invoice.NoteRef{Invoice: f.requiredID("invoice_id"), Note: f.requiredID("credit_note_id")}
}

func readCustomerBalance(f *fields, r *Request) {
	b := CustomerBalance{Change: invoice.BalanceChange{Customer: f.requiredCustomer()}}
	if _, moves := f.find("type"); !moves {
		b.Currency = f.requiredID("currency")
		r.Args = b
		return
	}
	r.requiredKey(f)
	f.require("amount")
	action, _ := f.text("action")
	b.Change.Type = invoice.MovementType(f.choice("type", string(invoice.BalanceIncrement), string(invoice.BalanceDecrement)))
	b.Change.Amount, b.Change.Action, b.Change.Description = f.money("amount"), invoice.Action(action), f.description()
	r.Args = b
}

func readState(f *fields, r *Request) { r.Args = State{f.requiredCustomer()} }

func readSeller(f *fields, r *Request) {
	var c Seller
	for _, p := range []struct {
		key string
		to  **string
	}{
		{"name", &c.Name}, {"address", &c.Address}, {"tax_id", &c.TaxID},
		{"number_prefix", &c.Prefix}, {"credits_item", &c.Item}, {"locale", &c.Locale},
	} {
		if text, ok := f.text(p.key); ok {
			*p.to = &text
		}
	}
	if v, ok := f.find("tax_percent"); ok && v.kind == kindNull {
		c.NoTax = true
	}
	if tax, ok := f.amount("tax_percent"); ok {
		c.TaxPercent = &tax
	}
	c.PricesIncludeTax = f.truth("prices_include_tax")
	if text, ok := f.text("credits_pay"); ok {
		pay := invoice.CreditsPay(text)
		c.CreditsPay = &pay
	}
	r.Args = c
}

// stateObject is a customer's state in JSON.
type stateObject struct {
	Customer string                 `json:"customer_id"`
	External *string                `json:"external_customer_id"`
	Deleted  *creditledger.Instant  `json:"deleted_at"`
	Accounts []accountObject        `json:"accounts"`
	Balances []invoice.View         `json:"customer_balances"`
	Open     []*invoice.InvoiceView `json:"open_invoices"`
	Drafts   []*invoice.InvoiceView `json:"draft_invoices"`
}

type accountObject struct {
	Currency   string                `json:"currency"`
	Total      string                `json:"total"`
	Available  string                `json:"available"`
	NextExpiry *creditledger.Instant `json:"next_expiry"`
	Eligible   []creditledger.Block  `json:"eligible_blocks"`
	Pending    []creditledger.Block  `json:"pending_blocks"`
	Change     *string               `json:"pending_change_id"`
}

func newStateObject(st *invoice.State, locale language.Tag) (*stateObject, error) {
	o := &stateObject{
		Customer: st.Customer.ID, External: optional(st.Customer.ExternalID), Deleted: optional(st.Customer.DeletedAt), Balances: []invoice.View{},
		Accounts: list(st.Accounts, func(a *invoice.AccountState) accountObject {
			ao := accountObject{
				Currency: a.Account.Currency, Total: a.Total.String(), Available: a.Available.String(), NextExpiry: optional(a.NextExpiry),
				Eligible: append([]creditledger.Block{}, a.Eligible...), Pending: append([]creditledger.Block{}, a.Pending...),
			}
			if a.Change != nil {
				ao.Change = &a.Change.ID
			}
			return ao
		}),
	}
	for _, b := range st.Balances {
		view, err := b.Amount.View(locale)
		if err != nil {
			return nil, err
		}
		o.Balances = append(o.Balances, view)
	}
	var err error
	if o.Open, err = invoice.Views(st.Open, locale); err == nil {
		o.Drafts, err = invoice.Views(st.Drafts, locale)
	}
	return o, err
}

// balanceAnswer is the JSON of a customer balance.
func balanceAnswer(h header, b *Balance, locale language.Tag) (any, error) {
	balance, err := b.Amount.View(locale)
	moves := make([]invoice.MovementView, len(b.Movements))
	for i := range b.Movements {
		if err == nil {
			moves[i], err = b.Movements[i].View(locale)
		}
	}
	return struct {
		header
		Balance      invoice.View           `json:"balance"`
		Transactions []invoice.MovementView `json:"transactions"`
	}{h, balance, moves}, err
}

type settingsObject struct {
	Prefix           *string             `json:"number_prefix"`
	Item             *string             `json:"credits_item"`
	TaxPercent       *string             `json:"tax_percent"`
	Locale           *string             `json:"locale"`
	Name             string              `json:"name,omitempty"`
	Address          string              `json:"address,omitempty"`
	TaxID            string              `json:"tax_id,omitempty"`
	PricesIncludeTax bool                `json:"prices_include_tax,omitempty"`
	CreditsPay       *invoice.CreditsPay `json:"credits_pay,omitempty"`
}

func newSettingsObject(s invoice.Settings) settingsObject {
	o := settingsObject{
		Prefix: optional(s.NumberPrefix), Item: optional(s.CreditsItem), Locale: optional(s.Locale),
		Name: s.Name, Address: s.Address, TaxID: s.TaxID, PricesIncludeTax: s.PricesIncludeTax, CreditsPay: optional(s.CreditsPay),
	}
	if s.TaxPercent != nil {
		tax := s.TaxPercent.String()
		o.TaxPercent = &tax
	}
	return o
}

// list turns every element into its object. An empty list is [], not null.
func list[T, O any](in []T, object func(*T) O) []O {
	out := make([]O, len(in))
	for i := range in {
		out[i] = object(&in[i])
	}
	return out
}

// optional returns nil for the zero value, which JSON then writes as null.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
