package model

import (
	"cmp"
	"math/big"
	"slices"
	"strings"
	"time"

	cl "creditledger"
)

// Transfer moves free credits of one account to another: an amount, or all of a block.
type Transfer struct {
	Amount  *big.Rat // or
	BlockID string
	Texts
}

// Send is the sender's part of a transfer.
type Send struct{ Transfer }

// Arrive is the receiver's.
type Arrive struct {
	Parcels []Parcel
	Texts
}

// Parcel is what came of one block.
type Parcel struct {
	of     *Block
	amount *big.Rat
}

// Name is the operation's name in operations files.
func (Transfer) Name() string { return "transfer" }

// Name is that of the act.
func (Arrive) Name() string { return "transfer" }

func (s *State) send(op Send, r *Result) error {
	var from []payer
	for _, b := range s.ordered(func(b *Block) bool { return b.Eligible(s.now) && (op.BlockID == "" || b.ID == op.BlockID) }) {
		from = append(from, payer{b, s.free(b)})
	}
	amount := op.Amount
	if op.BlockID != "" {
		b := s.Find(op.BlockID)
		switch {
		case b == nil:
			return &Refusal{Kind: NotFound, What: op.BlockID}
		case !b.Eligible(s.now): // whatever holds keep of it
			return &Refusal{Kind: Constraint}
		case s.free(b).Sign() == 0:
			return &Refusal{Kind: Constraint, Holds: s.holdsOf(b)}
		}
		amount = s.free(b)
	}
	if _, _, err := s.afford(amount, Reject, nil, from); err != nil {
		return err
	}
	for _, p := range from {
		part := least(amount, p.can)
		if part.Sign() > 0 {
			amount = new(big.Rat).Sub(amount, part)
			s.takeBack(op, "transfer", p.b, part, r)
		}
	}
	return nil
}

// parcels are what the sender's part of a transfer sent.
func parcels(r *Result) (list []Parcel) {
	for _, e := range r.Entries {
		if e.Type == cl.EntryVoid {
			list = append(list, Parcel{e.Block, e.Amount})
		}
	}
	return list
}

func (s *State) arrive(op Arrive, r *Result) {
	for _, p := range op.Parcels {
		b := s.make(r, &Block{
			EffectiveAt: p.of.EffectiveAt, ExpiresAt: p.of.ExpiresAt, ActivatedAt: s.now, Initial: p.amount, Balance: new(big.Rat),
			Cost: p.of.Cost, Priority: p.of.Priority, Filters: p.of.Filters, ParentID: p.of.ID, Metadata: op.Metadata,
		}, "")
		s.write(r, op, &Entry{Type: cl.EntryIncrement, Block: b, Amount: p.amount}, func() { b.move(p.amount) })
	}
}

// Part is one operation of an act. A transfer has two: the sender's part, and the
// receiver's, whose operation is known only when the first is done.
type Part struct {
	On *Account
	Request
}

// Act is several operations on several accounts, decided at one instant, all or none.
type Act struct {
	Op    Operation // a Transfer, or an All
	Key   cl.Key
	Clock cl.Instant
	Parts []Part
	Made  cl.Key // that the library made where Key is empty

	on    []*Account // without repetition
	where []int      // of the lists of these accounts
}

// All stands for an act that lists its operations.
type All struct{}

// Name is the operation's name in operations files.
func (All) Name() string { return "all" }

