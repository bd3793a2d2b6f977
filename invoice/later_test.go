package invoice

import (
	"fmt"
	"math/rand/v2"

	"creditledger"
)

// What becomes of bills and sales afterwards, worked out a second time in whole minor units.

// after is what a bill must be, in minor units, by what was asked of it.
type after struct {
	total, due    int64
	notes         int64 // notes of money
	paid          int64 // less what banks took
	given, banked int64 // to the balance, and by banks
}

// lacks is what banks took and nothing else bears, and balance what stands with the seller.
func (a *after) lacks() int64 { return a.banked - a.fromBalance() }
func (a *after) fromBalance() int64 {
	return max(min(a.banked, a.given), a.banked-(a.total-a.notes))
}
func (a *after) balance() int64 { return a.given - a.fromBalance() }

// later credits and pays an open invoice in random parts, credits what was paid, and lets banks
// take money back: each step changes what is due, what is paid and the customer balance by its
// amount. At the end the bill may be void, or what it drew be given back.
func (x *examination) later(r *rand.Rand, asked *asked, inv *Invoice) {
	x.t.Helper()
	a := &after{total: x.minor(inv.Total), due: x.minor(inv.AmountDue)}
	for step := range 6 {
		x.tick()
		inv = x.laterStep(r, a, inv, creditledger.Key(fmt.Sprint("later ", step)))
		x.expect(x.minor(inv.AmountDue) == a.due && x.minor(inv.Credited) == a.notes+a.lacks() && x.minor(inv.AmountPaid) == a.paid && x.minor(inv.Balance) == -a.balance(),
			"%s after step %d: due %s, credited %s, paid %s, balance %s; not %+v", inv.name(), step, inv.AmountDue, inv.Credited, inv.AmountPaid, inv.Balance, *a)
		x.expect((inv.Status == Paid) == (a.due == 0), "%s is %s, %d are due", inv.name(), inv.Status, a.due)
	}
	x.tick()
	balance := a.balance()
	switch r.IntN(3) {
	case 0:
		inv = x.must(x.Void(x.ctx, inv.ID, "", "undo"))
		balance = a.paid
		x.allBack(asked, inv)
	case 1:
		if inv.Period.Draws != nil {
			inv = x.must(x.IssueCreditNote(x.ctx, NoteInput{Invoice: inv.ID, ReturnDraws: true}, "undo"))
			x.allBack(asked, inv)
		}
	}
	x.expect(x.minor(inv.Balance) == -balance, "%s, %s: the balance has %s of it, not %d", inv.name(), inv.Status, inv.Balance.Neg(), balance)
	if balance != 0 { // the next invoice begins without one
		change := BalanceChange{Customer: inv.Customer, Type: BalanceDecrement, Amount: x.minorOf(max(balance, -balance), inv.Currency)}
		if balance < 0 {
			change.Type = BalanceIncrement
		}
		_, err := x.AdjustBalance(x.ctx, change, "rest")
		x.expect(err == nil, "%v", err)
	}
}

// laterStep takes one step of a bill.
func (x *examination) laterStep(r *rand.Rand, a *after, inv *Invoice, key creditledger.Key) *Invoice {
	most := a.total - a.notes
	if inv.open() {
		most = min(most, a.due)
	}
	switch kind := r.IntN(4); {
	case kind < 2 && most > 0:
		some := 1 + r.Int64N(most)
		if a.notes += some; inv.open() {
			a.due -= some
		} else {
			a.given += some
		}
		return x.must(x.IssueCreditNote(x.ctx, NoteInput{Invoice: inv.ID, Amount: x.minorOf(some, inv.Currency)}, key))
	case inv.open() && r.IntN(3) == 0:
		a.paid, a.due = a.paid+a.due, 0
		return x.must(x.MarkPaid(x.ctx, inv.ID, "", key))
	case !inv.open() && kind == 3 && a.paid > 0:
		some := 1 + r.Int64N(a.paid)
		a.paid, a.banked = a.paid-some, a.banked+some
		return x.must(x.ChargeBack(x.ctx, Chargeback{Invoice: inv.ID, Amount: x.minorOf(some, inv.Currency)}, key))
	case inv.open() || r.IntN(3) == 0: // a part, more than is due, or once more
		came := 1 + r.Int64N(a.due+a.due/2+1)
		a.paid, a.given = a.paid+came, a.given+came-min(came, a.due)
		a.due -= min(came, a.due)
		return x.must(x.Receive(x.ctx, inv.ID, Receipt{Amount: x.minorOf(came, inv.Currency)}, key))
	}
	return inv
}

