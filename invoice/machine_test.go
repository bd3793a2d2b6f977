package invoice

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"creditledger"
	"creditledger/store/memory"
)

// machine asks anything at any time.
type machine struct {
	*world
	rt    *rapid.T
	steps int
}

// Whatever is asked is done or refused, and afterwards every invoice adds up and
// agrees with the ledger.
func TestMachine(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &machine{world: newWorld(t, memory.New(), &Options{Tax: FlatTax(amount("19"))}), rt: rt}
		m.customer(nil)
		actions := map[string]func(*rapid.T){"": func(*rapid.T) { m.prove() }}
		for name, action := range map[string]func(key creditledger.Key) error{
			"purchase": m.buy, "spend": m.spendSome, "close": m.closeSome, "start": m.startOne, "succeed": m.succeedOne, "fail": m.failOne,
			"void": m.voidOne, "note": m.noteOne, "void note": m.voidNoteOne, "refund": m.refundSome, "balance": m.balanceSome,
		} {
			actions[name] = func(*rapid.T) { m.step(action) }
		}
		rt.Repeat(actions)
	})
}

func (m *machine) step(action func(key creditledger.Key) error) {
	m.steps++
	m.now = m.now.Add(time.Duration(m.number("hours", 1, 100)) * time.Hour)
	err := action(creditledger.Key(fmt.Sprint("key ", m.steps)))
	if err != nil && !errors.Is(err, creditledger.ErrConstraint) && !errors.Is(err, creditledger.ErrNotFound) && !errors.Is(err, creditledger.ErrInsufficientCredits) {
		m.rt.Fatalf("step %d: %v", m.steps, err)
	}
}

func (m *machine) number(name string, low, high int64) int64 {
	return rapid.Int64Range(low, high).Draw(m.rt, name)
}

func (m *machine) flip(name string) bool { return rapid.Bool().Draw(m.rt, name) }

// some is one of the invoices there are.
func (m *machine) some() *Invoice {
	page, err := m.Invoices(m.ctx, ListQuery{Customer: "cus", Limit: 1000})
	if err != nil || len(page.Invoices) == 0 {
		return &Invoice{ID: "none", Currency: "USD"}
	}
	return page.Invoices[m.number("invoice", 0, int64(len(page.Invoices)-1))]
}

func (m *machine) cents() Money {
	c, err := MinorMoney(m.number("cents", 1, 900), "USD")
	if err != nil {
		m.rt.Fatal(err)
	}
	return c
}

func (m *machine) buy(k creditledger.Key) error {
	p := sale100()
	p.Increment.BlockID = fmt.Sprint("b", m.steps)
	p.Increment.Priority = int32(m.number("priority", 0, 2))
	p.RequirePayment, p.MarkAsPaid = m.flip("require"), m.flip("paid")
	if m.flip("expires") {
		p.Increment.ExpiresAt = creditledger.At(m.now.AddDate(0, 1, 0))
	}
	_, err := m.Purchase(m.ctx, p, k)
	return err
}

func (m *machine) spendSome(k creditledger.Key) error {
	op := creditledger.Decrement{Amount: creditledger.AmountOf(m.number("amount", 1, 60)), Overdraft: creditledger.Overdraft(m.number("overdraft", 0, 2))}
	_, err := m.ledger.Do(m.ctx, credits, op, k)
	return err
}

func (m *machine) closeSome(k creditledger.Key) error {
	u := january()
	u.End = creditledger.At(m.now.Add(-time.Duration(m.number("ago", 0, 200)) * time.Hour))
	u.Start = creditledger.At(start.AddDate(-1, 0, 0))
	_, err := m.ClosePeriod(m.ctx, u, k)
	return err
}

func (m *machine) startOne(k creditledger.Key) error {
	_, err := m.StartPayment(m.ctx, m.some().ID, Attempt{Provider: "p", ChargeType: Checkout}, k)
	return err
}

// payment is one of the attempts of some invoice.
func (m *machine) payment() (invoice, id string) {
	inv := m.some()
	if len(inv.Payments) == 0 {
		return inv.ID, "none"
	}
	return inv.ID, inv.Payments[m.number("payment", 0, int64(len(inv.Payments)-1))].ID
}

func (m *machine) succeedOne(k creditledger.Key) error {
	inv, id := m.payment()
	_, err := m.PaymentSucceeded(m.ctx, inv, id, k)
	return err
}

func (m *machine) failOne(k creditledger.Key) error {
	inv, id := m.payment()
	_, err := m.PaymentFailed(m.ctx, inv, id, FailedReason{Code: "x"}, k)
	return err
}

func (m *machine) voidOne(k creditledger.Key) error {
	_, err := m.Void(m.ctx, m.some().ID, "", k)
	return err
}

func (m *machine) noteOne(k creditledger.Key) error {
	_, err := m.IssueCreditNote(m.ctx, NoteInput{Invoice: m.some().ID, Amount: m.cents()}, k)
	return err
}

func (m *machine) voidNoteOne(k creditledger.Key) error {
	inv := m.some()
	if len(inv.CreditNotes) == 0 {
		return nil
	}
	_, err := m.VoidCreditNote(m.ctx, NoteRef{inv.ID, inv.CreditNotes[0].ID}, k)
	return err
}

func (m *machine) refundSome(k creditledger.Key) error {
	_, err := m.Refund(m.ctx, TakeBack{Invoice: m.some().ID, Credits: creditledger.AmountOf(m.number("credits", 1, 60)), PaidBack: m.flip("back")}, k)
	return err
}

func (m *machine) balanceSome(k creditledger.Key) error {
	change := BalanceChange{Customer: "cus", Type: BalanceIncrement, Amount: m.cents()}
	if m.flip("take") {
		change.Type = BalanceDecrement
	}
	_, err := m.AdjustBalance(m.ctx, change, k)
	return err
}
