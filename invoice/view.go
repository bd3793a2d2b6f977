package invoice

import "golang.org/x/text/language"

// View is money for display.
type View struct {
	Amount          int64  `json:"amount"` // minor units
	AmountFormatted string `json:"amount_formatted"`
	Currency        string `json:"currency"`
	CurrencySymbol  string `json:"currency_symbol"`
	Text            string `json:"text"` // exact decimal and code, as Money reads it
}

// View returns rounded money for display in a language.
func (m Money) View(tag language.Tag) (View, error) {
	minor, err := m.Minor()
	if err != nil {
		return View{}, err
	}
	return View{
		Amount: minor, AmountFormatted: m.Format(tag), Currency: m.currency, CurrencySymbol: symbolOf(m.currency, tag), Text: m.String(),
	}, nil
}

// InvoiceView is an invoice for display: its JSON has every figure as a View.
type InvoiceView struct {
	*Invoice
	Lines       []LineView    `json:"lines"`
	Subtotal    View          `json:"subtotal"`
	Discount    View          `json:"discount"`
	Credits     View          `json:"credits_applied"`
	Net         View          `json:"net"`
	Tax         *View         `json:"tax,omitempty"`
	Total       View          `json:"total"`
	Balance     View          `json:"balance_applied"`
	AmountPaid  View          `json:"amount_paid"`
	Credited    View          `json:"credited"`
	AmountDue   View          `json:"amount_due"`
	Payments    []PaymentView `json:"payments,omitempty"`
	CreditNotes []NoteView    `json:"credit_notes,omitempty"`
	UnpaidUse   *UseView      `json:"unpaid_use,omitempty"`
	Rounding    int           `json:"rounding,omitempty"` // none: it is of use to the record alone
	Drafted     *Drafted      `json:"drafted,omitempty"`  // none, too
}

// UseView is what was used and never paid, for display.
type UseView struct {
	*UnpaidUse
	Amount View `json:"amount"`
}

// LineView is a line for display.
type LineView struct {
	*Line
	Subtotal View  `json:"subtotal"`
	Discount View  `json:"discount"`
	Credits  View  `json:"credits_applied"`
	Net      View  `json:"net"`
	Tax      *View `json:"tax,omitempty"`
	Total    View  `json:"total"`
}

// PaymentView is a payment for display.
type PaymentView struct {
	*Payment
	Amount      View  `json:"amount"`
	FromBalance *View `json:"from_balance,omitempty"`
	ToBalance   *View `json:"to_balance,omitempty"`
}

// ReceivedView is what a notice of a payment changed, for display.
type ReceivedView struct {
	*Received
	Applied   View `json:"applied"`
	ToBalance View `json:"to_balance"`
}

// View returns what a notice changed for display in a language; nil of none.
func (r *Received) View(tag language.Tag) (*ReceivedView, error) {
	if r == nil {
		return nil, nil
	}
	v := &viewer{tag: tag}
	return &ReceivedView{Received: r, Applied: v.of(r.Applied), ToBalance: v.of(r.ToBalance)}, v.err
}

// NoteView is a credit note for display.
type NoteView struct {
	*CreditNote
	Amount View           `json:"amount"`
	Net    *View          `json:"net,omitempty"`
	Tax    *View          `json:"tax,omitempty"`
	Lines  []NoteLineView `json:"lines,omitempty"`
	Owed   View           `json:"owed"`
	// Price and ToBalance are there where the note has them.
	Price     *View `json:"price,omitempty"`
	ToBalance *View `json:"to_balance,omitempty"`
}

// NoteLineView is a line of a credit note for display.
type NoteLineView struct {
	*NoteLine
	Amount View  `json:"amount"`
	Net    View  `json:"net"`
	Tax    *View `json:"tax,omitempty"`
}

// MovementView is a transaction of a customer balance for display.
type MovementView struct {
	*Movement
	Amount   View `json:"amount"`
	Starting View `json:"starting_balance"`
	Ending   View `json:"ending_balance"`
}

