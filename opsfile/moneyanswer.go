package opsfile

import (
	"golang.org/x/text/language"

	"creditledger"
	"creditledger/invoice"
)

// The answers of the money side.

// effectsObject is what a change creates and voids in JSON.
type effectsObject struct {
	Entries         []creditledger.Entry   `json:"entries"`
	Blocks          []string               `json:"blocks"`
	InvoicesCreated []*invoice.InvoiceView `json:"invoices_created"`
	InvoicesVoided  []*invoice.InvoiceView `json:"invoices_voided"`
	NotesCreated    []invoice.NoteView     `json:"credit_notes_created"`
	NotesVoided     []invoice.NoteRef      `json:"credit_notes_voided"`
}

func newEffectsObject(e *invoice.Effects, locale language.Tag) (*effectsObject, error) {
	o := &effectsObject{
		Entries: append([]creditledger.Entry{}, e.Entries...), Blocks: append([]string{}, e.Blocks...), NotesCreated: []invoice.NoteView{},
		NotesVoided: append([]invoice.NoteRef{}, e.NotesVoided...),
	}
	var err error
	if o.InvoicesCreated, err = invoice.Views(e.InvoicesCreated, locale); err != nil {
		return nil, err
	}
	if o.InvoicesVoided, err = invoice.Views(e.InvoicesVoided, locale); err != nil {
		return nil, err
	}
	for i := range e.NotesCreated {
		n, err := e.NotesCreated[i].View(locale)
		if err != nil {
			return nil, err
		}
		o.NotesCreated = append(o.NotesCreated, n)
	}
	return o, nil
}

// moneyAnswer is the JSON of what a request of the money side did; nil for others.
func moneyAnswer(h header, answer *Answer) (any, error) {
	if answer.Err != nil {
		return nil, nil
	}
	locale := answer.Locale
	if locale == language.Und {
		locale = language.English
	}
	switch a := answer.Result.(type) {
	case *invoice.Answer:
		view, err := a.Invoice.View(locale)
		if err != nil {
			return nil, err
		}
		received, err := a.Received.View(locale)
		return struct {
			header
			Replayed bool                  `json:"replayed"`
			Invoice  *invoice.InvoiceView  `json:"invoice"`
			BlockID  *string               `json:"new_block_id"`
			Entries  []creditledger.Entry  `json:"entries"`
			Received *invoice.ReceivedView `json:"received,omitempty"`
		}{h, a.Replayed, view, optional(a.BlockID), append([]creditledger.Entry{}, a.Entries...), received}, err
	case *invoice.ChangeAnswer:
		own := *a.Change
		own.Effects = nil
		var effects *effectsObject
		if a.Change.Effects != nil {
			var err error
			if effects, err = newEffectsObject(a.Change.Effects, locale); err != nil {
				return nil, err
			}
		}
		return struct {
			header
			Replayed bool            `json:"replayed"`
			Change   *invoice.Change `json:"change"`
			Effects  *effectsObject  `json:"effects"`
		}{h, a.Replayed, &own, effects}, nil
	case *invoice.Effects:
		effects, err := newEffectsObject(a, locale)
		return struct {
			header
			Effects *effectsObject `json:"effects"`
		}{h, effects}, err
	case *invoice.BalanceAnswer:
		view, err := a.Movement.View(locale)
		return struct {
			header
			Replayed bool                 `json:"replayed"`
			Movement invoice.MovementView `json:"transaction"`
		}{h, a.Replayed, view}, err
	case *Balance:
		return balanceAnswer(h, a, locale)
	case *invoice.InvoicePage:
		return invoicesAnswer(h, a, locale)
	case *invoice.State:
		state, err := newStateObject(a, locale)
		return struct {
			header
			*stateObject
		}{h, state}, err
	case invoice.Settings:
		return struct {
			header
			settingsObject
		}{h, newSettingsObject(a)}, nil
	}
	return nil, nil
}
