package invoice

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"creditledger"
)

// examined is what was seen of one customer.
type examined struct {
	invoices, transactions uint64
	numbered               map[string]uint64                               // invoices with a number, by seller
	applied                map[string]Money                                // from the balance, by invoice
	claims                 map[creditledger.AccountID]map[string]claimedBy // draws, by entry

	moved   map[string]map[Action]Money                  // in balances, by invoice
	periods map[string]*Invoice                          // that are to be listed as closed, by their keys
	voided  map[creditledger.AccountID]map[string]string // names of purchases that are void, by their ids

	waiting map[string]creditledger.Instant // purchases that wait for their payment, with when they end

	tally tally  // of the customer, before its records were read
	puts  uint64 // that the records say they had, as counted in it
}

// claimedBy is a draw and who says that it happened.
type claimedBy struct {
	invoice string
	draw    Draw
}

// customer examines one customer, once.
func (x *examiner) customer(customer string) (*examined, error) {
	seen := &examined{numbered: map[string]uint64{}, applied: map[string]Money{}, claims: map[creditledger.AccountID]map[string]claimedBy{}, periods: map[string]*Invoice{}, moved: map[string]map[Action]Money{}, voided: map[creditledger.AccountID]map[string]string{}, waiting: map[string]creditledger.Instant{}}
	var err error
	if seen.tally, err = x.tally(customer); err != nil {
		return nil, err
	}
	if err := x.balances(customer, seen); err != nil {
		return nil, err
	}
	prefix := customer + separator
	err = x.each(kindIndex, prefix, func(rec *creditledger.Document) error {
		id := rec.Key[min(len(rec.Key), len(prefix)+20+len(separator)):]
		var inv Invoice
		found, err := x.recordOf(kindInvoice, id, &inv, seen)
		if err != nil {
			return err
		}
		if !found {
			return violation("invoices of "+clip(customer), "%s is listed and is not there", clip(id))
		}
		if indexKey(&inv) != rec.Key {
			return violation(inv.name(), "it is listed as another one, of customer %s", clip(customer))
		}
		return firstError(seen.put(rec), x.invoice(&inv, seen))
	})
	if err != nil {
		return nil, err
	}
	for _, id := range slices.Sorted(maps.Keys(seen.applied)) {
		if m := seen.applied[id]; m.Sign() != 0 {
			return nil, violation("customer balance of "+clip(customer), "%s of it is applied to %s, which is not the customer's", m, clip(id))
		}
	}
	if err := firstError(x.periods(customer, seen), x.sold(customer, seen), x.listedWaiting(customer, seen)); err != nil {
		return nil, err
	}
	return seen, firstError(seen.listedPeriods(), x.drawn(seen), x.tallied(customer, seen))
}

