package creditledger

import (
	"cmp"
	"slices"
	"sort"
)

// MaxOpenHolds bounds the open holds of an account.
const MaxOpenHolds = 1000

// hold is a hold as an account keeps it. The fields that can change are in its state.
type hold struct {
	id              string
	createdAt       Instant
	itemID, priceID string
	holdState
}

// holdState has the fields of a hold that can change. Its slices are never written to: a
// change makes new ones.
type holdState struct {
	state    HoldState // as it is written: an open hold lapses by time alone
	until    Instant
	amount   Amount  // set aside in all
	captured Amount  // of that
	slices   []slice // the parts of blocks that it keeps, in the order in which they are captured
	unbacked Amount  // the part that no block covers
	last     uint64  // record of the last operation on it
	since    uint64  // version of the account that wrote this state
}

// slice is a part of a block that a hold keeps from everybody else.
type slice struct {
	block  *block
	amount Amount
}

// held returns the amount that the hold still keeps.
func (s *holdState) held() Amount {
	sum := s.unbacked
	for i := range s.slices {
		sum = mustAmount(sum.Add(s.slices[i].amount))
	}
	return sum
}

// stateAt returns the state at an instant: an open hold lapses by time alone.
func (s *holdState) stateAt(t Instant) HoldState {
	if s.state == HoldOpen && s.until <= t {
		return HoldLapsed
	}
	return s.state
}

// close releases what is left of the hold.
func (s *holdState) close(state HoldState) {
	s.state, s.slices, s.unbacked = state, nil, Amount{}
}

// due returns the earliest instant at which the hold can lapse and leave something to
// expire; none if it cannot.
func (s *holdState) due() (due Instant) {
	for i := range s.slices {
		if e := s.slices[i].block.ExpiresAt; e != 0 {
			if at := max(e, s.until); due == 0 || at < due {
				due = at
			}
		}
	}
	return due
}

// holds are the holds of an account. An account that never had one has none of this.
type holds struct {
	open   []*hold          // have not lapsed, in the order in which they will
	lapsed []*hold          // lapsed since the last record, in order; the stored rows say that they are open
	byID   map[string]*hold // all of these
	closed map[string]*hold // closed just now, or fetched for an operation

	dues     []dueHold // of open ones, soonest first
	held     Amount    // Σ of open
	unbacked Amount    // the part of it that no block covers
	whole    blockList // blocks of which everything is held and that expire, in the order of expiring
	freed    []slice   // of blocks that expired before, when holds lapsed at account.at; in drawdown order
	weight   int
}

// dueHold is a hold that leaves something to expire if it lapses.
type dueHold struct {
	at   Instant
	hold *hold
}

func newHolds() *holds { return &holds{byID: map[string]*hold{}, whole: blockList{order: byExpiry}} }

func byUntil(a, b *hold) int {
	return cmp.Or(cmp.Compare(a.until, b.until), cmp.Compare(a.id, b.id))
}

func byDue(a, b dueHold) int {
	return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.hold.id, b.hold.id))
}

// insertSorted and removeSorted keep a list in order.
func insertSorted[T any](list []T, x T, order func(a, b T) int) []T {
	i, _ := slices.BinarySearchFunc(list, x, order)
	return slices.Insert(list, i, x)
}

func removeSorted[T any](list []T, x T, order func(a, b T) int) []T {
	if i, found := slices.BinarySearchFunc(list, x, order); found {
		list = slices.Delete(list, i, i+1)
	}
	return list
}

// held returns what the account's open holds keep, with the part that no block covers.
func (a *account) held() Amount {
	if a.holds == nil {
		return Amount{}
	}
	return a.holds.held
}

// spendable is the total less what is held. It is negative if debts and holds together
// are larger than the balances.
func (a *account) spendable() Amount {
	if a.holds == nil {
		return a.total
	}
	return mustAmount(a.total.Sub(a.holds.held))
}

// findHold returns a hold in memory by its id; nil if it is not there.
func (a *account) findHold(id string) *hold {
	if a.holds == nil {
		return nil
	}
	if h := a.holds.byID[id]; h != nil {
		return h
	}
	return a.holds.closed[id]
}

func (hs *holds) keepClosed(h *hold) {
	if hs.closed == nil {
		hs.closed = map[string]*hold{}
	}
	hs.closed[h.id] = h
}

// forgetHolds drops closed holds that are stored, once the store has reached a version.
func (a *account) forgetHolds(durable uint64) {
	hs := a.holds
	if hs == nil {
		return
	}
	for id, h := range hs.closed {
		if h.since <= durable {
			delete(hs.closed, id)
		}
	}
	if len(hs.closed) > 0 {
		return
	}
	hs.closed = nil
	if len(hs.byID) == 0 && len(hs.freed) == 0 {
		a.holds = nil
	}
}

// The weight of a hold is that of its slices and texts.
func (h *hold) weight() int {
	const sliceSize = 24
	size := textSize(h.id) + textSize(h.itemID) + textSize(h.priceID) + sliceSize*len(h.slices)
	return 1 + size/weightUnit
}

