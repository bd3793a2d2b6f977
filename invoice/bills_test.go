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
		x.later(r, &a, inv)
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
