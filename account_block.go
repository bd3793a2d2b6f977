package creditledger

import "cmp"

// block is a Block as an account keeps it in memory. There may be millions of them, and
// few use every field of a Block, so the rarely used fields are kept apart.
type block struct {
	ID          string
	Number      uint64
	CreatedAt   Instant
	EffectiveAt Instant
	ExpiresAt   Instant
	ActivatedAt Instant
	Initial     Amount
	Balance     Amount
	Capacity    Amount
	CostBasis   CostBasis
	Priority    int32
	Status      BlockStatus
	Source      Source
	Overdraft   bool
	rare        *rare // never nil, and never written to, because blocks share it
}

// rare has the fields that most blocks do not use.
type rare struct {
	Filters   []Filter
	InvoiceID string
	ParentID  string
	Metadata  map[string]string
	Paid      bool
	Lapsed    Amount
	Refill    *Refill
	held      Amount // Σ of the slices that open holds keep of the block; not stored with it
	size      int    // of the texts, in bytes
}

var nothingRare rare

// orNone returns r, or the one value that all blocks share that use no rare field.
func (r rare) orNone() *rare {
	switch {
	case len(r.Filters) > 0 || r.InvoiceID != "" || r.ParentID != "" || len(r.Metadata) > 0:
		r.size = filtersSize(r.Filters) + textSize(r.InvoiceID) + textSize(r.ParentID) + metadataSize(r.Metadata)
	case !r.Paid && r.Lapsed.IsZero() && r.Refill == nil && r.held.IsZero():
		return &nothingRare
	default: // fields that change do not count, or a block could weigh less when it leaves than when it came
		r.size = 0
	}
	return &r
}

// kept returns b in the form that an account keeps.
func (b *Block) kept() block {
	return block{
		ID: b.ID, Number: b.Number,
		CreatedAt: b.CreatedAt, EffectiveAt: b.EffectiveAt, ExpiresAt: b.ExpiresAt, ActivatedAt: b.ActivatedAt,
		Initial: b.Initial, Balance: b.Balance, Capacity: b.Capacity, CostBasis: b.CostBasis,
		Priority: b.Priority, Status: b.Status, Source: b.Source, Overdraft: b.Overdraft,
		rare: rare{
			Filters: b.Filters, InvoiceID: b.InvoiceID, ParentID: b.ParentID, Metadata: b.Metadata,
			Paid: b.Paid, Lapsed: b.Lapsed, Refill: b.Refill,
		}.orNone(),
	}
}

// whole returns b in the form that stores and callers know.
func (b *block) whole() (w Block) {
	b.fill(&w)
	return w
}

// fill makes w, which is empty, the block as whole returns it.
func (b *block) fill(w *Block) {
	w.ID, w.Number = b.ID, b.Number
	w.CreatedAt, w.EffectiveAt, w.ExpiresAt, w.ActivatedAt = b.CreatedAt, b.EffectiveAt, b.ExpiresAt, b.ActivatedAt
	w.Initial, w.Balance, w.Capacity, w.CostBasis = b.Initial, b.Balance, b.Capacity, b.CostBasis
	w.Priority, w.Status, w.Source, w.Overdraft = b.Priority, b.Status, b.Source, b.Overdraft
	w.Filters, w.InvoiceID, w.ParentID, w.Metadata = b.rare.Filters, b.rare.InvoiceID, b.rare.ParentID, b.rare.Metadata
	w.Paid, w.Lapsed, w.Refill = b.rare.Paid, b.rare.Lapsed, b.rare.Refill
}

// shown is whole, with the amount that holds keep of it.
func (b *block) shown() Block {
	w := b.whole()
	w.Held = b.rare.held
	return w
}

// Eligible, Expired and Matches are those of Block.
func (b *block) Eligible(t Instant) bool { return eligibleAt(b.Status, b.EffectiveAt, b.ExpiresAt, t) }
func (b *block) Expired(t Instant) bool  { return expiredAt(b.ExpiresAt, t) }
func (b *block) Matches(c Charge) bool   { return matches(b.rare.Filters, c) }

// eligibleSince is when an eligible block became so. An expiration change hands it on:
// credits that move stay as old as they are.
func (b *block) eligibleSince() Instant { return max(b.EffectiveAt, b.ActivatedAt) }

// takesOverdraft reports whether a debt may be put on b. An expiring block may not hold a
// debt, because its expiry would erase it, and neither may a filtered block.
func (b *block) takesOverdraft() bool { return b.ExpiresAt == 0 && len(b.rare.Filters) == 0 }

// drawdownOrder is DrawdownOrder.
func drawdownOrder(a, b *block) int {
	if a.Priority != b.Priority {
		return cmp.Compare(a.Priority, b.Priority)
	}
	if fa, fb := len(a.rare.Filters) > 0, len(b.rare.Filters) > 0; fa != fb {
		if fa {
			return -1
		}
		return 1
	}
	if a.ExpiresAt != b.ExpiresAt {
		// None is 0; subtracting one in unsigned arithmetic sorts it last.
		return cmp.Compare(uint64(a.ExpiresAt)-1, uint64(b.ExpiresAt)-1)
	}
	if c := a.CostBasis.Cmp(b.CostBasis); c != 0 {
		return c
	}
	return cmp.Compare(a.Number, b.Number)
}

// DrawdownOrder compares two blocks of one account by the policy orb/1: the block that pays
// first is the smaller. Smaller priorities come first, then filtered blocks before
// unfiltered ones, then earlier expiries with never last, then smaller cost bases with none
// as 0, then earlier creation.
// Rule: docs/semantics.md, "Drawdown order".
func DrawdownOrder(a, b *Block) int {
	x, y := a.ordered(), b.ordered()
	return drawdownOrder(&x, &y)
}

// someFilter stands for the filters of any block that has some.
var someFilter = rare{Filters: make([]Filter, 1)}

// ordered returns the fields that drawdownOrder compares. It allocates nothing, because
// lists are long.
func (b *Block) ordered() block {
	o := block{Number: b.Number, Priority: b.Priority, ExpiresAt: b.ExpiresAt, CostBasis: b.CostBasis, rare: &nothingRare}
	if len(b.Filters) > 0 {
		o.rare = &someFilter
	}
	return o
}
