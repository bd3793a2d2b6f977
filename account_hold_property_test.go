package creditledger

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

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
