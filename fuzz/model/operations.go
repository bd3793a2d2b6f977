package model

import (
	"math/big"
	"slices"
	"strings"

	cl "creditledger"
)

// span is when the credits of an increment start and expire.
func (s *State) span(op cl.Increment) (effective, expires cl.Instant) {
	if effective = s.resolve(op.EffectiveAt); effective == 0 {
		effective = s.now
	}
	return effective, s.resolve(op.ExpiresAt)
}

// untimely names a field of an operation that the clock shows to be wrong.
func (s *State) untimely(op Operation) string {
	wrong := ""
	switch op := own(op).(type) {
	case cl.Increment:
		if effective, expires := s.span(op); expires != 0 && (expires <= effective || expires <= s.now) {
			wrong = "expiry_date"
		}
	case cl.Decrement:
		if op.UsageAt > s.now {
			wrong = "usage_at"
		}
	case SetAside:
		if s.untimelyUntil(op.Until) {
			wrong = "until"
		}
	case ExtendHold:
		if s.untimelyUntil(op.Until) {
			wrong = "until"
		}
	case Schedule:
		wrong = s.untimelySchedule(op)
	}
	return wrong
}

// grant is credits that come in.
type grant struct {
	op        Operation
	amount    *big.Rat
	id        string
	effective cl.Instant
	expires   cl.Instant
	cost      cl.CostBasis
	priority  int32
	filters   []cl.Filter
	source    cl.Source
	invoice   string
	metadata  map[string]string
	gated     bool
	repay     cl.Repay
}

func (s *State) increment(op cl.Increment, r *Result) error {
	if s.taken(op.BlockID) {
		return &Refusal{Kind: Duplicate, What: op.BlockID}
	}
	effective, expires := s.span(op)
	s.grant(grant{
		op: op, amount: Rat(op.Amount), id: op.BlockID, effective: effective, expires: expires, cost: op.CostBasis, priority: op.Priority,
		filters: op.Filters, source: op.Source, invoice: op.InvoiceID, metadata: op.Metadata, gated: op.RequirePayment, repay: op.Repay,
	}, r)
	return nil
}

// taken tells whether an id is one that no new block may have.
func (s *State) taken(id string) bool {
	return id != "" && (s.Find(id) != nil || slices.ContainsFunc(s.Plans, func(p *Plan) bool { return strings.HasPrefix(id, p.ScheduleID+"/") }))
}

// grant repays debts where it may, and makes a block of the rest, or none.
func (s *State) grant(g grant, r *Result) *Block {
	amount, repay := g.amount, g.repay
	if repay == cl.RepayDefault {
		repay = s.repay
	}
	if repay == cl.RepayFirst && len(g.filters) == 0 && !g.gated && g.effective <= s.now {
		for _, b := range s.Blocks {
			if amount.Sign() > 0 && b.Balance.Sign() < 0 && b.Eligible(s.now) && len(b.Filters) == 0 {
				part := least(amount, new(big.Rat).Neg(b.Balance))
				s.write(r, g.op, &Entry{Type: cl.EntryIncrement, Block: b, Amount: part, Refills: true, GrantedCost: g.cost}, func() { b.move(part) })
				b.Repaid, b.Refill = new(big.Rat).Add(b.Repaid, part), &g
				amount = new(big.Rat).Sub(amount, part)
			}
		}
	}
	var b *Block
	if amount.Sign() > 0 {
		b = &Block{
			EffectiveAt: g.effective, ExpiresAt: g.expires, ActivatedAt: s.now, Initial: amount, Balance: new(big.Rat), Gated: g.gated,
			Cost: g.cost, Priority: g.priority, Filters: g.filters, Source: g.source, InvoiceID: g.invoice, Metadata: g.metadata,
		}
		if g.gated {
			b.ActivatedAt = 0
		}
		s.make(r, b, g.id)
		s.write(r, g.op, &Entry{Type: cl.EntryIncrement, Block: b, Amount: amount}, func() { b.move(amount) })
	}
	if g.invoice != "" {
		r.Entries[len(r.Entries)-1].Invoices = []string{g.invoice}
	}
	return b
}

func (b *Block) move(by *big.Rat) { b.Balance = new(big.Rat).Add(b.Balance, by) }

func (b *Block) takeOut(amount *big.Rat) { b.move(new(big.Rat).Neg(amount)) }

// lapse takes out what expires.
func (b *Block) lapse(amount *big.Rat) {
	b.takeOut(amount)
	b.Lapsed = new(big.Rat).Add(b.Lapsed, amount)
}

