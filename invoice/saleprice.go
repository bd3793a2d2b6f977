package invoice

import "creditledger"

// What credits of a sale cost. Rule: docs/invoices/undoing.md, "Refunds".

// refundOf is the price of credits that are taken back, tax included, and that of all, by
// which it goes.
func (inv *Invoice) refundOf(credits creditledger.Amount) (amount, price Money, err error) {
	before := inv.Purchase.TakenBack
	after, err := before.Add(credits)
	if err == nil {
		price, err = inv.priceLeft()
	}
	if err == nil {
		amount, err = inv.priceOf(price, before, after)
	}
	if err != nil {
		return amount, price, err
	}
	left, err := inv.creditable()
	return lessMoney(amount, left), price, err
}

// owedFor is the price of the used ones of the credits that a note took back, which are the
// last of those that were taken back up to some number; at most what was given for them.
func (inv *Invoice) owedFor(n *CreditNote, after creditledger.Amount) (Money, error) {
	unspent, err := after.Sub(n.Spent)
	if err != nil {
		return Money{}, err
	}
	price := n.Price
	if price.IsNone() { // of an earlier release
		if price, err = inv.priceLeft(); err != nil {
			return Money{}, err
		}
	}
	owed, err := inv.priceOf(price, unspent, after)
	return lessMoney(owed, n.Amount), err
}

// priceOf is what the bought credits between the from-th and the to-th cost where all cost a
// price: a share of its net, and one of its tax. Each is the difference of what the credits up
// to there cost, rounded. So parts that make all of them cost all, to the last minor unit.
func (inv *Invoice) priceOf(all Money, from, to creditledger.Amount) (Money, error) {
	net, tax, err := inv.netOf(all)
	price := zeroOf(inv.Currency)
	for _, of := range []Money{net, tax} {
		if err != nil {
			return price, err
		}
		var low, high Money
		if low, err = inv.share(of, from); err != nil {
			return price, err
		}
		if high, err = inv.share(of, to); err != nil {
			return price, err
		}
		if high, err = high.Sub(low); err == nil {
			price, err = price.Add(high)
		}
	}
	return price, err
}

// share is the price of so many of the bought credits.
func (inv *Invoice) share(price Money, credits creditledger.Amount) (Money, error) {
	r := scaled(&price.amount, 0)
	r.Mul(r, scaled(decimalOf(credits), 0))
	return roundRat(r.Quo(r, scaled(decimalOf(inv.Purchase.Amount), 0)), inv.Currency)
}

// priceLeft is the price of all credits: the total less the notes of money, which lower it.
// Those that took credits back, or that stand for what a bank took, do not.
func (inv *Invoice) priceLeft() (Money, error) {
	price := inv.Total
	var err error
	for i := range inv.CreditNotes {
		if n := &inv.CreditNotes[i]; n.VoidedAt == 0 && n.TakenBack.IsZero() && !n.lacking() && err == nil {
			price, err = price.Sub(n.Amount)
		}
	}
	return price, err
}

// netOf divides a price into net and tax, as the total is.
func (inv *Invoice) netOf(price Money) (net, tax Money, err error) {
	if inv.Tax == nil {
		return price, zeroOf(inv.Currency), nil
	}
	less, err := inv.Total.Sub(price)
	if err != nil {
		return net, tax, err
	}
	of, err := inv.taxOfPart(less, inv.Tax, inv.Total)
	if err == nil {
		tax, err = inv.Tax.Sub(of)
	}
	if err == nil {
		net, err = price.Sub(tax)
	}
	return net, tax, err
}

// checkTakenBack proves that notes took back what the sale says, that each is for no more than
// its credits cost, and that what is owed is the price of what was used.
func (inv *Invoice) checkTakenBack() error {
	p := inv.Purchase
	if p == nil || inv.Status == Void { // a void takes back what is left, and every note is void
		return nil
	}
	var after, spent creditledger.Amount
	for i := range inv.CreditNotes {
		n := &inv.CreditNotes[i]
		if n.VoidedAt != 0 || n.TakenBack.IsZero() {
			continue
		}
		before, err := after, error(nil)
		if after, err = after.Add(n.TakenBack); err == nil {
			spent, err = spent.Add(n.Spent)
		}
		if err == nil && !n.Price.IsNone() { // those of earlier releases do not say it
			err = inv.checkPriced(n, before, after)
		}
		if err != nil {
			return err
		}
	}
	if after.Cmp(p.TakenBack) != 0 || spent.Cmp(p.UsedBack) < 0 {
		return violation(inv.name(), "%s credits were taken back, of which the use of %s may return; its notes say %s, of which %s were used", p.TakenBack, p.UsedBack, after, spent)
	}
	return nil
}

func (inv *Invoice) checkPriced(n *CreditNote, before, after creditledger.Amount) error {
	owed, err := inv.owedFor(n, after)
	if err != nil {
		return err
	}
	cost, err := inv.priceOf(n.Price, before, after)
	if err != nil {
		return err
	}
	if !same(owed, n.Owed) || n.Amount.amount.Cmp(&cost.amount) > 0 {
		return violation("credit note "+clip(n.Number), "%s credits at %s for all cost %s, and %s of them were used: it is over %s, and %s are owed, not %s",
			n.TakenBack, n.Price, cost, n.Spent, n.Amount, n.Owed, owed)
	}
	return nil
}
