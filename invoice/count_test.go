package invoice

import (
	"fmt"
	"math/big"

	"creditledger"
)

// count is the second model of a sale that is undone: what there must be, from what was asked
// alone. It knows no block, no payment and no note. Of N credits sold, K taken back and U in
// use, K + U − N were used and taken back, and N − K − U are there or lapsed. What was used and
// taken back are the last of those that were taken back.
type count struct {
	sold, used    int64
	taken         []portion
	notes, banks  int64 // cents: notes of money, and what banks took for no credits
	clawed        int64 // cents that banks took for credits
	net, tax      int64 // cents that were paid
	void, expired bool
}

// portion is credits that were taken back, the price that all had then, and what was given.
type portion struct{ credits, price, given int64 }

func newCount(sold int64, sale *Invoice) count {
	c := count{sold: sold, net: mustMinor(sale.Net)}
	if sale.Tax != nil {
		c.tax = mustMinor(*sale.Tax)
	}
	return c
}

func mustMinor(m Money) int64 {
	n, err := m.Minor()
	if err != nil {
		panic(err)
	}
	return n
}

// whole is a number of credits, all of which are whole here.
func whole(a creditledger.Amount) int64 {
	r := fraction(a)
	if !r.IsInt() {
		panic(a.String())
	}
	return r.Num().Int64()
}

func (c *count) takenBack() (n int64) {
	for _, p := range c.taken {
		n += p.credits
	}
	return n
}

// credited is what refunds and notes of money credit.
func (c *count) credited() int64 {
	n := c.notes
	for _, p := range c.taken {
		n += p.given
	}
	return n
}

// cost is what the credits between two cost, where all cost a price: of net and tax the part
// up to the one less that up to the other, each rounded.
func (c *count) cost(price, from, to int64) int64 {
	total := c.net + c.tax
	tax := c.tax - nearest(big.NewRat((total-price)*c.tax, total))
	up := func(of, k int64) int64 { return nearest(big.NewRat(of*k, c.sold)) }
	net := price - tax
	return up(net, to) - up(net, from) + up(tax, to) - up(tax, from)
}

// refunded counts credits that were taken back, unless that was refused; a bank took so much
// for them, or none did.
func (c *count) refunded(err error, credits, bank int64) error {
	if err != nil {
		return err
	}
	k, price := c.takenBack(), c.net+c.tax-c.notes
	given := min(c.cost(price, k, k+credits), c.net+c.tax-c.credited())
	if bank >= 0 {
		c.clawed += min(given, bank)
		c.banks += bank - min(given, bank)
	}
	c.taken = append(c.taken, portion{credits, price, given})
	return nil
}

// charged counts what a bank took.
func (c *count) charged(err error, cents int64) error {
	if err == nil {
		c.banks += cents
	}
	return err
}

// owed is the price of what was used and taken back.
func (c *count) owed() (cents int64) {
	k, spent := c.takenBack(), c.takenBack()+c.used-c.sold
	from := int64(0)
	for _, p := range c.taken {
		to := from + p.credits
		if first := max(from, k-spent); first < to && spent > 0 {
			cents += min(c.cost(p.price, first, to), p.given)
		}
		from = to
	}
	return cents
}

// balance is what the customer has with the seller for this sale: what was paid and is not
// asked for any more, less what is owed for what was used.
func (c *count) balance() int64 {
	paid := c.net + c.tax - c.clawed - c.banks
	if c.void {
		return paid
	}
	asked := c.net + c.tax - c.credited()
	return max(paid-asked, 0) - c.owed() // what lacks is written off
}

// differs compares a story with what is counted.
func (c *count) differs(s *told) (found []string) {
	s.t.Helper()
	have, err := s.Balance(s.ctx, "cus", "USD")
	if err != nil {
		s.t.Fatal(err)
	}
	want := c.balance() + s.ofBills()
	if got := mustMinor(have.Amount); got != want {
		found = append(found, fmt.Sprintf("the balance is %s, not %d cents: %+v", have.Amount, want, *c))
	}
	free, lapsed := s.credits()
	left := max(c.sold-c.takenBack()-c.used, 0)
	if c.void {
		left = 0
	}
	if free+lapsed != left {
		found = append(found, fmt.Sprintf("there are %d credits and %d lapsed, not %d: %+v", free, lapsed, left, *c))
	}
	inv, err := s.Invoice(s.ctx, s.sale.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	if use := inv.UnpaidUse; c.void && (use == nil && c.used != 0 || use != nil && whole(use.Credits) != c.used) {
		found = append(found, fmt.Sprintf("the unpaid use is %v, not %d", use, c.used))
	}
	return found
}

// ofBills is what bills moved of the balance: none of them is paid here, so what they took
// comes back when they are void.
func (s *told) ofBills() (cents int64) {
	for _, b := range s.bills {
		inv, err := s.Invoice(s.ctx, b.ID)
		if err != nil {
			s.t.Fatal(err)
		}
		cents -= mustMinor(inv.Balance)
	}
	return cents
}

// credits are those that stand in all blocks, and those that lapsed.
func (s *told) credits() (free, lapsed int64) {
	s.t.Helper()
	for _, on := range []creditledger.AccountID{credits, friend} {
		page, err := s.ledger.Blocks(s.ctx, on, creditledger.BlocksQuery{All: true, Limit: 100})
		if err != nil {
			s.t.Fatal(err)
		}
		for _, b := range page.Blocks {
			n := whole(b.Balance)
			if b.Expired(creditledger.InstantOf(s.now)) {
				lapsed += n
			} else {
				free += n
			}
			lapsed += whole(b.Lapsed)
		}
	}
	return free, lapsed
}
