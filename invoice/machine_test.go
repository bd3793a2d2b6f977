package invoice

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"creditledger"
)

// machine asks anything at any time.
type machine struct {
	*world
	rt      *rapid.T
	steps   int
	changes []string     // ids of the changes proposed
	call    func() error // the present call, with its key
	last    func() error // the last one that was accepted
}

// Whatever is asked is done or refused, and afterwards every invoice adds up and
// agrees with the balance and the ledger, on every backend.
func TestMachine(t *testing.T) {
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			fewerChecks(t, b.slow)
			accepted := map[string]int{}
			rapid.Check(t, func(rt *rapid.T) {
				w := newWorld(t, b, &Options{TaxPercent: percent("19")})
				defer w.close()
				m := &machine{world: w, rt: rt}
				m.customer(nil)
				actions := map[string]func(*rapid.T){"": func(*rapid.T) { m.examine() }}
				for name, action := range m.actions() {
					actions[name] = func(*rapid.T) {
						if m.step(action) {
							accepted[name]++
						}
					}
				}
				rt.Repeat(actions)
			})
			t.Logf("accepted: %v", accepted)
			for name := range (&machine{}).actions() {
				if accepted[name] == 0 && b.slow == 1 && !testing.Short() { // rapid does less then
					t.Errorf("no call of %q was ever accepted", name)
				}
			}
		})
	}
}

// fewerChecks is for backends that take their time: so many times fewer than the flag
// -rapid.checks says.
func fewerChecks(t *testing.T, slow int) {
	f := flag.Lookup("rapid.checks")
	all := f.Value.String()
	n, err := strconv.Atoi(all)
	if err == nil {
		err = f.Value.Set(strconv.Itoa(max(n/slow, 3)))
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Value.Set(all); err != nil {
			t.Error(err)
		}
	})
}

func (m *machine) actions() map[string]func(creditledger.Key) error {
	all := map[string]func(key creditledger.Key) error{
		"purchase": m.buy, "spend": m.spendSome, "extend": m.extendSome, "close": m.closeSome, "start": m.startOne, "succeed": m.succeedOne, "fail": m.failOne,
		"mark paid": m.markOne, "void": m.voidOne, "note": m.noteOne, "void note": m.voidNoteOne, "refund": m.refundSome, "balance": m.balanceSome,
		"draft": m.draftOne, "tax": m.taxOne, "issue": m.issueOne, "sync": m.syncOne, "propose": m.proposeSome, "apply": m.applyOne, "cancel": m.cancelOne,
		"again": m.again,
	}
	maps.Copy(all, m.undoings())
	return all
}

func (m *machine) examine() {
	for _, finding := range m.findings() {
		m.rt.Error(finding)
	}
	if m.steps%8 == 0 {
		if err := m.verified(); err != nil {
			m.rt.Error(err)
		}
	}
}

// again repeats the last accepted call with its key: it changes nothing.
func (m *machine) again(creditledger.Key) error {
	m.call = m.last
	if m.last == nil {
		return nil
	}
	before := m.dump()
	if err := m.last(); err != nil {
		m.rt.Fatalf("again: %v", err)
	}
	if m.dump() != before {
		m.rt.Fatal("a call that was repeated with its key had an effect")
	}
	return nil
}

// step carries one action out and reports whether it did anything.
func (m *machine) step(action func(key creditledger.Key) error) bool {
	m.steps++
	m.now = m.now.Add(time.Duration(m.number("hours", 1, 100)) * time.Hour)
	m.call = nil
	err := action(creditledger.Key(fmt.Sprint("key ", m.steps)))
	switch {
	case err == nil && m.call != nil:
		m.last = m.call
	case err != nil && !errors.Is(err, creditledger.ErrConstraint) && !errors.Is(err, creditledger.ErrNotFound) && !errors.Is(err, creditledger.ErrInsufficientCredits):
		m.rt.Fatalf("step %d: %v", m.steps, err)
	}
	return err == nil && m.call != nil
}

// ask makes a call that may be repeated.
func (m *machine) ask(call func() error) error {
	m.call = call
	return call()
}