// viewer makes views until one fails.
type viewer struct {
	tag language.Tag
	err error
}

func (v *viewer) of(m Money) View {
	if v.err != nil {
		return View{}
	}
	res, err := m.View(v.tag)
	v.err = err
	return res
}

// known is nil for money that is not known.
func (v *viewer) known(m *Money) *View {
	if m == nil {
		return nil
	}
	res := v.of(*m)
	return &res
}

// View returns the invoice for display in a language.
func (inv *Invoice) View(tag language.Tag) (*InvoiceView, error) {
	v := &viewer{tag: tag}
	res := &InvoiceView{
		Invoice:  inv,
		Lines:    make([]LineView, 0, len(inv.Lines)),
		Subtotal: v.of(inv.Subtotal), Discount: v.of(inv.Discount), Credits: v.of(inv.Credits), Net: v.of(inv.Net),
		Tax: v.known(inv.Tax), Total: v.of(inv.Total), Balance: v.of(inv.Balance), AmountPaid: v.of(inv.AmountPaid),
		Credited: v.of(inv.Credited), AmountDue: v.of(inv.AmountDue),
	}
	for i := range inv.Lines {
		l := &inv.Lines[i]
		res.Lines = append(res.Lines, LineView{
			Line: l, Subtotal: v.of(l.Subtotal), Discount: v.of(l.Discount), Credits: v.of(l.Credits), Net: v.of(l.Net),
			Tax: v.known(l.Tax), Total: v.of(l.Total),
		})
	}
	for i := range inv.Payments {
		p := &inv.Payments[i]
		view := PaymentView{Payment: p, Amount: v.of(p.Amount)}
		if !p.FromBalance.IsNone() {
			view.FromBalance = v.known(&p.FromBalance)
		}
		if !p.ToBalance.IsNone() {
			view.ToBalance = v.known(&p.ToBalance)
		}
		res.Payments = append(res.Payments, view)
	}
	if u := inv.UnpaidUse; u != nil {
		res.UnpaidUse = &UseView{UnpaidUse: u, Amount: v.of(u.Amount)}
	}
	for i := range inv.CreditNotes {
		res.CreditNotes = append(res.CreditNotes, v.note(&inv.CreditNotes[i]))
	}
	return res, v.err
}

func (v *viewer) note(n *CreditNote) NoteView {
	view := NoteView{CreditNote: n, Amount: v.of(n.Amount), Tax: v.known(n.Tax), Owed: v.of(n.Owed)}
	for _, of := range []struct {
		m  *Money
		to **View
	}{{&n.Net, &view.Net}, {&n.Price, &view.Price}, {&n.ToBalance, &view.ToBalance}} {
		if !of.m.IsNone() {
			*of.to = v.known(of.m)
		}
	}
	for i := range n.Lines {
		l := &n.Lines[i]
		view.Lines = append(view.Lines, NoteLineView{NoteLine: l, Amount: v.of(l.Amount), Net: v.of(l.Net), Tax: v.known(l.Tax)})
	}
	return view
}

// View returns the credit note for display in a language.
func (n *CreditNote) View(tag language.Tag) (NoteView, error) {
	v := &viewer{tag: tag}
	return v.note(n), v.err
}

// View returns the transaction for display in a language.
func (m *Movement) View(tag language.Tag) (MovementView, error) {
	v := &viewer{tag: tag}
	return MovementView{Movement: m, Amount: v.of(m.Amount), Starting: v.of(m.Starting), Ending: v.of(m.Ending)}, v.err
}

// Views returns invoices for display in a language, never nil.
func Views(list []*Invoice, tag language.Tag) ([]*InvoiceView, error) {
	res := make([]*InvoiceView, 0, len(list))
	for _, inv := range list {
		v, err := inv.View(tag)
		if err != nil {
			return nil, err
		}
		res = append(res, v)
	}
	return res, nil
}
