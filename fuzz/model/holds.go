package model

import (
	"math/big"
	"time"

	cl "creditledger"
)

// The states of a hold.
const (
	Open     = "open"
	Captured = "captured"
	Released = "released"
	Lapsed   = "lapsed"
)

// The overdraft policies.
const (
	Allow      = "allow"
	Reject     = "reject"
	StopAtZero = "stop_at_zero"
)

// SetAside makes a hold; Until 0 is the default.
type SetAside struct {
	HoldID      string
	Amount      *big.Rat
	Until       cl.Instant
	Item, Price string
	Overdraft   string
	Limit       *big.Rat // nil for none
	Texts
}

// ExtendHold makes a hold larger or longer; Until 0 leaves its end.
type ExtendHold struct {
	HoldID    string
	Amount    *big.Rat
	Until     cl.Instant
	Overdraft string
	Limit     *big.Rat
	Texts
}

// Capture takes what was used.
type Capture struct {
	HoldID    string
	Amount    *big.Rat
	KeepOpen  bool
	Overdraft string
	Limit     *big.Rat
	Refuse    bool // after the lapse
	Texts
}

// Release lets go.
type Release struct {
	HoldID string
	Texts
}

// Name is the operation's name in operations files.
func (SetAside) Name() string { return "hold" }

// Name is the operation's name in operations files.
func (ExtendHold) Name() string { return "extend_hold" }

// Name is the operation's name in operations files.
func (Capture) Name() string { return "capture" }

// Name is the operation's name in operations files.
func (Release) Name() string { return "release" }

// Hold is credits set aside.
type Hold struct {
	ID, Item, Price            string
	State                      string
	Amount                     *big.Rat // set aside in all
	Slices                     []Slice  // what is left
	Unbacked                   *big.Rat // what is left
	Captured, Released, Lapsed *big.Rat
	CreatedAt, Until           cl.Instant
}

// Slice is what a hold keeps of a block.
type Slice struct {
	Block  int // its number
	Amount *big.Rat
}

// Held is what the hold still sets aside.
func (h *Hold) Held() *big.Rat {
	sum := new(big.Rat).Set(h.Unbacked)
	for _, s := range h.Slices {
		sum.Add(sum, s.Amount)
	}
	return sum
}

func (h *Hold) empty() { h.Slices, h.Unbacked = nil, new(big.Rat) }

func (h *Hold) copy() *Hold {
	c := *h
	c.Slices = append([]Slice(nil), h.Slices...)
	return &c
}

// isOpen tells whether a hold stands at an instant.
func (h *Hold) isOpen(at cl.Instant) bool { return h.State == Open && at < h.Until }

// HeldOf is what open holds keep of a block.
func (s *State) HeldOf(b *Block, at cl.Instant) *big.Rat {
	sum := new(big.Rat)
	for _, h := range s.Holds {
		for _, x := range h.Slices {
			if x.Block == b.Number && h.isOpen(at) {
				sum.Add(sum, x.Amount)
			}
		}
	}
	return sum
}

// Held is what all open holds keep, unbacked parts included.
func (s *State) Held(at cl.Instant) *big.Rat {
	sum := new(big.Rat)
	for _, h := range s.Holds {
		if h.isOpen(at) {
			sum.Add(sum, h.Held())
		}
	}
	return sum
}

// free is what nobody holds of a block. A hold whose end has come still counts until its
// lapse is written, because what is due is written in the order of its instants.
func (s *State) free(b *Block) *big.Rat { return s.freeAt(b, 0) }

func (s *State) freeAt(b *Block, at cl.Instant) *big.Rat {
	if len(s.Holds) == 0 || b.Balance.Sign() <= 0 {
		return notNegative(b.Balance)
	}
	return new(big.Rat).Sub(b.Balance, s.HeldOf(b, at))
}

// Hold looks a hold up.
func (s *State) Hold(id string) *Hold {
	for _, h := range s.Holds {
		if h.ID == id {
			return h
		}
	}
	return nil
}

// HoldsOf names the open holds with a slice of a block.
func (s *State) holdsOf(b *Block) (ids []string) {
	for _, h := range s.Holds {
		for _, x := range h.Slices {
			if x.Block == b.Number && h.State == Open {
				ids = append(ids, h.ID)
			}
		}
	}
	return ids
}

// untimelyUntil tells an end that the clock shows to be wrong.
func (s *State) untimelyUntil(until cl.Instant) bool {
	return until != 0 && (until <= s.now || until > s.now.Add(s.maxHold))
}