// Do decides an act, and carries it out if nothing is refused.
func (a *Act) Do() (results []*Result, replayed bool, err error) {
	if err := a.check(); err != nil {
		return nil, false, err
	}
	switch d, err := a.before(); {
	case err != nil:
		return nil, false, err
	case d != nil:
		return d.results(), true, nil
	}
	at := a.Clock
	for _, on := range a.on {
		at = max(at, on.Now().Last)
	}
	trials := map[*Account]*State{}
	done := map[*Account]*Done{}
	for _, on := range a.on {
		s := on.Work()
		s.due(at, at)
		s.now, s.Last = at, at
		trials[on], done[on] = s, &Done{Op: Batch(nil), Clock: at, Key: cmp.Or(a.Key, a.Made), Hidden: a.Key == "", Act: a}
	}
	for i, p := range a.Parts {
		s := trials[p.On]
		s.zone = p.Zone
		if field := s.untimely(p.Op); field != "" {
			return nil, false, &Refusal{Kind: Invalid, What: place(i, field)}
		}
	}
	for _, p := range a.Parts {
		s, op := trials[p.On], p.Op
		if _, transfer := a.Op.(Transfer); transfer && len(results) == 1 {
			op = Arrive{parcels(results[0]), a.Op.(Transfer).Texts}
		}
		s.ids, s.zone, s.key = p.IDs, p.Zone, a.Key
		r := &Result{At: at, Key: a.Key}
		err := s.apply(op, r)
		forbidden := p.Foreign || p.Deleted && !allowedToTheDeleted(op)
		if refused, is := err.(*Refusal); forbidden && (!is || refused.Kind == Constraint || refused.Kind == Insufficient) {
			err = &Refusal{Kind: Constraint}
		}
		if err != nil {
			return nil, false, err
		}
		results = append(results, r)
		d := done[p.On]
		d.Op, d.Zone, d.IDs = append(d.Op.(Batch), op), p.Zone, append(d.IDs, p.IDs...)
	}
	for _, on := range a.on {
		a.where = append(a.where, len(on.List))
		on.List = append(on.List, *done[on])
	}
	return a.results(), false, nil
}

// check refuses what can be refused without looking at any account, and lists the accounts.
func (a *Act) check() error {
	for i, p := range a.Parts {
		fields := wrong(p.On.ID, p.Op, "")
		if _, all := a.Op.(All); all {
			for j := range fields {
				fields[j] = place(i, fields[j])
			}
		}
		if !nameable(string(a.Key), 0) {
			fields = []string{"idempotency_key"}
		}
		if len(fields) > 0 {
			return &Refusal{Kind: Invalid, What: strings.Join(fields, "|")}
		}
		if !slices.Contains(a.on, p.On) {
			a.on = append(a.on, p.On)
		}
	}
	if _, transfer := a.Op.(Transfer); transfer && (len(a.on) == 1 || a.on[0].ID.Currency != a.on[1].ID.Currency) {
		return &Refusal{Kind: Invalid, What: "to"}
	}
	if len(a.on) > 64 {
		return &Refusal{Kind: Invalid, What: "operations"}
	}
	return nil
}

// before is the act that was done earlier under the same key; nil if there is none.
func (a *Act) before() (*Act, error) {
	for _, on := range a.on {
		for _, d := range on.List {
			if a.Key != "" && d.Key == a.Key {
				if field := a.differs(d); field != "" {
					return nil, &Refusal{Kind: Mismatch, What: field}
				}
				return d.Act, nil
			}
		}
	}
	return nil, nil
}

// results works the results of the parts out again, in their order.
func (a *Act) results() (list []*Result) {
	next := map[*Account]int{}
	for _, p := range a.Parts {
		i := a.where[slices.Index(a.on, p.On)]
		list = append(list, p.On.Now().Results[i].Parts[next[p.On]])
		next[p.On]++
	}
	return list
}

// differs names the first field in which something that was done is not this act.
func (a *Act) differs(d Done) string {
	if d.Act == nil || d.Act.Op.Name() != a.Op.Name() {
		return "op"
	}
	b := d.Act
	if t, transfer := a.Op.(Transfer); transfer {
		switch {
		case b.Parts[0].On != a.Parts[0].On:
			return "from"
		case b.Parts[1].On != a.Parts[1].On:
			return "to"
		}
		return difference(b.Op, t, terms{})
	}
	same := func(x, y Part) bool {
		return x.On == y.On && difference(x.Op, y.Op, terms{x.On.Repay, [2]*time.Location{x.Zone, y.Zone}}) == ""
	}
	if !slices.EqualFunc(b.Parts, a.Parts, same) {
		return "operations"
	}
	return ""
}
