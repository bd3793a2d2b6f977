package model

import (
	"math/big"

	cl "creditledger"
)

// span is when the credits of an increment start and expire.
func (s *State) span(op cl.Increment) (effective, expires cl.Instant) {
	if effective = s.resolve(op.EffectiveAt); effective == 0 {
		effective = s.now
	}
	return effective, s.resolve(op.ExpiresAt)
}

// late tells a grant that would have expired already, or before it starts.
func (s *State) late(op cl.Increment) bool {
	effective, expires := s.span(op)
	return expires != 0 && (expires <= effective || expires <= s.now)
}

func (s *State) increment(op cl.Increment, r *Result) error {
	amount := Rat(op.Amount)
	effective, expires := s.span(op)
	switch {
	case op.BlockID != "" && s.Find(op.BlockID) != nil:
		return &Refusal{Kind: Duplicate, What: op.BlockID}
	}
	repay := op.Repay
	if repay == cl.RepayDefault {
		repay = s.repay
	}
	if repay == cl.RepayFirst && len(op.Filters) == 0 && !op.RequirePayment && effective <= s.now {
		for _, b := range s.Blocks {
			if amount.Sign() > 0 && b.Balance.Sign() < 0 && b.Eligible(s.now) && len(b.Filters) == 0 {
				part := least(amount, new(big.Rat).Neg(b.Balance))
				s.write(r, op, &Entry{Type: cl.EntryIncrement, Block: b, Amount: part}, func() { b.move(part) })
				amount = new(big.Rat).Sub(amount, part)
			}
		}
	}
	if amount.Sign() > 0 {
		b := &Block{
			EffectiveAt: effective, ExpiresAt: expires, ActivatedAt: s.now, Initial: amount, Balance: new(big.Rat),
			Cost: op.CostBasis, Priority: op.Priority, Filters: op.Filters, Source: op.Source, InvoiceID: op.InvoiceID, Metadata: op.Metadata,
		}
		if op.RequirePayment {
			b.ActivatedAt = 0
		}
		s.make(r, b, op.BlockID)
		s.write(r, op, &Entry{Type: cl.EntryIncrement, Block: b, Amount: amount}, func() { b.move(amount) })
	}
	if op.InvoiceID != "" {
		r.Entries[len(r.Entries)-1].Invoices = []string{op.InvoiceID}
	}
	return nil
}

func (b *Block) move(by *big.Rat) { b.Balance = new(big.Rat).Add(b.Balance, by) }

func (b *Block) takeOut(amount *big.Rat) { b.move(new(big.Rat).Neg(amount)) }

// Available is what a charge may spend at an instant.
func (s *State) Available(at cl.Instant, item string) *big.Rat {
	sum := new(big.Rat)
	for _, b := range s.Blocks {
		if b.Eligible(at) && b.Balance.Sign() > 0 && b.Lets(item) {
			sum.Add(sum, b.Balance)
		}
	}
	return notNegative(least(sum, s.Total(at)))
}

// early tells whether an eligible block is old enough for a decrement.
func early(op cl.Decrement, b *Block) bool {
	return op.EligibleBefore == 0 || b.EffectiveAt < op.EligibleBefore && b.ActivatedAt < op.EligibleBefore
}

func (s *State) decrement(op cl.Decrement, r *Result) error {
	want, available := Rat(op.Amount), s.Available(s.now, op.ItemID)
	if op.EligibleBefore != 0 {
		sum := new(big.Rat)
		for _, b := range s.Blocks {
			if b.Eligible(s.now) && b.Balance.Sign() > 0 && b.Lets(op.ItemID) && early(op, b) {
				sum.Add(sum, b.Balance)
			}
		}
		available = least(sum, available)
	}
	limit, limited := op.Limit.Amount()
	switch {
	case op.Overdraft == cl.Reject && want.Cmp(available) > 0:
		return &Refusal{Kind: Insufficient, Requested: want, Available: available}
	case op.Overdraft == cl.StopAtZero:
		r.Overage = notNegative(new(big.Rat).Sub(want, available))
		want = least(want, available)
	case limited:
		floor := new(big.Rat).Add(s.Total(s.now), Rat(limit))
		if want.Cmp(floor) > 0 {
			return &Refusal{Kind: Insufficient, Requested: want, Available: notNegative(floor)}
		}
	}
	type share struct {
		from   *Block
		amount *big.Rat
	}
	var shares []*share
	var last *Block
	for _, b := range InOrder(append([]*Block(nil), s.Blocks...)) {
		if !b.Eligible(s.now) {
			continue
		}
		if b.ExpiresAt == 0 && len(b.Filters) == 0 {
			last = b
		}
		if b.Balance.Sign() > 0 && b.Lets(op.ItemID) && want.Sign() > 0 && early(op, b) {
			part := least(want, b.Balance)
			shares = append(shares, &share{b, part})
			want = new(big.Rat).Sub(want, part)
		}
	}
	if want.Sign() > 0 {
		if last == nil {
			last = s.make(r, &Block{EffectiveAt: s.now, ActivatedAt: s.now, Balance: new(big.Rat)}, "")
		}
		found := false
		for _, sh := range shares {
			if sh.from == last {
				sh.amount, found = new(big.Rat).Add(sh.amount, want), true
			}
		}
		if !found {
			shares = append(shares, &share{last, want})
		}
	}
	for _, sh := range shares {
		s.write(r, op, &Entry{Type: cl.EntryDecrement, Block: sh.from, Amount: sh.amount}, func() { sh.from.takeOut(sh.amount) })
	}
	return nil
}