// Available is what a charge may spend at an instant.
func (s *State) Available(at cl.Instant, item string) *big.Rat {
	sum := new(big.Rat)
	for _, b := range s.Blocks {
		if b.Eligible(at) && b.Lets(item) {
			sum.Add(sum, s.freeAt(b, at))
		}
	}
	return notNegative(least(sum, new(big.Rat).Sub(s.Total(at), s.Held(at))))
}

// source finds the block that an expiration change takes from. Its second error counts only
// if nothing that is looked at before it is wrong.
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
	known, holding := false, 0
	for _, x := range s.Blocks {
		known = known || x.ExpiresAt == expiry
		if x.ExpiresAt == expiry && x.Balance.Sign() > 0 {
			holding++
			b = x
		}
	}
	if !known {
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
	case s.taken(op.NewBlockID):
		return &Refusal{Kind: Duplicate, What: op.NewBlockID}
	case later != nil:
		return later
	}
	amount := Rat(op.Amount)
	if amount.Sign() == 0 {
		amount = s.free(from)
	}
	switch {
	case from.Expired(s.now), from.Balance.Sign() <= 0, amount.Cmp(from.Balance) > 0, target != 0 && target < from.EffectiveAt:
		return &Refusal{Kind: Constraint}
	case amount.Sign() == 0, amount.Cmp(s.free(from)) > 0:
		return &Refusal{Kind: Constraint, Holds: s.holdsOf(from)}
	}
	to := &Block{
		EffectiveAt: from.EffectiveAt, ExpiresAt: target, Initial: amount, Balance: amount, Cost: from.Cost,
		Priority: from.Priority, Filters: from.Filters, InvoiceID: from.InvoiceID, ParentID: from.ID, Metadata: from.Metadata,
		ActivatedAt: from.ActivatedAt, Gated: from.Gated,
	}
	e := s.write(r, op, &Entry{Type: cl.EntryExpirationChange, Block: from, Amount: amount, NewExpiry: target}, func() {})
	from.takeOut(amount)
	from.Gone = new(big.Rat).Add(from.Gone, amount)
	e.New = s.make(r, to, op.NewBlockID)
	if target == 0 || target > s.now {
		return nil
	}
	gone := s.write(r, op, &Entry{Type: cl.EntryCreditBlockExpiry, Block: to, Amount: amount}, func() { to.lapse(amount) })
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
	case b.Initial == nil, b.ExpiresAt != 0 && b.ExpiresAt <= s.now && !op.Lapsed, asked.Cmp(b.Room()) > 0:
		return &Refusal{Kind: Constraint}
	case b.ExpiresAt != 0 && b.ExpiresAt <= s.now:
		return s.voidLapsed(op, b, asked, r)
	}
	left := notNegative(b.Balance)
	taken := least(left, asked)
	if taken.Cmp(s.free(b)) > 0 {
		return &Refusal{Kind: Constraint, Holds: s.holdsOf(b)}
	}
	s.takeBack(op, op.Reason, b, asked, r)
	r.Consumed = new(big.Rat).Sub(asked, taken)
	return nil
}

// voidLapsed takes from what an expired block lapsed, and then from what it may be given
// back. What holds keep of it stays.
func (s *State) voidLapsed(op cl.Void, b *Block, asked *big.Rat, r *Result) error {
	held := notNegative(b.Balance)
	if asked.Cmp(new(big.Rat).Sub(b.Room(), held)) > 0 {
		return &Refusal{Kind: Constraint, Holds: s.holdsOf(b)}
	}
	s.write(r, op, &Entry{Type: cl.EntryVoidInitiated, Block: b, Amount: held, Void: asked, NewExpiry: s.now, Reason: op.Reason}, func() {})
	s.write(r, op, &Entry{Type: cl.EntryVoid, Block: b, Amount: new(big.Rat), Void: asked, Reason: op.Reason}, func() {})
	b.Lapsed = new(big.Rat).Sub(b.Lapsed, least(b.Lapsed, asked))
	b.Gone = new(big.Rat).Add(b.Gone, asked)
	r.Consumed = asked
	return nil
}

// takeBack writes the two entries of a void.
func (s *State) takeBack(op Operation, reason string, b *Block, asked *big.Rat, r *Result) {
	left := notNegative(b.Balance)
	taken := least(left, asked)
	s.write(r, op, &Entry{Type: cl.EntryVoidInitiated, Block: b, Amount: left, Void: asked, NewExpiry: s.now, Reason: reason}, func() {})
	s.write(r, op, &Entry{Type: cl.EntryVoid, Block: b, Amount: taken, Void: asked, Reason: reason}, func() { b.takeOut(taken) })
	b.Gone = new(big.Rat).Add(b.Gone, asked)
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
