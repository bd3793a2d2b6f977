package creditledger

import (
	"slices"
	"sort"
	"time"
)

// Usage that is reported late is paid by the blocks that were there when it happened. What
// a block lost to its own expiry is remembered on it, and it stays open until that expiry
// lies a settlement window back: so a late charge finds it at a cost that does not grow
// with the history. Rule: docs/semantics.md, "Usage that is reported late".

// settling are the open blocks that lapsed with something in them.
type settling struct {
	blocks blockList // soonest expired first
	until  Instant   // what expired at or before it is settled: it was closed
}

func (s *settling) settled() Instant {
	if s == nil {
		return 0
	}
	return s.until
}

func (s *settling) remove(b *block) {
	if s != nil {
		s.blocks.remove(b)
	}
}

func (s *settling) reset() {
	if s != nil {
		s.blocks.reset(nil)
	}
}

// settles reports whether usage that is reported late may still draw what b lost.
func (a *account) settles(b *block) bool {
	return !b.rare.Lapsed.IsZero() && b.countsUntilExpiry() && b.ExpiresAt > a.settling.settled()
}

// settle puts a block among those that are settling.
func (a *account) settle(b *block) {
	if a.settling == nil {
		a.settling = &settling{blocks: blockList{order: byExpiry}}
	}
	a.settling.blocks.insert(b)
}

// settleUntil moves the end of the settlement window.
func (a *account) settleUntil(t Instant) {
	if a.settling == nil {
		a.settling = &settling{blocks: blockList{order: byExpiry}}
	}
	a.settling.until = t
}

// closeSettled closes what no late charge may draw any more. When is told by entries of
// expiries alone, which are what opens such blocks: so it follows from the records, and
// what is open stays bounded.
func (a *account) closeSettled(c *change) {
	for b := a.settling.blocks.first(); b != nil && b.ExpiresAt <= a.settling.until; b = a.settling.blocks.first() {
		a.settling.remove(b)
		a.closeIfDone(c, b)
	}
}

// usage is what a charge is for, and when it happened.
type usage struct {
	charge Charge
	at     Instant // none: now
	before Instant // unless none, who was not eligible before it pays nothing: records of format 2
}

func (op *Decrement) usage(id AccountID) usage {
	return usage{
		charge: Charge{ItemID: op.ItemID, PriceID: op.PriceID, Currency: id.Currency},
		at:     op.UsageAt, before: op.eligibleBefore,
	}
}

// past reports whether not every eligible block pays for the usage, or not they alone.
func (u *usage) past() bool { return u.at != 0 || u.before != 0 }

// mayPay reports whether a block that is eligible now, or was until its expiry, pays for
// the usage.
func (u *usage) mayPay(b *block) bool {
	switch {
	case u.at != 0:
		return b.EffectiveAt <= u.at && !b.Expired(u.at) && (!b.rare.Paid || b.ActivatedAt <= u.at)
	case u.before != 0:
		return b.eligibleSince() < u.before
	}
	return true
}

// lapsedFor lists, in drawdown order, the expired blocks that pay for usage of the past
// with what they lost, and adds that up.
func (a *account) lapsedFor(u *usage) (blocks []*block, sum Amount) {
	if u.at == 0 || a.settling == nil {
		return nil, Amount{}
	}
	all := a.settling.blocks.all()
	for _, b := range all[sort.Search(len(all), func(i int) bool { return all[i].ExpiresAt > u.at }):] {
		if u.mayPay(b) && b.Matches(u.charge) {
			blocks = append(blocks, b)
			sum = addCapped(sum, b.rare.Lapsed)
		}
	}
	slices.SortFunc(blocks, drawdownOrder)
	return blocks, sum
}

// checkSettlement refuses usage that is reported too late. It is for new requests: what
// was written when the window was another is replayed.
func checkSettlement(op Operation, at, settlement Instant) error {
	d, ok := op.(Decrement)
	if !ok || d.UsageAt == 0 || d.UsageAt >= at-settlement {
		return nil
	}
	return constraint("the usage at %s is more than %s before now, %s: charge it as of now, without usage_at",
		d.UsageAt, time.Duration(settlement)*time.Microsecond, at)
}

// addCapped is a + b, or the largest amount if that is out of range: what lapsed over
// the years may add up to more than any charge can ask for.
func addCapped(a, b Amount) Amount {
	sum, err := a.Add(b)
	if err != nil {
		return largestAmount
	}
	return sum
}

var largestAmount = MustAmount("99999999999999999999.999999999999999999")