// source finds the block that an expiration change takes from. Its second error is
// one that is looked at later.
func (s *State) source(op cl.ExpirationChange) (b *Block, missing, later error) {
	expiry := s.resolve(op.ExpiresAt)
	if op.BlockID != "" {
		if b = s.Find(op.BlockID); b == nil {
			return nil, &Refusal{Kind: NotFound, What: op.BlockID}, nil
		}
		if expiry != 0 && b.ExpiresAt != expiry {
			later = &Refusal{Kind: Constraint}
		}
		return b, nil, later
	}
	holding := 0
	for _, x := range s.Blocks {
		if x.ExpiresAt == expiry && x.Balance.Sign() > 0 {
			holding++
			b = x
		}
	}
	if holding == 0 && expiry > s.now {
		return nil, &Refusal{Kind: NotFound}, nil
	}
	if holding != 1 {
		return nil, nil, &Refusal{Kind: Constraint}
	}
	return b, nil, nil
}

func (s *State) expirationChange(op cl.ExpirationChange, r *Result) error {
	from, missing, later := s.source(op)
	target := s.resolve(op.Target)
	switch {
	case missing != nil:
		return missing
	case op.NewBlockID != "" && s.Find(op.NewBlockID) != nil:
		return &Refusal{Kind: Duplicate, What: op.NewBlockID}
	case later != nil:
		return later
	}
	amount := Rat(op.Amount)
	if amount.Sign() == 0 {
		amount = from.Balance
	}
	expired := from.ExpiresAt != 0 && from.ExpiresAt <= s.now
	if expired || from.Balance.Sign() <= 0 || amount.Cmp(from.Balance) > 0 || target != 0 && target < from.EffectiveAt {
		return &Refusal{Kind: Constraint}
	}
	to := &Block{
		EffectiveAt: from.EffectiveAt, ExpiresAt: target, Initial: amount, Balance: amount, Cost: from.Cost,
		Priority: from.Priority, Filters: from.Filters, InvoiceID: from.InvoiceID, ParentID: from.ID, Metadata: from.Metadata,
		ActivatedAt: from.ActivatedAt,
	}
	e := s.write(r, op, &Entry{Type: cl.EntryExpirationChange, Block: from, Amount: amount, NewExpiry: target}, func() {})
	from.takeOut(amount)
	from.Gone = new(big.Rat).Add(from.Gone, amount)
	e.New = s.make(r, to, op.NewBlockID)
	if target == 0 || target > s.now {
		return nil
	}
	gone := s.write(r, op, &Entry{Type: cl.EntryCreditBlockExpiry, Block: to, Amount: amount}, func() { to.takeOut(amount) })
	gone.Starting, gone.Ending = e.Ending, e.Ending
	if from.Eligible(s.now) {
		gone.Ending = new(big.Rat).Sub(e.Ending, amount)
	}
	return nil
}

func (s *State) void(op cl.Void, r *Result) error {
	b, asked := s.Find(op.BlockID), Rat(op.Amount)
	switch {
	case b == nil:
		return &Refusal{Kind: NotFound, What: op.BlockID}
	case b.Initial == nil, b.ExpiresAt != 0 && b.ExpiresAt <= s.now, asked.Cmp(b.Room()) > 0:
		return &Refusal{Kind: Constraint}
	}
	left := notNegative(b.Balance)
	taken := least(left, asked)
	s.write(r, op, &Entry{Type: cl.EntryVoidInitiated, Block: b, Amount: left, Void: asked, NewExpiry: s.now}, func() {})
	s.write(r, op, &Entry{Type: cl.EntryVoid, Block: b, Amount: taken, Void: asked}, func() { b.takeOut(taken) })
	b.Gone = new(big.Rat).Add(b.Gone, asked)
	r.Consumed = new(big.Rat).Sub(asked, taken)
	return nil
}

func (s *State) amendment(op cl.Amendment, r *Result) error {
	b, amount := s.Find(op.BlockID), Rat(op.Amount)
	if b == nil {
		return &Refusal{Kind: NotFound, What: op.BlockID}
	}
	room := b.Room()
	if b.Initial == nil {
		room = new(big.Rat)
	}
	if b.ExpiresAt != 0 && b.ExpiresAt <= s.now || new(big.Rat).Add(b.Balance, amount).Cmp(room) > 0 {
		return &Refusal{Kind: Constraint}
	}
	s.write(r, op, &Entry{Type: cl.EntryAmendment, Block: b, Amount: amount}, func() { b.move(amount) })
	return nil
}

func (s *State) activation(op cl.Activation) error {
	b := s.Find(op.BlockID)
	switch {
	case b == nil:
		return &Refusal{Kind: NotFound, What: op.BlockID}
	case b.ActivatedAt != 0, b.ExpiresAt != 0 && b.ExpiresAt <= s.now:
		return &Refusal{Kind: Constraint}
	}
	b.ActivatedAt = s.now
	return nil
}