func (x *examination) minorOf(n int64, currency string) Money {
	m, err := MinorMoney(n, currency)
	if err != nil {
		x.t.Fatal(err)
	}
	return m
}

// allBack expects all credits of a customer who had so many to be there again.
func (x *examination) allBack(a *asked, inv *Invoice) {
	b, err := x.ledger.Balance(x.ctx, a.Account, creditledger.BalanceQuery{})
	x.expect(err == nil && b.Total.Cmp(a.card) == 0, "%s, %s: there are %s credits again of %s, %v", inv.name(), inv.Status, b.Total, a.card, err)
}

// sold sells credits. Some are used; notes, banks and refunds take back money and credits in
// random order, and at the end all are taken back: each step leaves what is counted.
func (x *examination) sold(r *rand.Rand, customer string) (*Answer, error) {
	x.t.Helper()
	p := sale100()
	p.Account.Customer, p.Currency, p.MarkAsPaid = customer, pick(r, "USD", "JPY", "KWD"), true
	p.Account.Currency = "sold"
	n := 1 + r.Int64N(50)
	p.Increment.Amount, p.Increment.CostBasis, p.Increment.BlockID = creditledger.AmountOf(n), basis(fmt.Sprint(1+r.IntN(9), ".", r.IntN(999))), ""
	a, err := x.Purchase(x.ctx, p, "sale")
	inv := x.must(a, err)
	c := newCount(n, inv)
	for step := 0; err == nil && (step < 5 || c.takenBack() < n); step++ {
		x.tick()
		key := creditledger.Key(fmt.Sprint("sold ", step))
		if inv, err = x.soldStep(r, &c, p.Account, inv, step < 5, key); err != nil {
			break
		}
		have, err := x.Balance(x.ctx, customer, inv.Currency)
		x.expect(err == nil && x.minor(have.Amount) == c.balance(), "%s after step %d: the balance is %s, not %d: %+v, %v", inv.name(), step, have.Amount, c.balance(), c, err)
	}
	x.expect(err == nil && x.minor(inv.Credited) == c.credited()+max(c.banks-x.given(inv), 0), "%s: %s were credited of %s: %+v, %v", inv.name(), inv.Credited, inv.Total, c, err)
	return &Answer{Invoice: inv}, err
}

// given is what notes gave to the balance.
func (x *examination) given(inv *Invoice) (cents int64) {
	for i := range inv.CreditNotes {
		if n := &inv.CreditNotes[i]; n.VoidedAt == 0 && n.Effect == ToBalance {
			cents += x.minor(n.Amount)
		} else if n.VoidedAt == 0 && !n.ToBalance.IsNone() {
			cents += x.minor(n.ToBalance)
		}
	}
	return cents
}

// soldStep takes one step of a sale; later ones only take back what is left.
func (x *examination) soldStep(r *rand.Rand, c *count, on creditledger.AccountID, inv *Invoice, early bool, key creditledger.Key) (*Invoice, error) {
	kind, left := 4, c.sold-c.takenBack()
	if early {
		kind = r.IntN(5)
	}
	paid := x.minor(inv.AmountPaid)
	switch most := c.net + c.tax - c.credited(); {
	case kind == 0 && left > c.used:
		n := 1 + r.Int64N(left-c.used)
		c.used += n
		_, err := x.ledger.Do(x.ctx, on, creditledger.Decrement{Amount: creditledger.AmountOf(n), Overdraft: creditledger.OverdraftReject}, key)
		return inv, err
	case kind == 1 && most > 0:
		n := 1 + r.Int64N(most)
		c.notes += n
		return x.must(x.IssueCreditNote(x.ctx, NoteInput{Invoice: inv.ID, Amount: x.minorOf(n, inv.Currency)}, key)), nil
	case kind == 2 && paid > 0 || kind == 3 && paid > 0 && left > 0:
		back := Chargeback{Invoice: inv.ID}
		n := 1 + r.Int64N(paid)
		if back.Amount = x.minorOf(n, inv.Currency); kind == 2 {
			c.banks += n
		} else {
			k := 1 + r.Int64N(left)
			back.Credits = creditledger.AmountOf(k)
			if err := c.refunded(nil, k, n); err != nil {
				return inv, err
			}
		}
		return x.must(x.ChargeBack(x.ctx, back, key)), nil
	case left > 0:
		k := 1 + r.Int64N(left)
		a, err := x.Refund(x.ctx, TakeBack{Invoice: inv.ID, Credits: creditledger.AmountOf(k)}, key)
		return x.must(a, err), c.refunded(err, k, -1)
	}
	return inv, nil
}
