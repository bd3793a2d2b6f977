package creditledger

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
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

func coreText(h *hold, at Instant) string {
	s := h.holdState
	if s.stateAt(at) == HoldLapsed {
		s.close(HoldLapsed)
	}
	text := fmt.Sprintf("%s %s/%s captured %s unbacked %s", s.state, s.held(), s.amount, s.captured, s.unbacked)
	for _, p := range s.slices {
		text += fmt.Sprintf(" %d:%s", p.block.Number, p.amount)
	}
	return text
}

// drawHoldOperation draws an operation on one of a few holds.
func drawHoldOperation(t *rapid.T, at Instant) Operation {
	id := rapid.SampledFrom([]string{"g", "h", "i", "j", "k", "l", "m", "n"}).Draw(t, "hold")
	amount := MustAmount(rapid.SampledFrom([]string{"1", "0.5", "3", "10", "40"}).Draw(t, "amount"))
	o := rapid.SampledFrom([]Overdraft{OverdraftAllow, OverdraftReject, OverdraftStopAtZero}).Draw(t, "policy")
	var l OverdraftLimit
	if o == OverdraftAllow && rapid.Bool().Draw(t, "limited") {
		l = OverdraftLimitOf(MustAmount("20"))
	}
	const hour = Instant(time.Hour / time.Microsecond)
	later := at + hour*Instant(rapid.SampledFrom([]int{1, 24, 30, 48, 72}).Draw(t, "hours"))
	switch rapid.SampledFrom([]string{"hold", "hold", "hold", "extend", "capture", "capture", "capture", "release"}).Draw(t, "operation") {
	case "hold":
		return Hold{HoldID: id, Amount: amount, Until: later, ItemID: rapid.SampledFrom([]string{"", "api"}).Draw(t, "item"), Overdraft: o, OverdraftLimit: l}
	case "extend":
		return ExtendHold{HoldID: id, Amount: amount, Until: later, Overdraft: o, OverdraftLimit: l}
	case "capture":
		op := Capture{HoldID: id, Amount: amount, Overdraft: o, OverdraftLimit: l, KeepOpen: rapid.Bool().Draw(t, "keep open")}
		if rapid.IntRange(0, 3).Draw(t, "late") == 0 {
			op.AfterLapse = AfterLapseRefuse
		}
		return op
	}
	return Release{HoldID: id}
}

// TestHoldsProperty: whatever is decided, holds included, comes out as by the naive route;
// no draw touches another's slice; what was set aside is captured, held or let go.
func TestHoldsProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b, n := newBook(rt), &naive{}
		b.longest = 0
		n.at = b.now
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			if rapid.Bool().Draw(rt, "time passes") {
				b.clock(drawDay(rt))
			}
			if rapid.IntRange(0, 4).Draw(rt, "look ahead") == 0 {
				b.a.moveTo(max(when(drawDay(rt)), b.a.head.LastAt))
			}
			at := max(b.now, b.a.head.LastAt)
			if rapid.IntRange(0, 5).Draw(rt, "sweep") == 0 {
				b.sweepAt(at)
			}
			b.compare(n, at, drawAny(rt, b, at))
		}
	})
}

func drawAny(t *rapid.T, b *book, at Instant) Operation {
	if rapid.IntRange(0, 2).Draw(t, "on holds") > 0 {
		return drawHoldOperation(t, at)
	}
	return drawOperation(t, len(b.made))
}

// sweepAt writes down what is due.
func (b *book) sweepAt(at Instant) {
	b.t.Helper()
	due := b.a.lastDue(at)
	if due == 0 {
		return
	}
	b.a.moveTo(due) // the account may have looked further ahead
	d := b.decision(spend("1"))
	if err := d.expire(); err != nil {
		b.t.Fatal(err)
	}
	b.swept = append(b.swept, d.gone...)
	b.swept = append(b.swept, d.changes...)
	b.keep(d)
	b.checkReload()
}

