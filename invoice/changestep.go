package invoice

import (
	"fmt"
	"slices"

	"creditledger"
)

// The steps of a pending change: each adds its part to the one commit and notes its
// effects.

// note takes the results of a part into the effects.
func (e *Effects) note(entries *[]creditledger.Entry, blocks *[]string, r []creditledger.Result) {
	*entries, *blocks = nil, nil
	for i := range r {
		*entries = append(*entries, r[i].Entries...)
		if r[i].NewBlockID != "" {
			*blocks = append(*blocks, r[i].NewBlockID)
		}
	}
}

// effectsOf adds a part whose results are noted in their place, no matter how often the
// ledger decides.
func (t *tx) effectsOf(e *Effects, on Account, ops []creditledger.Operation, decided func([]creditledger.Result) error) error {
	place := len(t.parts)
	return t.ask(on, ops, func(r []creditledger.Result) error {
		if place == 0 {
			e.Entries, e.Blocks = nil, nil
		}
		var entries []creditledger.Entry
		var blocks []string
		e.note(&entries, &blocks, r)
		e.Entries, e.Blocks = append(e.Entries, entries...), append(e.Blocks, blocks...)
		if decided == nil {
			return nil
		}
		return decided(r)
	})
}

func (t *tx) voidInChange(id string, e *Effects) error {
	inv, err := t.mine(id)
	if err != nil {
		return err
	}
	if p := inv.pending(); p != nil {
		return constraint("%s has a payment under way, %s", inv.name(), p.ID)
	}
	e.InvoicesVoided = append(e.InvoicesVoided, inv)
	first := len(t.parts)
	if err := t.void(inv, Voiding{}, &Answer{}); err != nil {
		return err
	}
	// The parts that the void asked for, if any, shall note their entries too.
	added := slices.Clone(t.parts[first:])
	t.parts = t.parts[:first]
	for _, p := range added {
		if err := t.effectsOf(e, p.on, p.ops, p.decided); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) operate(ch *Change, e *Effects) error {
	var ops []creditledger.Operation
	for _, o := range ch.Steps.Operations {
		if o.refused != nil {
			return o.refused
		}
		ops = append(ops, o.op)
	}
	return t.effectsOf(e, ch.Account, ops, nil)
}

func (t *tx) buyInChange(ch *Change, i int, e *Effects) error {
	p, err := ch.Steps.Purchases[i].purchase()
	if err != nil {
		return err
	}
	plan, err := t.planPurchase(p, fmt.Sprint(i))
	if err != nil {
		return err
	}
	plan.invoice.Change = ch.ID
	e.InvoicesCreated = append(e.InvoicesCreated, plan.invoice)
	return t.effectsOf(e, ch.Account, []creditledger.Operation{plan.increment}, func(r []creditledger.Result) error {
		plan.invoice.Purchase.BlockID = r[0].NewBlockID
		return nil
	})
}

// purchase gives a stored purchase back.
func (k *purchaseKey) purchase() (_ *Purchase, err error) {
	if k.Increment.refused != nil {
		return nil, k.Increment.refused
	}
	inc, ok := k.Increment.op.(creditledger.Increment)
	if !ok {
		return nil, &creditledger.CorruptError{Where: "purchase of a pending change", Reason: "it is a " + k.Increment.op.Name()}
	}
	terms := k.Terms.Terms
	if terms.CustomDueDate, err = parseWhen(k.Terms.Due); err != nil {
		return nil, err
	}
	if terms.InvoiceDate, err = parseWhen(k.Terms.Date); err != nil {
		return nil, err
	}
	deadline, err := parseWhen(k.PaymentDeadline)
	if err != nil {
		return nil, err
	}
	return &Purchase{
		PaymentDeadline: deadline, ShiftExpiry: k.ShiftExpiry,
		Account: k.Account.id(), Increment: inc, Terms: terms, Currency: k.Currency, ItemID: k.ItemID,
		MarkAsPaid: k.MarkAsPaid, RequirePayment: k.RequirePayment, PreviouslyCollected: k.PreviouslyCollected,
	}, nil
}
