package creditledger

import (
	"slices"
	"sort"
	"time"
)

// Usage that is reported late is paid by the blocks that existed when it happened. A
// block remembers what it lost to its own expiry, and stays open until a settlement
// window has passed since then. So a late charge finds it at a cost that does not grow
// with the history. Rule: docs/semantics.md, "Usage that is reported late".

// settling has the open blocks that had a balance when they expired, for late usage to
// draw on.
type settling struct {
	blocks blockList // soonest expired first
	until  Instant   // blocks that expired at or before it are settled: closed to late usage
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

// closeSettled closes the blocks that no late charge may draw from any more. Only entries
// of expiries move the window's end. They are also what adds such blocks, so everything
// follows from the records, and the number of open blocks stays bounded.
func (a *account) closeSettled(c *change) {
	for b := a.settling.blocks.first(); b != nil && b.ExpiresAt <= a.settling.until; b = a.settling.blocks.first() {
		a.settling.remove(b)
		a.closeIfDone(c, b)
	}
}

// usage is what a charge is for, and when it happened.
type usage struct {
	charge Charge
	at     Instant // none: at the present instant
	before Instant // if given, blocks that became eligible at or after it pay nothing: records of format 2
}

func (op *Decrement) usage(id AccountID) usage {
	return usage{
		charge: Charge{ItemID: op.ItemID, PriceID: op.PriceID, Currency: id.Currency},
		at:     op.UsageAt, before: op.eligibleBefore,
	}
}

// past reports whether the blocks that pay for the usage may be others than those that
// are eligible now.
func (u *usage) past() bool { return u.at != 0 || u.before != 0 }

// mayPay reports whether a block pays for the usage. The block is eligible now, or was
// until its expiry.
func (u *usage) mayPay(b *block) bool {
	switch {
	case u.at != 0:
		return b.EffectiveAt <= u.at && !b.Expired(u.at) && (!b.rare.Paid || b.ActivatedAt <= u.at)
	case u.before != 0:
		return b.eligibleSince() < u.before
	}
	return true
}

// lapsedFor returns the expired blocks that pay for usage of the past, in drawdown order,
// and the sum of what they lost.
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

// checkSettlement refuses usage that is reported too late. Only new requests are checked:
// a record may have been written when the window was longer.
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