// compare does an operation by both routes.
func (b *book) compare(n *naive, at Instant, op Operation) {
	b.t.Helper()
	b.a.moveTo(at)
	if d := b.a.nextDue(); d != 0 && len(b.a.lapsed)+len(b.swept) == 0 {
		c := n.copy()
		if c.at = b.a.head.LastAt; len(c.advance(d-1)) > 0 || len(c.advance(d)) == 0 {
			b.t.Fatalf("what expires next is not due %s", d)
		}
	}
	var due []string
	for _, c := range b.swept {
		for _, l := range c.lines {
			due = append(due, fmt.Sprintf("%s %d %s %s→%s at %s", l.Type, l.Block, l.Amount, l.Starting, l.Ending, l.At))
		}
	}
	for _, l := range b.a.lapsed {
		due = append(due, fmt.Sprintf("%s %d %s %s→%s at %s", l.line.Type, l.line.Block, l.line.Amount, l.line.Starting, l.line.Ending, l.line.At))
	}
	next := n.copy()
	if want := next.advance(at); !slices.Equal(due, want) {
		b.t.Fatalf("due at %s is\n%s\nnaively\n%s", at, strings.Join(due, "\n"), strings.Join(want, "\n"))
	}
	if got, want := b.a.available(Charge{ItemID: "api", Currency: DefaultCurrency}), next.available("api"); got != want {
		b.t.Fatalf("available at %s is %s, naively %s", at, got, want)
	}
	others := otherHolds(b.a, op)
	res, err := b.try(op)
	b.checkHeld()
	if otherHolds(b.a, op) != others {
		b.t.Fatalf("%s changed another's hold:\n%s", describe(op), textDifference(others, otherHolds(b.a, op)))
	}
	if !namesHold(op) && op.Name() != (Decrement{}).Name() {
		if err == nil {
			b.swept = nil
			*n = *next
			n.copyFrom(b)
		}
		return
	}
	lines, refused := next.do(op)
	if (err != nil) != (refused != nil) {
		b.t.Fatalf("%s at %s: %v, naively %v", describe(op), at, err, refused)
	}
	if err != nil {
		return
	}
	var got []string
	for _, e := range res.Entries {
		got = append(got, fmt.Sprintf("%s %d %s %s→%s", e.Type, e.Block.Number, e.Amount, e.Starting, e.Ending))
	}
	if !slices.Equal(got, lines) {
		b.t.Fatalf("%s at %s writes\n%s\nnaively\n%s", describe(op), at, strings.Join(got, "\n"), strings.Join(lines, "\n"))
	}
	b.swept = nil
	*n = *next
	for _, h := range n.holds {
		if core := b.a.findHold(h.id); core == nil || coreText(core, at) != n.text(h) {
			b.t.Fatalf("after %s hold %s is\n%s\nnaively\n%s", describe(op), h.id, coreText(core, at), n.text(h))
		}
	}
}

// otherHolds shows what an operation may not touch.
func otherHolds(a *account, op Operation) string {
	var w strings.Builder
	if a.holds == nil {
		return ""
	}
	for _, h := range a.holds.open {
		if h.id != holdIDOf(op) {
			fmt.Fprintf(&w, "%s %s\n", h.id, coreText(h, a.at))
		}
	}
	return w.String()
}

// TestHoldAndCaptureIsDecrement: holding and capturing an amount at one instant is a
// decrement of it, entry for entry.
func TestHoldAndCaptureIsDecrement(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBook(rt)
		b.longest = 0
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			b.clock(drawDay(rt))
			_, _ = b.try(drawAny(rt, b, max(b.now, b.a.head.LastAt)))
		}
		b.a.moveTo(max(b.now, b.a.head.LastAt))
		plain := Decrement{Amount: MustAmount(rapid.SampledFrom([]string{"1", "12.5", "40", "200"}).Draw(rt, "amount")), ItemID: "api"}
		plain.Overdraft = rapid.SampledFrom([]Overdraft{OverdraftAllow, OverdraftReject}).Draw(rt, "policy")
		if plain.Overdraft == OverdraftAllow && rapid.Bool().Draw(rt, "limited") {
			plain.OverdraftLimit = OverdraftLimitOf(MustAmount("30"))
		}
		rehearse := func(op Operation) string {
			d := b.decision(op)
			if err := d.decide(); err != nil {
				return "refused"
			}
			text := story(d.result.Entries)
			for _, c := range d.changes {
				for _, made := range c.created {
					text = strings.ReplaceAll(text, made.ID, "new")
				}
			}
			d.takeBack()
			return text
		}
		held := Hold{HoldID: "new", Amount: plain.Amount, ItemID: plain.ItemID, Overdraft: plain.Overdraft, OverdraftLimit: plain.OverdraftLimit}
		both := rehearse(Batch{held, Capture{HoldID: "new", Amount: plain.Amount, Overdraft: OverdraftReject}})
		if alone := rehearse(plain); both != alone {
			rt.Fatalf("a decrement writes\n%s\nholding and capturing\n%s", alone, both)
		}
	})
}
