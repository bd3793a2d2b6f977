// Package model is a second opinion on the rules of the ledger: it keeps the list of
// accepted operations of each account and works everything out from that list again
// whenever it is asked. It is slow, has no state besides the list, counts in
// math/big.Rat, and shares no rule with the library, only its plain types.
package model

import (
	"cmp"
	"math/big"
	"slices"
	"time"

	cl "creditledger"
)

// Done is an accepted operation, or a sweep when Op is nil.
type Done struct {
	Op     cl.Operation
	Clock  cl.Instant // what the clock showed
	Zone   *time.Location
	Key    cl.Key
	Hidden bool     // the key was made by the library: good for a retry, not shown in entries
	IDs    []string // of the blocks made without an id of the caller's, in order
}

// Account is the list. The zero Account was never used.
type Account struct {
	ID    cl.AccountID
	Repay cl.Repay
	Grace time.Duration
	List  []Done

	// Quick makes the model go on from where it was instead of going through the whole
	// list each time, for runs that are longer and look less closely.
	Quick bool

	worked *State // what List gave when it was last worked out, see Now
	upTo   int
	asked  *State // with the last request that was not refused
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
	Op                             cl.Operation // that wrote it; nil for an expiry
	Key                            cl.Key
	Invoices                       []string
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
}

// State is everything that follows from a list.
type State struct {
	Last    cl.Instant
	Entries []*Entry
	Blocks  []*Block
	Results []*Result // one per item of the list, nil for a sweep

	repay cl.Repay
	ids   []string // still to be given to blocks made
	zone  *time.Location
	key   cl.Key
	now   cl.Instant
}

