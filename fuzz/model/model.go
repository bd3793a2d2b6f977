// Package model is a second opinion on the rules of the ledger: it keeps the list of
// accepted operations of each account and works everything out from that list again
// whenever it is asked. It is slow, has no state besides the list, counts in
// math/big.Rat, and shares no rule with the library, only its plain types.
package model

import (
	"cmp"
	"maps"
	"math/big"
	"slices"
	"time"

	cl "creditledger"
)

// Operation is an operation of the library, or one of this package's own.
type Operation interface{ Name() string }

// Batch is several operations on one account, all or none.
type Batch []Operation

// Name is the operation's name in operations files.
func (Batch) Name() string { return "batch" }

// Done is an accepted operation, or a sweep when Op is nil.
type Done struct {
	Op     Operation
	Clock  cl.Instant // what the clock showed
	Zone   *time.Location
	Key    cl.Key
	Hidden bool     // the key was made by the library: good for a retry, not shown in entries
	IDs    []string // of the blocks made without an id of the caller's, in order
	Act    *Act     // the act that it is a part of; Op is then its operations on this account
}

// Account is the list. The zero Account was never used.
type Account struct {
	ID    cl.AccountID
	Repay cl.Repay
	Grace time.Duration
	List  []Done

	Settlement time.Duration // how late usage may be; 0 for 60 days
	MaxHold    time.Duration // how long a hold may last; 0 for 24 hours

	// Quick makes the model go on from where it was instead of going through the whole
	// list each time, for runs that are longer and look less closely.
	Quick bool

	worked *State // what List gave when it was last worked out, see Now
	upTo   int
	asked  *State // with the last request that was not refused

	told     *State // what a reader was told last, see AsOf
	toldAt   cl.Instant
	toldUpTo int
}

// Block is a block as the list leaves it.
type Block struct {
	ID          string
	Number      int
	CreatedAt   cl.Instant
	EffectiveAt cl.Instant
	ExpiresAt   cl.Instant
	ActivatedAt cl.Instant // 0: waits for payment
	Initial     *big.Rat   // nil: overdraft block
	Balance     *big.Rat
	Gone        *big.Rat // voided (as requested) or transferred out
	Cost        cl.CostBasis
	Priority    int32
	Filters     []cl.Filter
	Source      cl.Source
	InvoiceID   string
	ParentID    string
	Metadata    map[string]string

	Gated   bool     // it waited, or waits, for payment
	Lapsed  *big.Rat // lost to its own expiry entries and not restored by late usage
	Repaid  *big.Rat // of its debts, by grants, and not yet given back
	Refill  *grant   // the last that did
	Plan    string   // the schedule it belongs to
	Root    string   // the granted block of that schedule that it was carried from, or is
	Carried int      // how often

	cost *big.Rat // 0 for none
}

// Entry is an entry without its id.
type Entry struct {
	Seq                            int
	At                             cl.Instant
	Type                           cl.EntryType
	Amount, Starting, Ending, Void *big.Rat // Void: nil unless of a void
	Block, New                     *Block
	NewExpiry                      cl.Instant
	Op                             Operation // that wrote it; nil for an expiry
	Key                            cl.Key
	Invoices                       []string

	Item, Price, Invoice string       // of a decrement
	Reason               string       // of a void
	UsageAt              cl.Instant   // of late usage
	Hold                 string       // that was captured
	Reverses             int          // the entry taken back
	Refills              bool         // of an increment: it repays a debt
	GrantedCost          cl.CostBasis // then: that of the grant
}

// Result is what one operation did.
type Result struct {
	At       cl.Instant
	Key      cl.Key
	Entries  []*Entry
	Overage  *big.Rat
	Consumed *big.Rat
	Made     *Block
	Parts    []*Result // of a batch

	Hold                   *Hold // as it was then
	Late                   bool
	Reversed, Lapsed, Lost *big.Rat // of a reversal
	Plan                   *Plan    // as it was then
}

// State is everything that follows from a list.
type State struct {
	Last    cl.Instant
	Entries []*Entry
	Blocks  []*Block
	Results []*Result // one per item of the list
	Holds   []*Hold
	Plans   []*Plan

	settlement, maxHold time.Duration
	reversed            map[int]*big.Rat // by the sequence number of a decrement entry
	by                  map[cl.Key][]int // the decrement entries of a charge

	repay cl.Repay
	ids   []string // still to be given to blocks made
	zone  *time.Location
	key   cl.Key
	now   cl.Instant
}

// Work goes through the list from its beginning.
func (a *Account) Work() *State {
	s, from := &State{
		repay: a.Repay, settlement: cmp.Or(a.Settlement, 60*24*time.Hour), maxHold: cmp.Or(a.MaxHold, 24*time.Hour),
		reversed: map[int]*big.Rat{}, by: map[cl.Key][]int{},
	}, 0
	if a.Quick && a.worked != nil {
		s, from = a.worked.clone(), a.upTo
	}
	for i := from; i < len(a.List); i++ {
		r, err := s.run(&a.List[i], false, false)
		if err != nil {
			panic("model: an accepted operation is refused when it is gone through again: " + err.Error())
		}
		s.Results = append(s.Results, r)
	}
	return s
}

// clone copies what changes later: blocks, holds and schedules. Entries do not.
func (s *State) clone() *State {
	c := *s
	c.Entries, c.Results = slices.Clip(s.Entries), slices.Clip(s.Results)
	c.Blocks, c.Holds, c.Plans = copies(s.Blocks), copies(s.Holds), copies(s.Plans)
	for _, h := range c.Holds {
		h.Slices = slices.Clone(h.Slices)
	}
	c.reversed, c.by = maps.Clone(s.reversed), maps.Clone(s.by)
	return &c
}

