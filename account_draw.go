package creditledger

// draw is what one block pays of a decrement.
type draw struct {
	block  *block
	amount Amount
}

// stepDecrement drains the matching blocks in drawdown order; what they do not cover
// follows the overdraft policy. Rule: docs/semantics.md, "Decrement".
func stepDecrement(a *account, op *Decrement, c *change) error {
	charge := op.charge(a.id)
	want, err := allowed(a, op, charge, c)
	if err != nil {
		return err
	}
	var few [4]draw
	draws, rest := a.draw(charge, op.EligibleBefore, want, MaxEntries+1, few[:0])
	if !rest.IsZero() {
		draws = overdraw(a, draws, rest, c)
	}
	if len(draws) > MaxEntries {
		return &LimitError{Entries: len(draws)}
	}
	total := a.total
	for _, d := range draws {
		if d.block != c.created {
			now := c.edit(d.block)
			if now.balance, err = now.balance.Sub(d.amount); err != nil {
				return err
			}
		}
		if err := c.line(Line{Type: EntryDecrement, At: a.at, Amount: d.amount}, d.block, &total, true); err != nil {
			return err
		}
	}
	return nil
}

func (op *Decrement) charge(id AccountID) Charge {
	return Charge{ItemID: op.ItemID, PriceID: op.PriceID, Currency: id.Currency}
}

// allowed is how much of a decrement its overdraft policy lets through.
func allowed(a *account, op *Decrement, charge Charge, c *change) (Amount, error) {
	limit, bounded := op.OverdraftLimit.Amount()
	var available Amount
	switch {
	case op.Overdraft == OverdraftAllow && !bounded:
		return op.Amount, nil
	case op.Overdraft == OverdraftAllow:
		reach, err := a.total.Add(limit)
		if err != nil {
			return op.Amount, nil // the limit is beyond any amount there is
		}
		if reach.Sign() > 0 {
			available = reach
		}
	default:
		available = a.available(charge, op.EligibleBefore)
	}
	if op.Amount.Cmp(available) <= 0 {
		return op.Amount, nil
	}
	if op.Overdraft != OverdraftStopAtZero {
		return Amount{}, &InsufficientCreditsError{Requested: op.Amount, Available: available}
	}
	c.overage = mustAmount(op.Amount.Sub(available))
	return available, nil
}

// draw takes want from the eligible blocks that match the charge, first in drawdown order
// first, and returns what they did not cover. Unless before is none, blocks that were not
// eligible before it are passed over. It stops after most blocks. The account stays as it
// is.
func (a *account) draw(charge Charge, before Instant, want Amount, most int, draws []draw) ([]draw, Amount) {
	var few [4][]*block
	left := few[:0] // of each pool
	for p := range a.drawable(charge) {
		left = append(left, p.blocks.all())
	}
	for !want.IsZero() && len(draws) < most {
		next := -1
		for i := range left {
			if len(left[i]) > 0 && (next < 0 || drawdownOrder(left[i][0], left[next][0]) < 0) {
				next = i
			}
		}
		if next < 0 {
			break
		}
		b := left[next][0]
		left[next] = left[next][1:]
		if before != 0 && b.eligibleSince() >= before {
			continue
		}
		amount := minAmount(b.Balance, want)
		want = mustAmount(want.Sub(amount))
		draws = append(draws, draw{b, amount})
	}
	return draws, want
}

// overdraw puts the uncovered rest on the taker: inside its own draw if this
// operation drains it too, else after all others. Without a taker a new overdraft
// block holds the debt.
func overdraw(a *account, draws []draw, rest Amount, c *change) []draw {
	if a.taker == nil {
		c.created = &block{
			Number: a.head.Blocks + 1, CreatedAt: a.at, EffectiveAt: a.at, ActivatedAt: a.at,
			Balance: rest.Neg(), Overdraft: true, rare: &nothingRare,
		}
		return append(draws, draw{c.created, rest})
	}
	for i := range draws {
		if draws[i].block == a.taker {
			// Both are parts of one requested amount, so their sum stays in range.
			draws[i].amount = mustAmount(draws[i].amount.Add(rest))
			return draws
		}
	}
	return append(draws, draw{a.taker, rest})
}
