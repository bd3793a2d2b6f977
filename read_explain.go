package creditledger

import (
	"context"
	"fmt"
	"slices"
)

// Reason says why a block would or would not be drawn for a charge.
type Reason uint8

// The reasons, in the order in which they are looked at.
const (
	ReasonFiltered Reason = 1 + iota
	ReasonNotEffective
	ReasonExpired
	ReasonPendingPayment
	ReasonEmpty
	ReasonHeld // nothing of it is free
	ReasonUsed
	ReasonNotNeeded
)

// String returns the name used in operations files.
func (r Reason) String() string { return name(reasonNames, r) }

// MarshalText gives the name, and nothing for no reason.
func (r Reason) MarshalText() ([]byte, error) {
	return marshalName(reasonNames, ReasonFiltered, "reason", r)
}

// UnmarshalText reads what MarshalText writes.
func (r *Reason) UnmarshalText(text []byte) error {
	return unmarshalName(r, reasonNames, ReasonFiltered, "reason", text)
}

var reasonNames = []string{"", "filtered", "not_effective", "expired", "pending_payment", "empty", "held", "used", "not_needed"}

// ExplainedBlock is a block and what a charge would draw from it.
type ExplainedBlock struct {
	Block  Block
	Use    Amount
	Reason Reason
}

// Explanation tells how a charge would be paid.
type Explanation struct {
	Blocks  []ExplainedBlock `json:"blocks"`  // every block of the account, in drawdown order
	Overage Amount           `json:"overage"` // what they would not cover
}

// MaxExplained is how many blocks, open and closed, an account may have for Explain to
// list them.
const MaxExplained = 100_000

// Explain tells, for a charge, which blocks would be drawn as under OverdraftStopAtZero and
// why each was used or skipped. It lists every block the account ever had. Errors:
// InvalidError; ConstraintError when there are more than MaxExplained: Preview tells what
// a decrement draws, and Blocks lists the others in pages.
func (l *Ledger) Explain(ctx context.Context, on AccountID, amount Amount, charge Charge) (Explanation, error) {
	err := l.reading(ctx, &on)
	if err != nil {
		return Explanation{}, err
	}
	defer l.leave()
	if err := firstError(checkPositive(amount), checkCharge(charge)); err != nil {
		return Explanation{}, err
	}
	charge.Currency = on.Currency
	var p present
	var res Explanation
	var uses map[uint64]Amount // by the block's number
	err = l.readDurable(ctx, on, func(s *slot, at Instant) error {
		a := s.account
		if a.head.Blocks > MaxExplained {
			return fmt.Errorf("explain on %s: %w", on, constraint(
				"the account has had %d blocks, more than %d: preview a decrement, and list the blocks in pages", a.head.Blocks, MaxExplained))
		}
		p, uses = presentOf(a, at), map[uint64]Amount{}
		covered := minAmount(amount, a.available(charge))
		res.Overage = mustAmount(amount.Sub(covered))
		draws, _ := a.draw(&usage{charge: charge}, nil, covered, MaxExplained, nil)
		for _, d := range draws {
			uses[d.block.Number] = d.amount
		}
		return nil
	})
	if err != nil {
		return Explanation{}, err
	}
	blocks, err := l.everyBlock(ctx, on, &p)
	if err != nil {
		return Explanation{}, err
	}
	slices.SortFunc(blocks, func(a, b Block) int { return DrawdownOrder(&a, &b) })
	res.Blocks = make([]ExplainedBlock, len(blocks))
	for i := range blocks {
		b := &blocks[i]
		res.Blocks[i] = ExplainedBlock{Block: *b, Use: uses[b.Number], Reason: reasonFor(b, charge, p.at, uses[b.Number])}
	}
	return res, nil
}

// everyBlock returns all blocks: the open ones from p, and the others from the store
// without a balance, because they hold nothing.
func (l *Ledger) everyBlock(ctx context.Context, on AccountID, p *present) ([]Block, error) {
	blocks := slices.Clone(p.open)
	open := make(map[uint64]bool, len(p.open))
	for i := range p.open {
		open[p.open[i].Number] = true
	}
	blocks = append(blocks, p.closed...)
	for from := uint64(1); from <= p.head.Blocks; {
		page, err := l.store.Blocks(ctx, on, from, MaxPage)
		if err != nil {
			return nil, err
		}
		for _, b := range page {
			if !open[b.Number] && b.Number <= p.head.Blocks {
				b.Balance = Amount{}
				blocks = append(blocks, b)
			}
		}
		if len(page) < MaxPage {
			break
		}
		last := page[len(page)-1].Number
		if last < from {
			return nil, standsStill("blocks of " + on.String())
		}
		from = last + 1
	}
	return blocks, nil
}

// reasonFor returns the first reason that applies to a block. used is what the charge
// would draw from it.
func reasonFor(b *Block, charge Charge, at Instant, use Amount) Reason {
	switch {
	case !b.Matches(charge):
		return ReasonFiltered
	case b.EffectiveAt > at:
		return ReasonNotEffective
	case b.Expired(at):
		return ReasonExpired
	case b.Status == BlockPendingPayment:
		return ReasonPendingPayment
	case b.Balance.Sign() <= 0:
		return ReasonEmpty
	case b.Held.Cmp(b.Balance) >= 0:
		return ReasonHeld
	case use.Sign() > 0:
		return ReasonUsed
	}
	return ReasonNotNeeded
}