// answer is ask for calls on an invoice.
func (m *machine) answer(call func() (*Answer, error)) error {
	return m.ask(func() error { _, err := call(); return err })
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

func (m *machine) sale() Purchase {
	p := sale100()
	p.Increment.BlockID = fmt.Sprint("b", m.steps)
	p.Increment.Priority = int32(m.number("priority", 0, 2))
	p.RequirePayment, p.MarkAsPaid = m.flip("require"), m.flip("paid")
	if m.flip("expires") {
		p.Increment.ExpiresAt = creditledger.At(m.now.AddDate(0, 1, 0))
	}
	if m.number("collected", 0, 5) == 0 {
		p.PreviouslyCollected = m.cents()
	}
	return p
}

func (m *machine) buy(k creditledger.Key) error {
	p := m.sale()
	return m.answer(func() (*Answer, error) { return m.Purchase(m.ctx, p, k) })
}

func (m *machine) operate(op creditledger.Operation, k creditledger.Key) error {
	return m.ask(func() error { _, err := m.ledger.Do(m.ctx, credits, op, k); return err })
}

func (m *machine) spendSome(k creditledger.Key) error {
	return m.operate(creditledger.Decrement{Amount: creditledger.AmountOf(m.number("amount", 1, 60)), Overdraft: creditledger.Overdraft(m.number("overdraft", 0, 2))}, k)
}

// extendSome moves credits of one of the blocks that hold any.
func (m *machine) extendSome(k creditledger.Key) error {
	page, err := m.ledger.Blocks(m.ctx, credits, creditledger.BlocksQuery{})
	if err != nil {
		return err
	}
	block := "none"
	if n := int64(len(page.Blocks)); n > 0 {
		block = page.Blocks[m.number("block", 0, n-1)].ID
	}
	return m.operate(creditledger.ExpirationChange{
		BlockID: block, Amount: creditledger.AmountOf(m.number("amount", 1, 40)),
		Target: creditledger.At(m.now.AddDate(0, 2, 0)),
	}, k)
}

func (m *machine) closeSome(k creditledger.Key) error {
	u := january()
	u.End = creditledger.At(m.now.Add(-time.Duration(m.number("ago", 0, 200)) * time.Hour))
	u.Start, u.Supplement = creditledger.At(start.AddDate(-1, 0, 0)), m.number("supplement", 0, 3) > 0
	if m.flip("discount") {
		u.Adjustments = []Adjustment{{Kind: PercentageDiscount, Value: creditledger.AmountOf(m.number("percent", 1, 99))}}
	}
	return m.answer(func() (*Answer, error) { return m.ClosePeriod(m.ctx, u, k) })
}

func (m *machine) startOne(k creditledger.Key) error {
	inv := m.some().ID
	return m.answer(func() (*Answer, error) {
		return m.StartPayment(m.ctx, inv, Attempt{Provider: "p", ChargeType: Checkout}, k)
	})
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
	return m.answer(func() (*Answer, error) { return m.PaymentSucceeded(m.ctx, inv, id, k) })
}

func (m *machine) failOne(k creditledger.Key) error {
	inv, id := m.payment()
	return m.answer(func() (*Answer, error) { return m.PaymentFailed(m.ctx, inv, id, FailedReason{Code: "x"}, k) })
}

func (m *machine) markOne(k creditledger.Key) error {
	inv := m.some().ID
	return m.answer(func() (*Answer, error) { return m.MarkPaid(m.ctx, inv, "", k) })
}

func (m *machine) voidOne(k creditledger.Key) error {
	inv := m.some().ID
	return m.answer(func() (*Answer, error) { return m.Void(m.ctx, inv, "", k) })
}

func (m *machine) noteOne(k creditledger.Key) error {
	n := NoteInput{Invoice: m.some().ID, Amount: m.cents()}
	return m.answer(func() (*Answer, error) { return m.IssueCreditNote(m.ctx, n, k) })
}

func (m *machine) voidNoteOne(k creditledger.Key) error {
	inv := m.some()
	for range 4 { // few have any
		if len(inv.CreditNotes) == 0 {
			inv = m.some()
		}
	}
	if len(inv.CreditNotes) == 0 {
		return nil
	}
	n := NoteRef{inv.ID, inv.CreditNotes[0].ID}
	return m.answer(func() (*Answer, error) { return m.VoidCreditNote(m.ctx, n, k) })
}

func (m *machine) refundSome(k creditledger.Key) error {
	b := TakeBack{Invoice: m.some().ID, Credits: creditledger.AmountOf(m.number("credits", 1, 60)), PaidBack: m.flip("back")}
	return m.answer(func() (*Answer, error) { return m.Refund(m.ctx, b, k) })
}

func (m *machine) balanceSome(k creditledger.Key) error {
	change := BalanceChange{Customer: "cus", Type: BalanceIncrement, Amount: m.cents()}
	if m.flip("take") {
		change.Type = BalanceDecrement
	}
	return m.ask(func() error { _, err := m.AdjustBalance(m.ctx, change, k); return err })
}

func (m *machine) draftOne(k creditledger.Key) error {
	d := draft()
	d.Lines[0].Quantity = creditledger.AmountOf(m.number("quantity", 0, 20))
	return m.answer(func() (*Answer, error) { return m.CreateDraft(m.ctx, d, k) })
}

func (m *machine) taxOne(k creditledger.Key) error {
	inv := m.some()
	taxes := make([]creditledger.Amount, len(inv.Lines))
	for i := range taxes {
		taxes[i] = amount(fmt.Sprintf("%de-3", m.number("tax", 0, 2000)))
	}
	return m.answer(func() (*Answer, error) { return m.SetTax(m.ctx, inv.ID, taxes, k) })
}

func (m *machine) issueOne(k creditledger.Key) error {
	inv := m.some().ID
	return m.answer(func() (*Answer, error) { return m.Issue(m.ctx, inv, k) })
}

func (m *machine) syncOne(k creditledger.Key) error {
	inv := m.some().ID
	return m.answer(func() (*Answer, error) { return m.MarkSynced(m.ctx, inv, k) })
}

func (m *machine) proposeSome(k creditledger.Key) error {
	inv := m.some().ID
	p := Proposal{Account: credits, ID: fmt.Sprint("change ", m.steps), ExpiresAt: creditledger.At(m.now.Add(time.Duration(m.number("lasts", 1, 900)) * time.Hour))}
	if m.flip("buys") {
		p.Purchases = []Purchase{m.sale()}
	}
	if m.flip("voids") {
		p.VoidInvoices = []string{inv}
	}
	if m.flip("credits") {
		p.CreditNotes = []NoteInput{{Invoice: m.some().ID, Amount: m.cents()}}
	}
	p.Operations = []creditledger.Operation{creditledger.Increment{Amount: creditledger.AmountOf(m.number("gift", 1, 9))}}
	m.changes = append(m.changes, p.ID)
	return m.ask(func() error { _, err := m.Propose(m.ctx, p, k); return err })
}

func (m *machine) applyOne(k creditledger.Key) error {
	if len(m.changes) == 0 {
		return nil
	}
	id, with := m.changes[len(m.changes)-1], Collected{}
	if m.number("older", 0, 3) == 0 {
		id = m.changes[m.number("change", 0, int64(len(m.changes)-1))]
	}
	if m.flip("collected") {
		with.PreviouslyCollected = m.cents()
	}
	return m.ask(func() error {
		_, err := m.ApplyChange(m.ctx, id, with, k)
		if errors.Is(err, creditledger.ErrInvalid) && strings.Contains(err.Error(), "has passed") {
			err = constraint("%v", err) // a date that was to come when it was proposed
		}
		return err
	})
}

func (m *machine) cancelOne(k creditledger.Key) error {
	if len(m.changes) == 0 {
		return nil
	}
	id := m.changes[len(m.changes)-1]
	return m.ask(func() error { _, err := m.CancelChange(m.ctx, id, k); return err })
}