// Work goes through the list from its beginning.
func (a *Account) Work() *State {
	s, from := &State{repay: a.Repay}, 0
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

// clone copies what changes later: blocks. Entries do not.
func (s *State) clone() *State {
	c := *s
	c.Entries, c.Results, c.Blocks = slices.Clip(s.Entries), slices.Clip(s.Results), make([]*Block, len(s.Blocks))
	blocks := make([]Block, len(s.Blocks))
	for i, b := range s.Blocks {
		blocks[i] = *b
		c.Blocks[i] = &blocks[i]
	}
	return &c
}

// Now is Work, remembered until the list changes. It must not be changed.
func (a *Account) Now() *State {
	if a.worked == nil || a.upTo != len(a.List) {
		a.worked, a.upTo = a.Work(), len(a.List)
	}
	return a.worked
}

func (s *State) run(d *Done, foreign, deleted bool) (*Result, error) {
	if d.Op == nil {
		before := len(s.Entries)
		s.expire(d.Clock)
		if n := len(s.Entries); n > before {
			s.Last = max(s.Last, s.Entries[n-1].At)
		}
		return nil, nil
	}
	s.now, s.zone, s.ids, s.key = max(d.Clock, s.Last), d.Zone, d.IDs, d.Key
	if d.Hidden {
		s.key = ""
	}
	s.expire(s.now)
	s.Last = s.now
	r := &Result{At: s.now, Key: d.Key}
	ops, batch := d.Op.(cl.Batch)
	if !batch {
		ops = cl.Batch{d.Op}
	}
	for i, op := range ops {
		if op, grant := op.(cl.Increment); grant && s.late(op) {
			field := "expiry_date"
			if batch {
				field = place(i, field)
			}
			return nil, &Refusal{Kind: Invalid, What: field}
		}
	}
	for _, op := range ops {
		part := r
		if batch {
			part = &Result{At: s.now}
			r.Parts = append(r.Parts, part)
		}
		err := s.apply(op, part)
		// What the customer forbids is looked at with the last things of each operation.
		_, activation := op.(cl.Activation)
		forbidden := foreign || deleted && !activation
		if refused, is := err.(*Refusal); forbidden && (!is || refused.Kind == Constraint || refused.Kind == Insufficient) {
			err = &Refusal{Kind: Constraint}
		}
		if err != nil {
			return r, err
		}
		if batch {
			r.Entries = append(r.Entries, part.Entries...)
		}
	}
	return r, nil
}

func (s *State) apply(op cl.Operation, r *Result) error {
	var err error
	switch op := op.(type) {
	case cl.Increment:
		err = s.increment(op, r)
	case cl.Decrement:
		err = s.decrement(op, r)
	case cl.ExpirationChange:
		err = s.expirationChange(op, r)
	case cl.Void:
		err = s.void(op, r)
	case cl.Amendment:
		err = s.amendment(op, r)
	case cl.Activation:
		err = s.activation(op)
	}
	sum := new(big.Rat)
	for _, b := range s.Blocks {
		if b.Balance.Sign() != 0 {
			sum.Add(sum, new(big.Rat).Abs(b.Balance))
		}
	}
	if err == nil && sum.Cmp(tooMuch) >= 0 {
		err = &Refusal{Kind: Constraint}
	}
	return err
}

// expire writes down what expired by an instant and still holds something.
func (s *State) expire(by cl.Instant) {
	for {
		var due []*Block
		for _, b := range s.Blocks {
			if b.ExpiresAt != 0 && b.ExpiresAt <= by && b.Balance.Sign() != 0 {
				due = append(due, b)
			}
		}
		if len(due) == 0 {
			return
		}
		InOrder(due)
		slices.SortStableFunc(due, func(x, y *Block) int { return cmp.Compare(x.ExpiresAt, y.ExpiresAt) })
		b := due[0]
		starting := s.justBefore(b.ExpiresAt)
		e := &Entry{Type: cl.EntryCreditBlockExpiry, At: b.ExpiresAt, Block: b, Amount: b.Balance, Starting: starting}
		b.Balance = new(big.Rat)
		e.Ending = s.justBefore(b.ExpiresAt)
		s.append(e)
	}
}

// justBefore is the total at an instant, with what expires right then still counted.
func (s *State) justBefore(at cl.Instant) *big.Rat {
	sum := new(big.Rat)
	for _, b := range s.Blocks {
		if b.Eligible(at) || b.ExpiresAt == at && b.Eligible(at-1) {
			sum.Add(sum, b.Balance)
		}
	}
	return sum
}

func (s *State) append(e *Entry) *Entry {
	e.Seq = len(s.Entries) + 1
	s.Entries = append(s.Entries, e)
	return e
}

// write adds an entry of the present operation; change moves the credits it is about.
func (s *State) write(r *Result, op cl.Operation, e *Entry, change func()) *Entry {
	e.At, e.Op, e.Key = s.now, op, s.key
	e.Starting = s.Total(s.now)
	change()
	e.Ending = s.Total(s.now)
	r.Entries = append(r.Entries, s.append(e))
	return e
}

// make adds a block.
func (s *State) make(r *Result, b *Block, id string) *Block {
	if id == "" && len(s.ids) > 0 {
		id, s.ids = s.ids[0], s.ids[1:]
	}
	b.ID, b.Number, b.CreatedAt, b.Gone, b.cost = id, len(s.Blocks)+1, s.now, new(big.Rat), new(big.Rat)
	if b.Cost.IsSet() {
		b.cost = rat(b.Cost.String())
	}
	s.Blocks = append(s.Blocks, b)
	r.Made = b
	return b
}

// Total adds up what may be drawn at an instant.
func (s *State) Total(at cl.Instant) *big.Rat {
	sum := new(big.Rat)
	for _, b := range s.Blocks {
		if b.Balance.Sign() != 0 && b.Eligible(at) {
			sum.Add(sum, b.Balance)
		}
	}
	return sum
}

// Eligible tells whether the block may be drawn at an instant.
func (b *Block) Eligible(at cl.Instant) bool {
	return b.ActivatedAt != 0 && b.EffectiveAt <= at && (b.ExpiresAt == 0 || at < b.ExpiresAt)
}

// Lets tells whether the block may pay for the item.
func (b *Block) Lets(item string) bool {
	for _, f := range b.Filters {
		found := false
		for _, v := range f.Values {
			found = found || item != "" && v == item
		}
		if f.Operator == cl.Includes && !found || f.Operator == cl.Excludes && found {
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

// Find looks a block up by its id.
func (s *State) Find(id string) *Block {
	for _, b := range s.Blocks {
		if b.ID == id {
			return b
		}
	}
	return nil
}

// resolve turns what a caller gave into an instant; 0 for never and for nothing.
func (s *State) resolve(w cl.When) cl.Instant {
	if w.Date() != 0 {
		return FirstInstant(w.Date(), s.zone)
	}
	return w.Instant()
}
