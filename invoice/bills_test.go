package invoice

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"
	"time"

	"creditledger"
	"creditledger/fuzz/testsize"
)

// asked is a bill as a caller asks for it.
type asked struct {
	Usage
	card   creditledger.Amount // credits that are there
	digits int                 // of the currency's minor unit
	seller *creditledger.Amount
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// decimal is a random decimal of up to some places.
func decimal(r *rand.Rand, limit int64, places int) string {
	p := r.IntN(places + 1)
	scale := int64(1)
	for range p {
		scale *= 10
	}
	return big.NewRat(r.Int64N(limit), scale).FloatString(p)
}

func randomAdjustments(r *rand.Rand) (list []Adjustment) {
	for range max(r.IntN(5)-2, 0) {
		kind := pick(r, UsageDiscount, AmountDiscount, PercentageDiscount, Minimum, Maximum)
		value := decimal(r, 5000, 3)
		if kind == PercentageDiscount {
			value = decimal(r, 100, 1)
		}
		list = append(list, Adjustment{Kind: kind, Value: amount(value)})
	}
	return list
}

func randomLine(r *rand.Rand, taxed bool) LineInput {
	l := LineInput{ItemID: "i", Quantity: amount(decimal(r, 2000, 2)), Adjustments: randomAdjustments(r), InAdvance: r.IntN(5) == 0}
	if r.IntN(4) == 0 {
		l.TierMode = pick(r, Graduated, Volume)
		l.Tiers = []Tier{{UpTo: amount("10"), UnitPrice: basis(decimal(r, 900, 5))}, {UpTo: amount("100.5"), UnitPrice: basis(decimal(r, 900, 5))}, {UnitPrice: basis(decimal(r, 900, 5))}}
	} else {
		l.UnitPrice = basis(decimal(r, 3000, 5))
	}
	if taxed && r.IntN(3) == 0 {
		l.TaxPercent = percent(pick(r, "7", "19", "0", "8.25"))
	}
	return l
}

// randomBill asks for a bill of a customer.
func randomBill(r *rand.Rand, customer string) asked {
	currency := pick(r, "USD", "JPY", "KWD")
	a := asked{digits: map[string]int{"USD": 2, "JPY": 0, "KWD": 3}[currency]}
	a.Usage = Usage{
		Account: creditledger.AccountID{Customer: customer, Currency: currency}, Currency: currency, Adjustments: randomAdjustments(r),
		Start: creditledger.At(start.Add(time.Hour)), End: creditledger.At(start.AddDate(0, 0, 1)),
		Terms: Terms{AutoCollection: Yes(), NetTerms: Days(3), CreditsPay: pick(r, CreditsPayNet, CreditsPayTotal)},
	}
	if r.IntN(2) == 0 {
		a.Account.Currency, a.Rate = "credits", basis(pick(r, "0.01", "1", "0.333", "3", "0.2"))
	}
	taxed := r.IntN(4) > 0
	if taxed {
		a.seller = percent(pick(r, "19", "8", "20", "21.32", "0.125"))
	}
	if r.IntN(2) == 0 {
		a.Terms.PricesIncludeTax = Yes()
	}
	for range 1 + r.IntN(4) {
		a.Lines = append(a.Lines, randomLine(r, taxed))
	}
	a.card = amount(decimal(r, 90000, 4))
	return a
}

// Bills are what an independent recomputation makes of them, and stay so whatever is
// credited and paid afterwards.
func TestBillsAreRecomputed(t *testing.T) {
	r, seed := random(t)
	w := newWorld(t, onMemory, nil)
	x := &examination{world: w}
	bills := testsize.Of(40, 200, 10_000)
	different := 0
	for n := range bills {
		customer := fmt.Sprint("cus_", n)
		a := randomBill(r, customer)
		w.now, w.options.TaxPercent = start, a.seller
		if _, err := w.ledger.Do(w.ctx, a.Account, creditledger.Increment{Amount: a.card}, "card"); err != nil && a.card.Sign() > 0 {
			t.Fatal(err)
		}
		w.now = start.AddDate(0, 0, 2)
		inv := w.must(w.ClosePeriod(w.ctx, a.Usage, "close"))
		if found := recompute(&a).differences(x, inv); len(found) > 0 {
			different++
			t.Errorf("bill %d of seed %d: %v\n%+v", n, seed, found, a)
		}
		x.later(r, inv)
		if w.must(x.sold(r, customer)); len(x.found) > 0 {
			t.Errorf("bill %d of seed %d: %v", n, seed, x.found)
		}
		if t.Failed() {
			break
		}
	}
	if v, err := w.Verify(w.ctx, nil); err != nil || v.Violation != nil || v.Invoices != uint64(2*bills) {
		t.Errorf("verified: %+v, %v", v, err)
	}
	t.Logf("%d bills, %d different", bills, different)
}

// later credits and pays an open invoice in random parts, and credits what was paid: each
// step changes what is due, what is paid and the customer balance by its amount.
func (x *examination) later(r *rand.Rand, inv *Invoice) {
	x.t.Helper()
	due, credited, paid, balance, total := x.minor(inv.AmountDue), int64(0), int64(0), int64(0), x.minor(inv.Total)
	for step := range 4 {
		x.tick()
		key := creditledger.Key(fmt.Sprint("later ", step))
		open, some := inv.open(), int64(0)
		if most := total - credited; most > 0 {
			if open {
				most = min(most, due)
			}
			some = 1 + r.Int64N(most)
		}
		switch {
		case some > 0 && r.IntN(2) == 0:
			m, err := MinorMoney(some, inv.Currency)
			if err != nil {
				x.t.Fatal(err)
			}
			inv = x.must(x.IssueCreditNote(x.ctx, NoteInput{Invoice: inv.ID, Amount: m}, key))
			if credited += some; open {
				due -= some
			} else {
				balance += some
			}
		case open && r.IntN(3) == 0:
			inv = x.must(x.MarkPaid(x.ctx, inv.ID, "", key))
			paid, due = paid+due, 0
		case open || r.IntN(3) == 0: // a part, more than is due, or once more
			came := 1 + r.Int64N(due+due/2+1)
			m, err := MinorMoney(came, inv.Currency)
			if err != nil {
				x.t.Fatal(err)
			}
			inv = x.must(x.Receive(x.ctx, inv.ID, Receipt{Amount: m}, key))
			paid, balance = paid+came, balance+came-min(came, due)
			due -= min(came, due)
		}
		x.expect(x.minor(inv.AmountDue) == due && x.minor(inv.Credited) == credited && x.minor(inv.AmountPaid) == paid && x.minor(inv.Balance) == -balance,
			"%s after step %d: due %s, credited %s, paid %s, balance %s; not %d, %d, %d, -%d", inv.name(), step, inv.AmountDue, inv.Credited, inv.AmountPaid, inv.Balance, due, credited, paid, balance)
		x.expect((inv.Status == Paid) == (due == 0), "%s is %s, %d are due", inv.name(), inv.Status, due)
	}
	if balance != 0 { // the next invoice begins without one
		m, err := MinorMoney(balance, inv.Currency)
		if err == nil {
			_, err = x.AdjustBalance(x.ctx, BalanceChange{Customer: inv.Customer, Type: BalanceDecrement, Amount: m}, "rest")
		}
		x.expect(err == nil, "%v", err)
	}
}

// sold sells credits, and takes all of them back in random parts: that gives the total.
func (x *examination) sold(r *rand.Rand, customer string) (*Answer, error) {
	x.t.Helper()
	credits := 1 + r.Int64N(50)
	p := sale100()
	p.Account.Customer, p.Currency, p.MarkAsPaid = customer, pick(r, "USD", "JPY", "KWD"), true
	p.Increment.Amount, p.Increment.CostBasis, p.Increment.BlockID = creditledger.AmountOf(credits), basis(fmt.Sprint(1+r.IntN(9), ".", r.IntN(999))), ""
	a, err := x.Purchase(x.ctx, p, "sale")
	inv := x.must(a, err)
	for n := 0; credits > 0; n++ {
		part := 1 + r.Int64N(credits)
		credits -= part
		x.tick()
		a, err = x.Refund(x.ctx, TakeBack{Invoice: inv.ID, Credits: creditledger.AmountOf(part)}, creditledger.Key(fmt.Sprint("refund ", n)))
		inv = x.must(a, err)
	}
	x.expect(x.minor(inv.Credited) == x.minor(inv.Total) && x.minor(inv.Balance) == -x.minor(inv.Total), "%s: %s were given back of %s", inv.name(), inv.Credited, inv.Total)
	return a, err
}
