package model

import (
	"math/big"
	"slices"
	"strconv"

	cl "creditledger"
)

// Texts are the description and metadata of an operation.
type Texts struct {
	Description string
	Metadata    map[string]string
}

// Name is empty, because nobody asks for texts alone. They stand for what a schedule does.
func (Texts) Name() string { return "" }

// Reverse takes a charge back.
type Reverse struct {
	Charge cl.Key   // or
	Entry  int      // the sequence number of a decrement entry
	Amount *big.Rat // nil for all that is left
	Texts
}

// Name is the operation's name in operations files.
func (Reverse) Name() string { return "reverse" }

// charged lists the decrement entries that a reversal names, the last drawn first.
func (s *State) charged(op Reverse) ([]*Entry, error) {
	if op.Charge == "" {
		if op.Entry > len(s.Entries) {
			return nil, &Refusal{Kind: NotFound, What: strconv.Itoa(op.Entry)}
		}
		e := s.Entries[op.Entry-1]
		if e.Type != cl.EntryDecrement {
			return nil, &Refusal{Kind: Constraint}
		}
		return []*Entry{e}, nil
	}
	var list []*Entry
	for _, seq := range s.by[op.Charge] {
		list = append(list, s.Entries[seq-1])
	}
	if len(list) == 0 {
		return nil, &Refusal{Kind: NotFound, What: string(op.Charge)}
	}
	slices.Reverse(list)
	return list, nil
}

// left is the part of a decrement entry that has not been taken back.
func (s *State) left(e *Entry) *big.Rat {
	if gone := s.reversed[e.Seq]; gone != nil {
		return new(big.Rat).Sub(e.Amount, gone)
	}
	return e.Amount
}

func (s *State) reverse(op Reverse, r *Result) error {
	entries, err := s.charged(op)
	if err != nil {
		return err
	}
	left := new(big.Rat)
	for _, e := range entries {
		left.Add(left, s.left(e))
	}
	amount := op.Amount
	if amount == nil {
		if amount = left; left.Cmp(tooMuch) >= 0 { // no answer could say how much that was
			return &Refusal{Kind: Constraint}
		}
	}
	if left.Sign() == 0 || amount.Cmp(left) > 0 {
		return &Refusal{Kind: Constraint, Left: left}
	}
	r.Reversed, r.Lapsed, r.Lost = amount, new(big.Rat), new(big.Rat)
	for _, e := range entries {
		x := least(amount, s.left(e))
		if x.Sign() > 0 {
			amount = new(big.Rat).Sub(amount, x)
			s.reversed[e.Seq] = new(big.Rat).Sub(e.Amount, new(big.Rat).Sub(s.left(e), x))
			s.giveBack(op, e, x, r)
		}
	}
	return nil
}

// giveBack gives back x of what an entry drew: to its block, then as a new block what a
// grant repaid of the block's debt. The rest is lost.
func (s *State) giveBack(op Reverse, e *Entry, x *big.Rat, r *Result) {
	b := s.Blocks[e.Block.Number-1]
	capacity := new(big.Rat)
	if b.Initial != nil {
		capacity = b.Room()
	}
	room := new(big.Rat).Sub(capacity, b.Balance)
	y := least(x, notNegative(room.Sub(room, b.Lapsed)))
	if y.Sign() > 0 {
		s.put(op, &Entry{Type: cl.EntryAmendment, Block: b, Amount: y, Reverses: e.Seq}, r)
	}
	x = new(big.Rat).Sub(x, y)
	if z := least(x, b.Repaid); z.Sign() > 0 {
		b.Repaid = new(big.Rat).Sub(b.Repaid, z)
		g := b.Refill
		n := s.make(r, &Block{
			EffectiveAt: g.effective, ExpiresAt: g.expires, ActivatedAt: s.now, Initial: z, Balance: new(big.Rat),
			Cost: g.cost, Priority: g.priority, Source: g.source, ParentID: b.ID, Metadata: op.Metadata,
		}, "")
		s.put(op, &Entry{Type: cl.EntryIncrement, Block: n, Amount: z, Reverses: e.Seq}, r)
		x = new(big.Rat).Sub(x, z)
	}
	r.Lost = new(big.Rat).Add(r.Lost, x)
}

// put gives something to the block of an entry. If the block has expired, it lapses at
// once.
func (s *State) put(op Reverse, e *Entry, r *Result) {
	b, amount := e.Block, e.Amount
	give := func() { b.move(amount) }
	if !b.Expired(s.now) {
		s.write(r, op, e, give)
		return
	}
	total := s.counted()
	s.writeStill(r, op, total, e, give)
	s.writeStill(r, op, total, &Entry{Type: cl.EntryCreditBlockExpiry, Block: b, Amount: amount}, func() { b.lapse(amount) })
	r.Lapsed = new(big.Rat).Add(r.Lapsed, amount)
}
