package creditledger

import (
	"errors"
	"fmt"
	"slices"
)

// naive is an account with holds by the plainest route: every question walks all blocks
// and all holds. What is not about holds it copies from the book.
type naive struct {
	at     Instant
	blocks []*naiveBlock // in drawdown order
	holds  []*naiveHold
	made   uint64
}

type naiveBlock struct {
	terms   block
	balance Amount
}

type naiveHold struct {
	id, item         string
	until            Instant
	state            HoldState
	amount, captured Amount
	slices           []naiveSlice
	unbacked         Amount
}

type naiveSlice struct {
	block  uint64
	amount Amount
}

func plus(a, b Amount) Amount  { return mustAmount(a.Add(b)) }
func minus(a, b Amount) Amount { return mustAmount(a.Sub(b)) }

// copyFrom takes the blocks as the book has them.
func (n *naive) copyFrom(b *book) {
	n.blocks = nil
	for _, m := range b.made {
		n.blocks = append(n.blocks, &naiveBlock{terms: *m, balance: m.Balance})
	}
	n.sort()
	n.made = uint64(len(b.made))
}

func (n *naive) sort() {
	slices.SortFunc(n.blocks, func(a, b *naiveBlock) int { return drawdownOrder(&a.terms, &b.terms) })
}

func (n *naive) block(number uint64) *naiveBlock {
	return n.blocks[slices.IndexFunc(n.blocks, func(b *naiveBlock) bool { return b.terms.Number == number })]
}

func (n *naive) hold(id string) *naiveHold {
	for _, h := range n.holds {
		if h.id == id {
			return h
		}
	}
	return nil
}

func (h *naiveHold) held() Amount {
	sum := h.unbacked
	for _, s := range h.slices {
		sum = plus(sum, s.amount)
	}
	return sum
}

func (n *naive) heldOf(b *naiveBlock) (sum Amount) {
	for _, h := range n.holds {
		for _, s := range h.slices {
			if h.state == HoldOpen && s.block == b.terms.Number {
				sum = plus(sum, s.amount)
			}
		}
	}
	return sum
}

func (n *naive) held() (sum Amount) {
	for _, h := range n.holds {
		if h.state == HoldOpen {
			sum = plus(sum, h.held())
		}
	}
	return sum
}

// total counts what an expired block still holds: slices, or what is due this instant.
func (n *naive) total() (sum Amount) {
	for _, b := range n.blocks {
		t := &b.terms
		if t.Status == BlockActive && t.EffectiveAt <= n.at && (t.ExpiresAt == 0 || t.EffectiveAt < t.ExpiresAt) {
			sum = plus(sum, b.balance)
		}
	}
	return sum
}

// advance lets time pass and returns the expiries that fall due.
func (n *naive) advance(to Instant) (lines []string) {
	for n.at < to {
		next := to
		for _, b := range n.blocks {
			for _, at := range []Instant{b.terms.ExpiresAt, b.terms.EffectiveAt} {
				if at > n.at && at < next {
					next = at
				}
			}
		}
		for _, h := range n.holds {
			if h.state == HoldOpen && h.until > n.at && h.until < next {
				next = h.until
			}
		}
		n.at = next
		for _, h := range n.holds {
			if h.state == HoldOpen && h.until <= n.at {
				h.state, h.slices, h.unbacked = HoldLapsed, nil, Amount{}
			}
		}
		lines = append(lines, n.expire(" at "+n.at.String())...)
	}
	return lines
}

// expire takes what nobody keeps off the blocks that have expired.
func (n *naive) expire(suffix string) (lines []string) {
	for _, b := range n.blocks {
		if free := minus(b.balance, n.heldOf(b)); b.terms.Expired(n.at) && free.Sign() > 0 {
			lines = append(lines, n.take(EntryCreditBlockExpiry, b, free)+suffix)
		}
	}
	return lines
}

func (n *naive) take(what EntryType, b *naiveBlock, amount Amount) string {
	before := n.total()
	b.balance = minus(b.balance, amount)
	return fmt.Sprintf("%s %d %s %s→%s", what, b.terms.Number, amount, before, n.total())
}