// balances proves the chains of a customer's transactions, and adds up what went to
// each invoice, less what came back.
func (x *examiner) balances(customer string, seen *examined) error {
	ends := map[string]Movement{} // the last transaction of each balance
	prefix := customer + separator
	err := x.each(kindMovement, prefix, func(rec *creditledger.Document) error {
		var m Movement
		if err := decode(rec, &m); err != nil {
			return err
		}
		currency, _, _ := strings.Cut(rec.Key[len(prefix):], separator)
		last, ok := ends[currency]
		if !ok {
			last.Ending = zeroOf(currency)
		}
		where := fmt.Sprintf("transaction %d of the customer balance of %s in %s", last.Number+1, clip(customer), clip(currency))
		if m.Number != last.Number+1 || rec.Key != movementKey(customer, currency, m.Number) {
			return violation(where, "it is missing, number %d follows", m.Number)
		}
		if !same(m.Starting, last.Ending) {
			return violation(where, "it begins at %s, and the one before ended at %s", m.Starting, last.Ending)
		}
		change := m.Amount
		if m.Type == BalanceDecrement {
			change = change.Neg()
		}
		end, err := m.Starting.Add(change)
		if err != nil || m.Amount.Sign() <= 0 || !same(end, m.Ending) || m.Type != BalanceIncrement && m.Type != BalanceDecrement {
			return violation(where, "%s and an %s of %s do not make %s", m.Starting, clip(string(m.Type)), m.Amount, m.Ending)
		}
		ends[currency] = m
		seen.transactions++
		if err := seen.put(rec); err != nil {
			return err
		}
		if err := seen.moves(&m, change); err != nil {
			return violation(where, "%v", err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = x.each(kindBalance, prefix, func(rec *creditledger.Document) error {
		var b CustomerBalance
		if err := decode(rec, &b); err != nil {
			return err
		}
		currency := rec.Key[len(prefix):]
		if m := ends[currency]; b.Last != m.Number || !same(b.Amount, m.Ending) {
			return violation(fmt.Sprintf("customer balance of %s in %s", clip(customer), clip(currency)),
				"it is %s after %d transactions, the last of which, %d, ended at %s", b.Amount, b.Last, m.Number, m.Ending)
		}
		delete(ends, currency)
		return seen.put(rec)
	})
	if err != nil {
		return err
	}
	for _, currency := range slices.Sorted(maps.Keys(ends)) {
		return violation(fmt.Sprintf("customer balance of %s in %s", clip(customer), clip(currency)), "it is missing, and has transactions")
	}
	return nil
}

// same reports whether two figures are of one currency and equal.
func same(a, b Money) bool {
	c, err := a.Cmp(b)
	return err == nil && c == 0
}

// invoice proves what an invoice says of itself, of the balance and of its draws.
func (x *examiner) invoice(inv *Invoice, seen *examined) error {
	if err := inv.Check(); err != nil {
		return err
	}
	seen.invoices++
	if inv.Period != nil && inv.Period.Charge != "" { // those of earlier releases were not listed
		seen.periods[periodKey(inv)] = inv
	}
	if inv.Number != "" {
		seen.numbered[inv.Seller]++
	}
	applied, ok := seen.applied[inv.ID]
	if !ok {
		applied = zeroOf(inv.Currency)
	}
	if !same(inv.Balance, applied) {
		return violation(inv.name(), "%s of the customer balance is applied, and the balance says %s", inv.Balance, applied)
	}
	delete(seen.applied, inv.ID)
	if err := firstError(seen.explains(inv), x.bought(inv, seen), x.waits(inv, seen)); err != nil {
		return err
	}
	return inv.claim(seen)
}

// bought proves that the block of a purchase exists, and notes a void one: what made debts
// again then is to stand.
func (x *examiner) bought(inv *Invoice, seen *examined) error {
	if p := inv.Purchase; p != nil && inv.Status == Void {
		if seen.voided[p.Account.id()] == nil {
			seen.voided[p.Account.id()] = map[string]string{}
		}
		seen.voided[p.Account.id()][inv.ID] = inv.name()
	}
	if inv.Purchase == nil || inv.Purchase.BlockID == "" {
		return nil
	}
	_, err := x.s.ledger.Block(x.ctx, inv.Purchase.Account.id(), inv.Purchase.BlockID)
	if isNotFound(err) {
		return violation(inv.name(), "block %s, which it is for, is not in the ledger", clip(inv.Purchase.BlockID))
	}
	return err
}

// claim adds up an invoice's draws, and notes them to be looked for in the ledger.
func (inv *Invoice) claim(seen *examined) error {
	var draws []Draw
	if p := inv.Period; p != nil {
		draws = p.Draws
	}
	byLine := make([]creditledger.Amount, len(inv.Lines))
	var all creditledger.Amount
	for _, d := range draws {
		var err error
		if d.Line < 0 || d.Line >= len(byLine) {
			return violation(inv.name(), "credits are drawn for line %d, which it does not have", d.Line)
		}
		if byLine[d.Line], err = byLine[d.Line].Add(d.Amount); err == nil {
			all, err = all.Add(d.Amount)
		}
		if err != nil {
			return violation(inv.name(), "%v", err)
		}
		on := inv.Period.Account.id()
		if seen.claims[on] == nil {
			seen.claims[on] = map[string]claimedBy{}
		}
		if _, twice := seen.claims[on][d.EntryID]; twice {
			return violation(inv.name(), "entry %s is drawn twice", clip(d.EntryID))
		}
		seen.claims[on][d.EntryID] = claimedBy{inv.ID, d}
	}
	for i := range inv.Lines {
		if drawn := inv.Lines[i].Drawn; drawn.Cmp(byLine[i]) != 0 {
			return violation(inv.name(), "line %d drew %s credits, its draws are %s", i, drawn, byLine[i])
		}
	}
	if inv.Rounding == 0 {
		return inv.paidByCredits(all)
	}
	return nil // Check goes by what the lines drew
}

// paidByCredits proves what credits paid for on an invoice of an earlier release, which
// rounded what they are worth by itself.
func (inv *Invoice) paidByCredits(drawn creditledger.Amount) error {
	worth, err := Money{amount: *decimalOf(inv.rate()), currency: inv.Currency}.Mul(drawn)
	if err == nil {
		worth, err = worth.Round()
	}
	if err != nil || !same(worth, inv.Credits) {
		return violation(inv.name(), "credits of %s are applied, what was drawn is worth %s", inv.Credits, worth)
	}
	return nil
}

// drawn looks for a customer's draws in the ledger.
func (x *examiner) drawn(seen *examined) error {
	accounts := maps.Clone(seen.claims)
	for on := range seen.voided {
		accounts[on] = seen.claims[on]
	}
	for _, on := range slices.SortedFunc(maps.Keys(accounts), creditledger.AccountID.Compare) {
		claims, voided := accounts[on], seen.voided[on]
		q := creditledger.EntriesQuery{Ascending: true, Limit: creditledger.MaxPage, Type: creditledger.EntryDecrement}
		for e, err := range x.s.ledger.AllEntries(x.ctx, on, q) {
			if err != nil {
				return err
			}
			if c, ok := claims[e.ID]; ok {
				if c.invoice != e.InvoiceID || c.draw.BlockID != e.Block.ID || c.draw.Amount.Cmp(e.Amount) != 0 {
					return violation("invoice "+clip(c.invoice), "it says that entry %s drew %s of block %s; it drew %s of block %s, for invoice %q",
						e.ID, c.draw.Amount, clip(c.draw.BlockID), e.Amount, e.Block.ID, clip(e.InvoiceID))
				}
				delete(claims, e.ID)
			} else if name := voided[e.InvoiceID]; name != "" {
				if err := x.stands(on, &e, name); err != nil {
					return err
				}
			}
			if len(claims) == 0 && len(voided) == 0 {
				break
			}
		}
		for _, id := range slices.Sorted(maps.Keys(claims)) {
			return violation("invoice "+clip(claims[id].invoice), "entry %s, which it says it drew, is not in the ledger", clip(id))
		}
	}
	return nil
}

// stands proves that nobody took back what made debts again when a purchase was voided.
func (x *examiner) stands(on creditledger.AccountID, e *creditledger.Entry, name string) error {
	drawn, err := x.s.ledger.Drawn(x.ctx, on, creditledger.Reverse{Entry: e.Seq})
	if err == nil && drawn[0].Left.Cmp(e.Amount) != 0 {
		err = violation(name, "entry %d made a debt of %s again when it was voided, and only %s of that stand", e.Seq, e.Amount, drawn[0].Left)
	}
	return err
}

// sold proves that what is noted of blocks of sales that were taken back names such a sale and
// a block that there is.
func (x *examiner) sold(customer string, seen *examined) error {
	return x.each(kindSold, customer+separator, func(rec *creditledger.Document) error {
		var sold soldBlock
		if err := decode(rec, &sold); err != nil {
			return err
		}
		where := "sold blocks of " + clip(customer)
		currency, block, _ := strings.Cut(rec.Key[len(customer)+len(separator):], separator)
		var inv Invoice
		if found, err := x.recordOf(kindInvoice, sold.Invoice, &inv, nil); err != nil || !found || inv.Purchase == nil {
			return firstError(err, violation(where, "block %s is said to be of invoice %s, which sold nothing", clip(block), clip(sold.Invoice)))
		}
		if _, err := x.s.ledger.Block(x.ctx, creditledger.AccountID{Customer: customer, Currency: currency}, block); err != nil {
			if isNotFound(err) {
				err = violation(where, "block %s, which is said to be of %s, is not in the ledger", clip(block), inv.name())
			}
			return err
		}
		return seen.put(rec)
	})
}
