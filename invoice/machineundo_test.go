package invoice

import (
	"creditledger"
)

// undoings are two of the machine's actions, each one of several: what takes something back,
// and money that comes and goes in ways of its own.
func (m *machine) undoings() map[string]func(creditledger.Key) error {
	one := func(of ...func(creditledger.Key) error) func(creditledger.Key) error {
		return func(k creditledger.Key) error { return of[m.number("which", 0, int64(len(of)-1))](k) }
	}
	return map[string]func(key creditledger.Key) error{
		"take back":  one(m.chargeBackOne, m.returnDraws, m.reverseSome),
		"move money": one(m.receiveSome, m.applySome, m.payOutSome),
	}
}

func (m *machine) chargeBackOne(k creditledger.Key) error {
	c := Chargeback{Invoice: m.some().ID, Amount: m.cents()}
	if m.flip("credits") {
		c.Credits = creditledger.AmountOf(m.number("credits", 1, 30))
	}
	return m.answer(func() (*Answer, error) { return m.ChargeBack(m.ctx, c, k) })
}

func (m *machine) returnDraws(k creditledger.Key) error {
	n := NoteInput{Invoice: m.some().ID, ReturnDraws: true}
	if m.flip("money") {
		n.Amount = m.cents()
	}
	return m.answer(func() (*Answer, error) { return m.IssueCreditNote(m.ctx, n, k) })
}

func (m *machine) receiveSome(k creditledger.Key) error {
	inv, r := m.some().ID, Receipt{Amount: m.cents()}
	if m.flip("named") {
		r.OutsideID, r.Amount = "wire", money(m.t, "1", "USD")
	}
	return m.answer(func() (*Answer, error) { return m.Receive(m.ctx, inv, r, k) })
}

func (m *machine) applySome(k creditledger.Key) error {
	inv := m.some().ID
	return m.answer(func() (*Answer, error) { return m.ApplyBalance(m.ctx, inv, Money{}, k) })
}

func (m *machine) payOutSome(k creditledger.Key) error {
	p := Payout{Customer: "cus", Amount: m.cents()}
	return m.ask(func() error { _, err := m.PayOut(m.ctx, p, k); return err })
}

// reverseSome takes back some entry, by the service: what made debts again it refuses.
func (m *machine) reverseSome(k creditledger.Key) error {
	page, err := m.ledger.Entries(m.ctx, credits, creditledger.EntriesQuery{Type: creditledger.EntryDecrement, Limit: 50})
	if err != nil {
		return err
	}
	op := creditledger.Reverse{Entry: 1}
	if n := int64(len(page.Entries)); n > 0 {
		op.Entry = page.Entries[m.number("entry", 0, n-1)].Seq
	}
	if m.flip("part") {
		op.Amount = creditledger.AmountOf(m.number("amount", 1, 20))
	}
	return m.ask(func() error { _, err := m.Do(m.ctx, credits, op, k); return err })
}
