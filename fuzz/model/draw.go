package model

import (
	"math/big"
	"slices"

	cl "creditledger"
)

// payer is a block that may pay for something, and how much.
type payer struct {
	b   *Block
	can *big.Rat
}

// payers are the blocks that may pay for an item, in drawdown order: for usage of an
// earlier instant, or of now.
func (s *State) payers(item string, usage cl.Instant) (list []payer) {
	may := func(b *Block) bool {
		if usage == 0 {
			return b.Lets(item) && b.Eligible(s.now)
		}
		paid := b.ActivatedAt != 0 && (!b.Gated || b.ActivatedAt <= usage)
		return b.Lets(item) && paid && b.EffectiveAt <= usage && !b.Expired(usage)
	}
	for _, b := range s.ordered(may) {
		p := payer{b, s.free(b)}
		if b.Expired(s.now) {
			p.can = b.Lapsed
		}
		list = append(list, p)
	}
	return list
}

// within is how much of an amount there is: the total less what is held, and what lapsed
// of the blocks that may pay.
func (s *State) within(payers []payer) (room, most *big.Rat) {
	room, most = new(big.Rat).Sub(s.counted(), s.Held(s.now)), new(big.Rat)
	for _, p := range payers {
		most.Add(most, p.can)
		if p.b.Expired(s.now) {
			room.Add(room, p.b.Lapsed)
		}
	}
	return room, most
}

// afford says how much of an amount is taken, and how much is left over.
func (s *State) afford(want *big.Rat, overdraft string, limit *big.Rat, payers []payer) (take, over *big.Rat, err error) {
	room, most := s.within(payers)
	available := notNegative(least(most, room))
	switch {
	case overdraft == Reject && want.Cmp(available) > 0:
		return nil, nil, &Refusal{Kind: Insufficient, Requested: want, Available: available}
	case overdraft == StopAtZero:
		take = least(want, available)
		return take, new(big.Rat).Sub(want, take), nil
	case overdraft == Allow && limit != nil:
		if room = notNegative(new(big.Rat).Add(room, limit)); want.Cmp(room) > 0 {
			return nil, nil, &Refusal{Kind: Insufficient, Requested: want, Available: room}
		}
	}
	return want, nil, nil
}

// drawing is what an operation takes of each block, in the order in which the blocks were
// first touched.
type drawing struct {
	s      *State
	total  *big.Rat // before
	late   bool     // what is taken of an expired block is restored first
	shares []payer
}

func (s *State) drawing(late bool) *drawing { return &drawing{s: s, total: s.counted(), late: late} }

// take takes something from a block.
func (d *drawing) take(b *Block, amount *big.Rat) {
	if amount.Sign() == 0 {
		return
	}
	if d.late && b.Expired(d.s.now) {
		b.Lapsed = new(big.Rat).Sub(b.Lapsed, amount)
	} else {
		b.takeOut(amount)
	}
	for i, x := range d.shares {
		if x.b == b {
			d.shares[i].can = new(big.Rat).Add(x.can, amount)
			return
		}
	}
	d.shares = append(d.shares, payer{b, amount})
}

// slices takes up to an amount of the slices of a hold and returns what is left of it.
func (d *drawing) slices(h *Hold, amount *big.Rat) *big.Rat {
	var kept []Slice
	for _, x := range h.Slices {
		part := least(amount, x.Amount)
		amount = new(big.Rat).Sub(amount, part)
		d.take(d.s.Blocks[x.Block-1], part)
		if part.Cmp(x.Amount) < 0 {
			kept = append(kept, Slice{x.Block, new(big.Rat).Sub(x.Amount, part)})
		}
	}
	h.Slices = kept
	return amount
}

// draw takes an amount of payers, and what they cannot pay where a debt goes: the last
// eligible block that never expires, has no filters and no slices, or a new one.
func (d *drawing) draw(amount *big.Rat, payers []payer, r *Result) {
	for _, p := range payers {
		part := least(amount, p.can)
		d.take(p.b, part)
		amount = new(big.Rat).Sub(amount, part)
	}
	if amount.Sign() == 0 {
		return
	}
	var last *Block
	list := d.s.ordered(func(b *Block) bool { return b.Eligible(d.s.now) && b.ExpiresAt == 0 && len(b.Filters) == 0 })
	for i, b := range list {
		drawn := slices.ContainsFunc(d.shares, func(p payer) bool { return p.b == b })
		// A block that this operation emptied serves only if no other stands behind it.
		if d.s.HeldOf(b, d.s.now).Sign() == 0 && (b.Balance.Sign() != 0 || drawn || i == len(list)-1) {
			last = b
		}
	}
	if last == nil {
		last = d.s.make(r, &Block{EffectiveAt: d.s.now, ActivatedAt: d.s.now, Balance: new(big.Rat)}, "")
	}
	d.take(last, amount)
}

// write writes an entry for each block. All of them have what like has.
func (d *drawing) write(op Operation, like Entry, r *Result) {
	total := d.total
	add := func(e Entry) {
		e.At, e.Op, e.Key = d.s.now, op, d.s.key
		r.Entries = append(r.Entries, d.s.append(&e))
	}
	for _, x := range d.shares {
		e := like
		e.Type, e.Block, e.Amount, e.Starting, e.Ending = cl.EntryDecrement, x.b, x.can, total, new(big.Rat).Sub(total, x.can)
		if d.late && x.b.Expired(d.s.now) {
			e.Ending = total
			add(Entry{Type: cl.EntryAmendment, Block: x.b, Amount: x.can, Starting: total, Ending: total, UsageAt: like.UsageAt})
		}
		add(e)
		total = e.Ending
	}
}

// charge carries out a decrement, whatever operation it is a part of.
type charge struct {
	op        Operation
	want      *big.Rat
	item      string
	overdraft string
	limit     *big.Rat
	usage     cl.Instant
	entry     Entry
}

func (s *State) charge(c charge, r *Result) error {
	payers := s.payers(c.item, c.usage)
	take, over, err := s.afford(c.want, c.overdraft, c.limit, payers)
	if err != nil {
		return err
	}
	r.Overage = over
	d := s.drawing(c.usage != 0)
	d.draw(take, payers, r)
	d.write(c.op, c.entry, r)
	return nil
}

func (s *State) decrement(op cl.Decrement, r *Result) error {
	if op.UsageAt != 0 && op.UsageAt < s.now.Add(-s.settlement) {
		return &Refusal{Kind: Constraint}
	}
	c := s.chargeOf(op, op)
	c.usage, c.entry.UsageAt = op.UsageAt, op.UsageAt
	return s.charge(c, r)
}

func (s *State) chargeOf(op Operation, of cl.Decrement) charge {
	c := charge{op: op, want: Rat(of.Amount), item: of.ItemID, overdraft: policyOf(of.Overdraft)}
	c.entry = Entry{Item: of.ItemID, Price: of.PriceID, Invoice: of.InvoiceID}
	if limit, limited := of.OverdraftLimit.Amount(); limited {
		c.limit = Rat(limit)
	}
	return c
}

// policyOf is the overdraft policy of a decrement, which allows a debt unless it says otherwise.
func policyOf(o cl.Overdraft) string { return policyOr(o, Allow) }