func (s *State) setAside(op SetAside, r *Result) error {
	if s.Hold(op.HoldID) != nil {
		return &Refusal{Kind: Duplicate, What: op.HoldID}
	}
	open := 0
	for _, h := range s.Holds {
		if h.State == Open {
			open++
		}
	}
	if open >= 1000 {
		return &Refusal{Kind: Constraint}
	}
	h := &Hold{
		ID: op.HoldID, Item: op.Item, Price: op.Price, State: Open, CreatedAt: s.now, Until: op.Until, Amount: new(big.Rat),
		Unbacked: new(big.Rat), Captured: new(big.Rat), Released: new(big.Rat), Lapsed: new(big.Rat),
	}
	if h.Until == 0 {
		h.Until = s.now.Add(min(15*time.Minute, s.maxHold))
	}
	s.Holds = append(s.Holds, h)
	if err := s.enlarge(h, op.Amount, op.Overdraft, op.Limit); err != nil {
		return err
	}
	r.Hold = h.copy()
	return nil
}

// enlarge sets more aside for a hold.
func (s *State) enlarge(h *Hold, amount *big.Rat, overdraft string, limit *big.Rat) error {
	if amount.Sign() == 0 {
		return nil
	}
	payers := s.payers(h.Item, 0)
	take, over, err := s.afford(amount, overdraft, limit, payers)
	if err != nil {
		return err
	}
	if take.Sign() == 0 {
		return &Refusal{Kind: Insufficient, Requested: amount, Available: new(big.Rat).Sub(amount, over)}
	}
	h.Amount = new(big.Rat).Add(h.Amount, take)
	if h.Amount.Cmp(tooMuch) >= 0 { // with what was captured of it
		return &Refusal{Kind: Constraint}
	}
	for _, p := range payers {
		part := least(take, p.can)
		if part.Sign() == 0 {
			continue
		}
		take = new(big.Rat).Sub(take, part)
		found := false
		for i, x := range h.Slices {
			if x.Block == p.b.Number {
				h.Slices[i].Amount, found = new(big.Rat).Add(x.Amount, part), true
			}
		}
		if !found {
			h.Slices = append(h.Slices, Slice{p.b.Number, part})
		}
	}
	h.Unbacked = new(big.Rat).Add(h.Unbacked, take)
	return nil
}

func (s *State) extendHold(op ExtendHold, r *Result) error {
	h := s.Hold(op.HoldID)
	switch {
	case h == nil:
		return &Refusal{Kind: NotFound, What: op.HoldID}
	case h.State != Open:
		return &Refusal{Kind: Constraint, State: h.State}
	case op.Until != 0 && (op.Until < h.Until || op.Until > h.CreatedAt.Add(s.maxHold)):
		return &Refusal{Kind: Constraint}
	}
	if err := s.enlarge(h, op.Amount, op.Overdraft, op.Limit); err != nil {
		return err
	}
	h.Until = max(h.Until, op.Until)
	r.Hold = h.copy()
	return nil
}

func (s *State) release(op Release, r *Result) error {
	h := s.Hold(op.HoldID)
	if h == nil {
		return &Refusal{Kind: NotFound, What: op.HoldID}
	}
	s.letGo(h, Released, r, op)
	r.Hold = h.copy()
	return nil
}

// letGo closes a hold if it is open, and writes as expired what that frees of expired
// blocks.
func (s *State) letGo(h *Hold, state string, r *Result, op Operation) {
	if h.State != Open {
		return
	}
	h.State, h.Released = state, h.Held()
	h.empty()
	s.expireFreed(r, op)
}

func (s *State) capture(op Capture, r *Result) error {
	h := s.Hold(op.HoldID)
	switch {
	case h == nil:
		return &Refusal{Kind: NotFound, What: op.HoldID}
	case op.Amount.Sign() == 0:
		return s.release(Release{op.HoldID, op.Texts}, r)
	case h.State == Lapsed && !op.Refuse:
		c := charge{op: op, want: op.Amount, item: h.Item, overdraft: op.Overdraft, limit: op.Limit, entry: s.captured(h)}
		if err := s.charge(c, r); err != nil {
			return err
		}
		h.State, r.Late = Captured, true
		r.Hold = h.copy()
		return nil
	case h.State != Open:
		return &Refusal{Kind: Constraint, State: h.State}
	}
	d := s.drawing(false)
	fromHold := least(op.Amount, h.Held())
	left := d.slices(h, fromHold)
	h.Captured = new(big.Rat).Add(h.Captured, fromHold)
	h.Unbacked = new(big.Rat).Sub(h.Unbacked, left)
	d.draw(left, s.payers(h.Item, 0), r)
	above := new(big.Rat).Sub(op.Amount, fromHold)
	if above.Sign() > 0 {
		payers := s.payers(h.Item, 0)
		take, over, err := s.afford(above, op.Overdraft, op.Limit, payers)
		if refused, is := err.(*Refusal); is {
			refused.Requested, refused.Available = op.Amount, new(big.Rat).Add(fromHold, refused.Available)
			return refused
		}
		d.draw(take, payers, r)
		r.Overage = over
	}
	d.write(op, s.captured(h), r)
	if !op.KeepOpen {
		s.letGo(h, Captured, r, op)
	}
	r.Hold = h.copy()
	return nil
}

// captured is what the entries of a capture say of its hold.
func (s *State) captured(h *Hold) Entry { return Entry{Hold: h.ID, Item: h.Item, Price: h.Price} }
