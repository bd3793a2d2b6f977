package creditledger

import (
	"context"
	"slices"
)

// BalanceQuery says which balance is wanted.
type BalanceQuery struct {
	At     Instant // none: now; not after now
	Charge Charge  // what Available is for
}

// Balance is what an account holds, in credits.
type Balance struct {
	Total     Amount  `json:"balance"`   // Σ of the eligible blocks, and what holds keep of expired ones; a debt counts
	Available Amount  `json:"available"` // what the charge could spend without overdraft
	AsOf      Instant `json:"as_of"`     // the instant it holds for
	Held      Amount  `json:"held"`      // what open holds keep, also what no block covers
}

// Balance returns an account's balance now, or as a reader was told at a past
// instant. An account never used holds nothing. Errors: InvalidError for an instant
// after now, or a charge that no decrement could ask for.
func (l *Ledger) Balance(ctx context.Context, on AccountID, q BalanceQuery) (Balance, error) {
	err := l.reading(ctx, &on)
	if err != nil {
		return Balance{}, err
	}
	defer l.leave()
	if err := checkCharge(q.Charge); err != nil {
		return Balance{}, err
	}
	q.Charge.Currency = on.Currency
	if q.At != 0 {
		return l.balanceAt(ctx, on, q)
	}
	var res Balance
	err = l.readDurable(ctx, on, func(s *slot, at Instant) error {
		res = Balance{Total: s.account.total, Available: s.account.available(q.Charge), Held: s.account.held(), AsOf: at}
		return nil
	})
	return res, err
}

// present is a copy of the part of an account that reports start from.
type present struct {
	head Head
	at   Instant
	open []Block // drawdown order

	holds []namedHold // holds that are open in the stored state

	schedules bool // the account has rows, which may be schedules

	ahead  []*OpRecord // records of what is due and not written; head is that of the last written record
	closed []Block     // blocks that ahead makes and closes at once
}

// present copies the account's open blocks; all other blocks hold nothing.
func (l *Ledger) present(ctx context.Context, id AccountID) (present, error) {
	var p present
	err := l.readDurable(ctx, id, func(s *slot, at Instant) error {
		p = presentOf(s.account, at)
		return nil
	})
	return p, err
}

func presentOf(a *account, at Instant) present {
	p := present{head: a.written(), at: at, open: make([]Block, 0, a.open.len())}
	for _, b := range a.open.all() {
		p.open = append(p.open, b.shown())
	}
	p.holds, p.schedules = a.openHolds(), a.head.Rows > 0
	if a.ahead != nil {
		p.ahead = a.ahead.records
		for _, b := range a.ahead.closed {
			p.closed = append(p.closed, b.whole())
		}
	}
	return p
}

// balanceAt goes back from the present: it subtracts the effects of all later entries. So
// its cost depends on what happened since, not on the whole history.
func (l *Ledger) balanceAt(ctx context.Context, on AccountID, q BalanceQuery) (Balance, error) {
	p, err := l.present(ctx, on)
	switch {
	case err != nil:
		return Balance{}, err
	case !q.At.Valid():
		return Balance{}, invalid("at", "is outside the years 0001 to 9999")
	case q.At > p.at:
		return Balance{}, invalid("at", "%s is after now, %s", q.At, p.at)
	}
	if p.schedules {
		if record, err := l.passedOver(ctx, on, &p, q.At); err != nil || record != 0 {
			if err != nil {
				return Balance{}, err
			}
			// Going back to that instant also undoes what is due and not written.
			return l.balanceBefore(ctx, on, min(record, p.head.Version+1), q)
		}
	}
	balances := make(map[uint64]Amount, len(p.open))
	blocks := make(map[uint64]Block, len(p.open))
	for _, b := range p.open {
		balances[b.Number], blocks[b.Number] = b.Balance, b
	}
	for _, b := range p.closed {
		blocks[b.Number] = b
	}
	past := newPastHolds(p.holds, q.At)
	err = l.eachBack(ctx, on, &p, func(rec *OpRecord) (bool, error) {
		past.undo(rec)
		for _, e := range slices.Backward(rec.Effects) {
			for _, line := range slices.Backward(e.Lines) {
				if line.At <= q.At {
					return false, nil
				}
				if err := line.effect(balances, true); err != nil {
					return false, err
				}
			}
		}
		return rec.At > q.At, nil
	})
	if err != nil {
		return Balance{}, err
	}
	if err := l.addMissing(ctx, on, balances, blocks); err != nil {
		return Balance{}, err
	}
	held, sum, err := past.held(ctx, l, on)
	if err != nil {
		return Balance{}, err
	}
	return balanceOf(balances, blocks, held, sum, q)
}

// eachBack walks the records of an account backwards until fn returns false. It begins
// with those that are due and not written.
func (l *Ledger) eachBack(ctx context.Context, on AccountID, p *present, fn func(*OpRecord) (bool, error)) error {
	for _, rec := range slices.Backward(p.ahead) {
		if more, err := fn(rec); err != nil || !more {
			return err
		}
	}
	return l.eachRecord(ctx, on, p.head.Version, true, fn)
}

// addMissing fetches the blocks with a balance that are not there yet.
func (l *Ledger) addMissing(ctx context.Context, on AccountID, balances map[uint64]Amount, blocks map[uint64]Block) error {
	var missing []uint64
	for n, balance := range balances {
		if _, ok := blocks[n]; !ok && !balance.IsZero() {
			missing = append(missing, n)
		}
	}
	slices.Sort(missing)
	for part := range slices.Chunk(missing, MaxPage) {
		found, err := l.store.BlocksByNumber(ctx, on, part)
		if err != nil {
			return err
		}
		for _, b := range found {
			blocks[b.Number] = b
		}
	}
	return nil
}

// balanceOf adds up what the blocks had at an instant, and how much of that was held.
func balanceOf(balances map[uint64]Amount, blocks map[uint64]Block, heldOf map[uint64]Amount, held Amount, q BalanceQuery) (Balance, error) {
	res := Balance{AsOf: q.At, Held: held}
	var matching Amount
	for n, b := range blocks {
		balance := balances[n]
		if b.ActivatedAt == 0 || b.ActivatedAt > q.At {
			b.Status = BlockPendingPayment
		} else {
			b.Status = BlockActive
		}
		var err error
		switch {
		case balance.IsZero():
			continue
		case b.Expired(q.At):
			balance = heldOf[n] // what holds keep of an expired block goes on counting
		case !b.Eligible(q.At):
			continue
		}
		if res.Total, err = res.Total.Add(balance); err != nil {
			return Balance{}, err
		}
		free, err := balance.Sub(heldOf[n])
		if err != nil {
			return Balance{}, err
		}
		if free.Sign() > 0 && b.Matches(q.Charge) {
			if matching, err = matching.Add(free); err != nil {
				return Balance{}, err
			}
		}
	}
	spendable, err := res.Total.Sub(held)
	res.Available = available(spendable, matching)
	return res, err
}

// Accounts returns up to limit accounts (at most MaxPage), ordered by customer and
// currency, after the given one. Accounts waits for what was submitted before.
func (l *Ledger) Accounts(ctx context.Context, after AccountID, limit int) ([]AccountID, error) {
	err := l.enter()
	if err != nil {
		return nil, err
	}
	defer l.leave()
	if limit <= 0 || limit > MaxPage {
		return nil, invalid("limit", "%d is not between 1 and %d", limit, MaxPage)
	}
	if err := l.awaitBegun(ctx); err != nil {
		return nil, err
	}
	return l.store.Accounts(ctx, after, limit)
}