func copies[T any](list []*T) []*T {
	values, c := make([]T, len(list)), make([]*T, len(list))
	for i, x := range list {
		values[i] = *x
		c[i] = &values[i]
	}
	return c
}

// Now is Work, remembered until the list changes. It must not be changed.
func (a *Account) Now() *State {
	if a.worked == nil || a.upTo != len(a.List) {
		a.worked, a.upTo = a.Work(), len(a.List)
	}
	return a.worked
}

func (s *State) append(e *Entry) *Entry {
	e.Seq = len(s.Entries) + 1
	s.Entries = append(s.Entries, e)
	return e
}

// write adds an entry of the present operation. change moves the credits that the entry is
// about.
func (s *State) write(r *Result, op Operation, e *Entry, change func()) *Entry {
	e.At, e.Op, e.Key = s.now, op, s.key
	e.Starting = s.counted()
	change()
	e.Ending = s.counted()
	r.Entries = append(r.Entries, s.append(e))
	return e
}

// writeStill is write for what an expired block is given and loses again. The total stays
// as it was before.
func (s *State) writeStill(r *Result, op Operation, total *big.Rat, e *Entry, change func()) {
	s.write(r, op, e, change)
	e.Starting, e.Ending = total, total
}

// make adds a block.
func (s *State) make(r *Result, b *Block, id string) *Block {
	if id == "" && len(s.ids) > 0 {
		id, s.ids = s.ids[0], s.ids[1:]
	}
	b.ID, b.Number, b.CreatedAt, b.Gone, b.cost = id, len(s.Blocks)+1, s.now, new(big.Rat), new(big.Rat)
	b.Lapsed, b.Repaid = new(big.Rat), new(big.Rat)
	if b.Cost.IsSet() {
		b.cost = rat(b.Cost.String())
	}
	s.Blocks = append(s.Blocks, b)
	if r.Made == nil {
		r.Made = b
	}
	return b
}

// Total adds up what may be drawn at an instant, and what holds keep of expired blocks.
func (s *State) Total(at cl.Instant) *big.Rat {
	sum := new(big.Rat)
	for _, b := range s.Blocks {
		switch {
		case b.Balance.Sign() == 0:
		case b.Eligible(at):
			sum.Add(sum, b.Balance)
		case b.ExpiresAt != 0 && b.ExpiresAt <= at:
			sum.Add(sum, s.HeldOf(b, at))
		}
	}
	return sum
}

// counted is the total while an operation is decided. Everything that was due before is
// written by then, so what is left on an expired block is held, or is about to be written
// as expired.
func (s *State) counted() *big.Rat {
	sum := new(big.Rat)
	for _, b := range s.Blocks {
		if b.Balance.Sign() != 0 && b.ActivatedAt != 0 && b.EffectiveAt <= s.now && (b.ExpiresAt == 0 || s.now < b.ExpiresAt || b.EffectiveAt < b.ExpiresAt) {
			sum.Add(sum, b.Balance)
		}
	}
	return sum
}

// Eligible tells whether the block may be drawn at an instant.
func (b *Block) Eligible(at cl.Instant) bool {
	return b.ActivatedAt != 0 && b.EffectiveAt <= at && !b.Expired(at)
}

// Expired tells whether the block's expiry has come.
func (b *Block) Expired(at cl.Instant) bool { return b.ExpiresAt != 0 && b.ExpiresAt <= at }

// Lets tells whether the block may pay for the item.
func (b *Block) Lets(item string) bool {
	for _, f := range b.Filters {
		found := false
		for _, v := range f.Values {
			found = found || item != "" && v == item
		}
		if f.Operator == cl.FilterIncludes && !found || f.Operator == cl.FilterExcludes && found {
			return false
		}
	}
	return true
}

// Room is what the block may hold at most; nil for an overdraft block.
func (b *Block) Room() *big.Rat {
	if b.Initial == nil {
		return nil
	}
	return new(big.Rat).Sub(b.Initial, b.Gone)
}

// InOrder sorts blocks by who pays first: one stable pass per rule, the weakest first.
func InOrder(blocks []*Block) []*Block {
	slices.SortStableFunc(blocks, func(x, y *Block) int { return cmp.Compare(x.Number, y.Number) })
	slices.SortStableFunc(blocks, func(x, y *Block) int { return x.cost.Cmp(y.cost) })
	slices.SortStableFunc(blocks, func(x, y *Block) int {
		if x.ExpiresAt == 0 || y.ExpiresAt == 0 {
			return -cmp.Compare(min(x.ExpiresAt, 1), min(y.ExpiresAt, 1))
		}
		return cmp.Compare(x.ExpiresAt, y.ExpiresAt)
	})
	slices.SortStableFunc(blocks, func(x, y *Block) int { return -cmp.Compare(min(len(x.Filters), 1), min(len(y.Filters), 1)) })
	slices.SortStableFunc(blocks, func(x, y *Block) int { return cmp.Compare(x.Priority, y.Priority) })
	return blocks
}

// ordered are the blocks of some kind, in drawdown order.
func (s *State) ordered(kind func(*Block) bool) (list []*Block) {
	for _, b := range s.Blocks {
		if kind(b) {
			list = append(list, b)
		}
	}
	return InOrder(list)
}

// Find looks a block up by its id.
func (s *State) Find(id string) *Block {
	for _, b := range s.Blocks {
		if b.ID == id {
			return b
		}
	}
	return nil
}

// resolve turns what a caller gave into an instant: 0 for never, and where nothing was
// given.
func (s *State) resolve(w cl.When) cl.Instant {
	if w.Date() != 0 {
		return FirstInstant(w.Date(), s.zone)
	}
	return w.Instant()
}
