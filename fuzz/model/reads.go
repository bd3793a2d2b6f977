package model

import (
	"math/big"
	"slices"
	"time"

	cl "creditledger"
)

// Instant is what a reader takes for now.
func (a *Account) Instant(clock cl.Instant) cl.Instant { return max(clock, a.Now().Last) }

// Present is what a reader is told now: what operations would be decided on. Where a clock
// went back behind a sweep, a reader of the past is told of periods that it passed over.
func (a *Account) Present(clock cl.Instant) *State {
	at, s := a.Instant(clock), a.Now()
	if a.Quick && s.nextDue(at) == 0 {
		return s
	}
	s = s.clone()
	s.due(at, at)
	s.now = at
	return s
}

// AsOf is what a reader is told as of a present or past instant. It goes once more through
// what was done until then, and adds what had become due by that instant.
func (a *Account) AsOf(at cl.Instant) *State {
	if n := len(a.List); a.told == nil || a.toldAt != at || a.toldUpTo != n {
		a.told, a.toldAt, a.toldUpTo = a.asOf(at), at, n
	}
	return a.told
}

func (a *Account) asOf(at cl.Instant) *State {
	if s, n := a.Now(), len(a.List); a.Quick && s.Last <= at && s.nextDue(at) == 0 && (n == 0 || a.List[n-1].Clock <= at) {
		return s
	}
	past := *a
	past.worked, past.asked, past.List = nil, nil, nil
	for i, d := range a.List {
		if a.Now().Results[i].At <= at {
			past.List = append(past.List, d)
		}
	}
	// What came later and did nothing later, a sweep or a refusal, wrote what fell due by then
	// as it was seen later: with periods passed over that a reader had been told of.
	for n := len(past.List) - 1; n >= 0 && past.List[n].Clock > at; n-- {
		past.List = past.List[:n]
	}
	s := a.Now().clone()
	if len(past.List) < len(a.List) {
		s = past.Work()
	}
	s.due(at, at)
	s.now = at
	return s
}

// BalanceAt is the total, and what an item may spend, at a present or past instant. It
// is worked out from the entries alone.
func (s *State) BalanceAt(at cl.Instant, item string) (total, available *big.Rat) {
	total, positive := new(big.Rat), new(big.Rat)
	for i, held := range s.balances(at) {
		b := *s.Blocks[i]
		if b.ActivatedAt > at {
			b.ActivatedAt = 0
		}
		if !b.Eligible(at) {
			continue
		}
		total.Add(total, held)
		if held.Sign() > 0 && b.Lets(item) {
			positive.Add(positive, held)
		}
	}
	return total, notNegative(least(positive, total))
}

// balances adds up what the entries written by an instant did to each block.
func (s *State) balances(at cl.Instant) []*big.Rat {
	sums := make([]*big.Rat, len(s.Blocks))
	for i := range sums {
		sums[i] = new(big.Rat)
	}
	for _, e := range s.Entries {
		if e.At > at {
			continue
		}
		sum := sums[e.Block.Number-1]
		switch e.Type {
		case cl.EntryIncrement, cl.EntryAmendment:
			sum.Add(sum, e.Amount)
		case cl.EntryDecrement, cl.EntryCreditBlockExpiry, cl.EntryVoid:
			sum.Sub(sum, e.Amount)
		case cl.EntryExpirationChange:
			sum.Sub(sum, e.Amount)
			sums[e.New.Number-1].Add(sums[e.New.Number-1], e.Amount)
		}
	}
	return sums
}

// List is the list of blocks that is told by default.
func (s *State) List(at cl.Instant) []*Block {
	var list []*Block
	for _, b := range s.Blocks {
		if b.Balance.Sign() != 0 && (b.ExpiresAt == 0 || b.ExpiresAt > at) {
			list = append(list, b)
		}
	}
	return InOrder(list)
}

// Explained is a block, and what a charge would do to it.
type Explained struct {
	Block  *Block
	Use    *big.Rat
	Reason cl.Reason

	AllHeld bool // is the reason, in place of one of the library's
}

// Explain tells how a charge would be paid.
func (s *State) Explain(at cl.Instant, amount *big.Rat, item string) (list []Explained, overage *big.Rat) {
	left := least(amount, s.Available(at, item))
	overage = new(big.Rat).Sub(amount, left)
	for _, b := range InOrder(slices.Clone(s.Blocks)) {
		x := Explained{Block: b, Use: new(big.Rat)}
		switch {
		case !b.Lets(item):
			x.Reason = cl.ReasonFiltered
		case b.EffectiveAt > at:
			x.Reason = cl.ReasonNotEffective
		case b.ExpiresAt != 0 && b.ExpiresAt <= at:
			x.Reason = cl.ReasonExpired
		case b.ActivatedAt == 0:
			x.Reason = cl.ReasonPendingPayment
		case b.Balance.Sign() <= 0:
			x.Reason = cl.ReasonEmpty
		case s.freeAt(b, at).Sign() == 0:
			x.Reason, x.AllHeld = cl.ReasonHeld, true
		case left.Sign() > 0:
			x.Reason, x.Use = cl.ReasonUsed, least(left, s.freeAt(b, at))
			left = new(big.Rat).Sub(left, x.Use)
		default:
			x.Reason = cl.ReasonNotNeeded
		}
		list = append(list, x)
	}
	return list, overage
}

// Status is the status of an entry at an instant.
func Status(e *Entry, at cl.Instant, grace time.Duration) cl.EntryStatus {
	if at.Time().Before(e.At.Time().Add(grace)) {
		return cl.EntryPending
	}
	return cl.EntryCommitted
}

// Page is what a query without a cursor would find in all, in its order.
func (s *State) Page(q cl.EntriesQuery, at cl.Instant, grace time.Duration) []*Entry {
	var found []*Entry
	for _, e := range s.Entries {
		switch {
		case q.Type != 0 && e.Type != q.Type:
		case q.Status != 0 && Status(e, at, grace) != q.Status:
		case q.After != 0 && e.At <= q.After:
		case q.From != 0 && e.At < q.From:
		case q.Before != 0 && e.At >= q.Before:
		case q.Until != 0 && e.At > q.Until:
		case e.Amount.Cmp(Rat(q.MinAmount)) < 0:
		default:
			found = append(found, e)
		}
	}
	if !q.Ascending {
		slices.Reverse(found)
	}
	return found
}