// rowsWeight is the weight of an account's holds and schedules.
func (a *account) rowsWeight() int {
	weight := a.schedules.weight()
	if a.holds != nil {
		weight += a.holds.weight
	}
	return weight
}

// free returns what anybody may draw from the block: its balance less what holds keep of
// it.
func (b *block) free() Amount {
	if b.rare.held.IsZero() {
		return b.Balance
	}
	return mustAmount(b.Balance.Sub(b.rare.held))
}

// isHeld reports whether holds keep anything of the block.
func (b *block) isHeld() bool { return !b.rare.held.IsZero() }

// isWhole reports whether the block expires and holds keep all of it.
func (b *block) isWhole() bool {
	return b.ExpiresAt != 0 && b.isHeld() && b.Balance.Cmp(b.rare.held) == 0
}

// setHeld sets how much of a block is held, and nothing else.
func (b *block) setHeld(held Amount) {
	if b.rare.held.Cmp(held) != 0 {
		b.rare = b.rare.with(held)
	}
}

// with is r with another amount held.
func (r *rare) with(held Amount) *rare {
	other := *r
	other.held = held
	return other.orNone()
}

// hold changes how much of a block is held.
func (s *blockState) hold(by Amount) { s.rare = s.rare.with(mustAmount(s.rare.held.Add(by))) }

// free is that of block.
func (s *blockState) free() Amount { return mustAmount(s.balance.Sub(s.rare.held)) }

// keep adds to how much of a block is held, and puts the block into the lists that it
// then belongs to.
func (a *account) keep(b *block, held Amount) {
	was := b.free()
	now := mustAmount(b.Balance.Sub(held))
	if b.Eligible(a.at) && was.Sign() > 0 && now.Sign() > 0 {
		p := a.poolOf(b)
		p.positive = mustAmount(mustAmount(p.positive.Sub(was)).Add(now))
		b.setHeld(held)
		return
	}
	a.unindex(b)
	b.setHeld(held)
	a.index(b)
}

// add and take keep the lists and the sums of open holds.
func (hs *holds) add(h *hold) {
	hs.open = insertSorted(hs.open, h, byUntil)
	if due := h.due(); due != 0 {
		hs.dues = insertSorted(hs.dues, dueHold{due, h}, byDue)
	}
	hs.held = mustAmount(hs.held.Add(h.held()))
	hs.unbacked = mustAmount(hs.unbacked.Add(h.unbacked))
}

func (hs *holds) take(h *hold) {
	hs.open = removeSorted(hs.open, h, byUntil)
	if due := h.due(); due != 0 {
		hs.dues = removeSorted(hs.dues, dueHold{due, h}, byDue)
	}
	hs.held = mustAmount(hs.held.Sub(h.held()))
	hs.unbacked = mustAmount(hs.unbacked.Sub(h.unbacked))
}

// wholeAt returns the blocks that expire at t and are held completely.
func (hs *holds) wholeAt(t Instant) []*block {
	if hs == nil {
		return nil
	}
	whole := hs.whole.all()
	from := sort.Search(len(whole), func(i int) bool { return whole[i].ExpiresAt >= t })
	to := from + sort.Search(len(whole)-from, func(i int) bool { return whole[from+i].ExpiresAt > t })
	return whole[from:to]
}

// heldError is the error of an operation that would touch what holds keep of a block.
func (a *account) heldError(b *block) error {
	return &HeldError{Block: b.ID, Free: b.free(), Holds: a.holdsOn(b)}
}

// holdsOn returns the ids of the open holds that keep something of a block, in order.
func (a *account) holdsOn(b *block) (ids []string) {
	for _, h := range a.holds.open {
		if slices.ContainsFunc(h.slices, func(s slice) bool { return s.block == b }) {
			ids = append(ids, h.id)
		}
	}
	slices.Sort(ids)
	return ids
}

// heldBlocks returns how much is held of each block, by the block's number; blocks of
// which nothing is held are left out.
func (a *account) heldBlocks() map[uint64]Amount {
	if a.holds == nil {
		return nil
	}
	held := map[uint64]Amount{}
	for _, h := range a.holds.open {
		for _, s := range h.slices {
			held[s.block.Number] = s.block.rare.held
		}
	}
	return held
}

// holding returns the first block with a balance that expires at t, and whether there are
// others; nil if there is none. t is not before a.at.
func (a *account) holding(t Instant) (b *block, others bool) {
	expiring := a.expiring.all()
	i := sort.Search(len(expiring), func(i int) bool { return expiring[i].ExpiresAt >= t })
	at := func(i int) bool { return i < len(expiring) && expiring[i].ExpiresAt == t }
	whole := a.holds.wholeAt(t)
	switch {
	case at(i):
		return expiring[i], at(i+1) || len(whole) > 0
	case len(whole) > 0:
		return whole[0], len(whole) > 1
	}
	return nil, false
}