func (n *naive) available(item string) Amount {
	var sum Amount
	for _, b := range n.blocks {
		if free := minus(b.balance, n.heldOf(b)); n.draws(b, item) && free.Sign() > 0 {
			sum = plus(sum, free)
		}
	}
	if sum = minAmount(sum, minus(n.total(), n.held())); sum.Sign() < 0 {
		return Amount{}
	}
	return sum
}

func (n *naive) draws(b *naiveBlock, item string) bool {
	return b.terms.Eligible(n.at) && b.terms.Matches(Charge{ItemID: item, Currency: DefaultCurrency})
}

// free lists the free parts that cover an amount, and what they leave of it.
func (n *naive) free(item string, want Amount) (parts []naiveSlice, rest Amount) {
	for _, b := range n.blocks {
		part := minAmount(minus(b.balance, n.heldOf(b)), want)
		if n.draws(b, item) && part.Sign() > 0 {
			parts, want = append(parts, naiveSlice{b.terms.Number, part}), minus(want, part)
		}
	}
	return parts, want
}

// debtor is the block that takes a debt; nil: a new one.
func (n *naive) debtor() (last *naiveBlock) {
	for i, b := range n.blocks {
		behind := slices.ContainsFunc(n.blocks[i+1:], func(o *naiveBlock) bool { return n.mayOwe(o) })
		if n.mayOwe(b) && n.heldOf(b).IsZero() && (!b.balance.IsZero() || !behind) {
			last = b
		}
	}
	return last
}

func (n *naive) mayOwe(b *naiveBlock) bool {
	return b.terms.ExpiresAt == 0 && len(b.terms.rare.Filters) == 0 && b.terms.Eligible(n.at)
}

// pay draws parts and then an amount, and returns one entry a block.
func (n *naive) pay(parts []naiveSlice, item string, want Amount) (lines []string) {
	for _, p := range parts { // they are drawn first
		n.block(p.block).balance = minus(n.block(p.block).balance, p.amount)
	}
	drawn, rest := n.free(item, want)
	for _, p := range parts {
		n.block(p.block).balance = plus(n.block(p.block).balance, p.amount)
	}
	b := n.debtor() // what the operation drains itself serves
	parts = append(slices.Clone(parts), drawn...)
	if !rest.IsZero() {
		if b == nil {
			n.made++
			b = &naiveBlock{terms: block{Number: n.made, EffectiveAt: n.at, ActivatedAt: n.at, Overdraft: true, rare: &nothingRare}}
			n.blocks = append(n.blocks, b)
			n.sort()
		}
		parts = append(parts, naiveSlice{b.terms.Number, rest})
	}
	for i, p := range parts {
		if slices.ContainsFunc(parts[:i], func(q naiveSlice) bool { return q.block == p.block }) {
			continue
		}
		sum := Amount{}
		for _, q := range parts[i:] {
			if q.block == p.block {
				sum = plus(sum, q.amount)
			}
		}
		lines = append(lines, n.take(EntryDecrement, n.block(p.block), sum))
	}
	return lines
}

var errNaive = errors.New("refused")

// allowed is what a policy lets through of an amount.
func (n *naive) allowed(o Overdraft, l OverdraftLimit, item string, amount Amount) (Amount, error) {
	most := n.available(item)
	if o == OverdraftAllow {
		bound, bounded := l.Amount()
		if !bounded {
			return amount, nil
		}
		if most = plus(minus(n.total(), n.held()), bound); most.Sign() < 0 {
			most = Amount{}
		}
	}
	switch {
	case amount.Cmp(most) <= 0:
		return amount, nil
	case o != OverdraftStopAtZero:
		return Amount{}, errNaive
	}
	return most, nil
}

// do does an operation on holds, or a decrement.
func (n *naive) do(op Operation) ([]string, error) {
	switch op := op.(type) {
	case Decrement:
		want, err := n.allowed(op.Overdraft, op.OverdraftLimit, op.ItemID, op.Amount)
		if err != nil {
			return nil, err
		}
		return n.pay(nil, op.ItemID, want), nil
	case Hold:
		if n.hold(op.HoldID) != nil {
			return nil, errNaive
		}
		h := &naiveHold{id: op.HoldID, item: op.ItemID, until: op.until(n.at)}
		if err := n.setAside(h, op.Overdraft, op.OverdraftLimit, op.Amount); err != nil {
			return nil, err
		}
		n.holds = append(n.holds, h)
		return nil, nil
	case ExtendHold:
		h := n.hold(op.HoldID)
		if h == nil || h.state != HoldOpen || (op.Until != 0 && op.Until < h.until) {
			return nil, errNaive
		}
		if op.Amount.Sign() > 0 {
			if err := n.setAside(h, op.Overdraft, op.OverdraftLimit, op.Amount); err != nil {
				return nil, err
			}
		}
		h.until = max(h.until, op.Until)
		return nil, nil
	case Release:
		return n.release(op.HoldID)
	case Capture:
		return n.capture(op)
	}
	panic("not about holds")
}

func (n *naive) setAside(h *naiveHold, o Overdraft, l OverdraftLimit, amount Amount) error {
	want, err := n.allowed(o, l, h.item, amount)
	if err != nil || want.IsZero() {
		return errNaive
	}
	parts, rest := n.free(h.item, want)
	h.amount, h.unbacked = plus(h.amount, want), plus(h.unbacked, rest)
	for _, p := range parts {
		if i := slices.IndexFunc(h.slices, func(s naiveSlice) bool { return s.block == p.block }); i >= 0 {
			h.slices[i].amount = plus(h.slices[i].amount, p.amount)
		} else {
			h.slices = append(h.slices, p)
		}
	}
	return nil
}

func (n *naive) release(id string) ([]string, error) {
	h := n.hold(id)
	if h == nil {
		return nil, errNaive
	}
	if h.state == HoldOpen {
		h.state, h.slices, h.unbacked = HoldReleased, nil, Amount{}
	}
	return n.expire(""), nil
}

func (n *naive) capture(op Capture) ([]string, error) {
	h := n.hold(op.HoldID)
	switch {
	case op.Amount.IsZero():
		return n.release(op.HoldID)
	case h == nil || h.state == HoldCaptured || h.state == HoldReleased || (h.state == HoldLapsed && op.AfterLapse == AfterLapseRefuse):
		return nil, errNaive
	}
	before, shrunk := *h, *h
	own := minAmount(op.Amount, h.held())
	var taken []naiveSlice
	rest := own
	shrunk.slices = nil
	for _, s := range h.slices {
		part := minAmount(s.amount, rest)
		rest = minus(rest, part)
		if !part.IsZero() {
			taken = append(taken, naiveSlice{s.block, part})
		}
		if part != s.amount {
			shrunk.slices = append(shrunk.slices, naiveSlice{s.block, minus(s.amount, part)})
		}
	}
	shrunk.unbacked = minus(h.unbacked, rest)
	shrunk.captured = plus(h.captured, own)
	// Once the slices and what was promised are taken the policy looks at the rest.
	copied := n.copy()
	*copied.hold(h.id) = shrunk
	copied.pay(taken, h.item, rest)
	above, err := copied.allowed(op.Overdraft, op.OverdraftLimit, h.item, minus(op.Amount, own))
	if above.IsZero() && err != nil {
		*h = before
		return nil, err
	}
	*h = shrunk
	lines := n.pay(taken, h.item, plus(rest, above))
	if !op.KeepOpen || before.state == HoldLapsed {
		h.state, h.slices, h.unbacked = HoldCaptured, nil, Amount{}
		lines = append(lines, n.expire("")...)
	}
	return lines, nil
}

func (n *naive) copy() *naive {
	c := &naive{at: n.at, made: n.made}
	for _, b := range n.blocks {
		c.blocks = append(c.blocks, ptr(*b))
	}
	for _, h := range n.holds {
		c.holds = append(c.holds, ptr(*h))
	}
	return c
}

func (n *naive) text(h *naiveHold) string {
	text := fmt.Sprintf("%s %s/%s captured %s unbacked %s", h.state, h.held(), h.amount, h.captured, h.unbacked)
	for _, s := range h.slices {
		text += fmt.Sprintf(" %d:%s", s.block, s.amount)
	}
	return text
}
