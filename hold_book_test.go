package creditledger

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// storedHolds are an account's open holds as a store would hold them.
func storedHolds(a *account) (rows []Row) {
	if a.holds == nil {
		return nil
	}
	for _, h := range append(slices.Clone(a.holds.open), a.holds.lapsed...) {
		rows = append(rows, h.row(false).Row)
	}
	return rows
}

func ptr[T any](v T) *T { return &v }

// dumpHolds shows what an account and its reload must agree on about holds.
func dumpHolds(a *account) string {
	var w strings.Builder
	for _, b := range a.open.all() {
		if b.isHeld() {
			fmt.Fprintf(&w, "%d has %s held\n", b.Number, b.rare.held)
		}
	}
	hs := a.holds
	if hs == nil {
		return w.String()
	}
	if !hs.held.IsZero() {
		fmt.Fprintf(&w, "held %s unbacked %s\n", hs.held, hs.unbacked)
	}
	for _, h := range hs.open {
		fmt.Fprintf(&w, "hold %s %x\n", h.id, appendHoldRow(nil, ptr(h.stored(&h.holdState))))
	}
	for _, d := range hs.dues {
		fmt.Fprintf(&w, "due %d %s\n", d.at, d.hold.id)
	}
	if hs.whole.len() > 0 {
		fmt.Fprintf(&w, "whole %s\n", numbersOf(hs.whole.all()))
	}
	for _, s := range hs.freed {
		fmt.Fprintf(&w, "freed %d %s\n", s.block.Number, s.amount)
	}
	weight := 0
	for id, h := range hs.byID {
		if weight += h.weight(); h.id != id {
			fmt.Fprintf(&w, "hold %s is listed as %s\n", h.id, id)
		}
	}
	if weight != hs.weight || len(hs.byID) != len(hs.open)+len(hs.lapsed) {
		fmt.Fprintf(&w, "%d holds weigh %d, the sum says %d\n", len(hs.byID), weight, hs.weight)
	}
	return w.String()
}

// dumpClosedHolds shows what of the holds a reload need not know.
func dumpClosedHolds(a *account) string {
	var w strings.Builder
	if a.holds == nil {
		return ""
	}
	for _, h := range a.holds.lapsed {
		fmt.Fprintf(&w, "lapsed hold %s %+v\n", h.id, h.stored(&h.holdState))
	}
	var ids []string
	for id := range a.holds.closed {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		h := a.holds.closed[id]
		fmt.Fprintf(&w, "closed hold %s since %d %+v\n", id, h.since, h.stored(&h.holdState))
	}
	return w.String()
}

// checkHeld counts afresh what is held, and holds the account to it.
func (b *book) checkHeld() {
	b.t.Helper()
	held, sum := map[*block]Amount{}, Amount{}
	if b.a.holds != nil {
		for _, h := range b.a.holds.open {
			if h.stateAt(b.a.at) != HoldOpen {
				b.t.Fatalf("hold %s has lapsed and counts", h.id)
			}
			for _, s := range h.slices {
				held[s.block] = mustAmount(held[s.block].Add(s.amount))
			}
			sum = mustAmount(sum.Add(h.held()))
		}
	}
	total := Amount{}
	for _, m := range b.made {
		if m.rare.held != held[m] {
			b.t.Fatalf("block %s: %s is held, its slices add up to %s", m.ID, m.rare.held, held[m])
		}
		if m.Eligible(b.a.at) {
			total = mustAmount(total.Add(m.Balance))
		} else {
			total = mustAmount(total.Add(held[m]))
		}
	}
	if sum != b.a.held() || total != b.a.total {
		b.t.Fatalf("%s is held of %s; the holds add up to %s, the blocks to %s", b.a.held(), b.a.total, sum, total)
	}
}

// moment is one of a story: an operation, or a look.
type moment struct {
	at     string // a time of 2026-01-01, hh:mm or more; default: as it was
	op     Operation
	want   []string // entries, also those that were due
	hold   string   // the hold afterwards: "open 50/50 A 30, B 20"
	more   string   // "overage 10", "late"
	refuse error
	reason string // part of the refusal
	sums   string // afterwards: "total 130 held 50 available 80"
}

func momentAt(text string) string {
	if len(text) == len("00:00") {
		text += ":00"
	}
	return start + "T" + text + "Z"
}

func checkStory(t *testing.T, moments ...moment) *book {
	t.Helper()
	b := newBook(t)
	for i, m := range moments {
		if m.at != "" {
			b.clock(momentAt(m.at))
		}
		b.a.moveTo(max(b.now, b.a.head.LastAt))
		where := fmt.Sprintf("%d", i+1)
		if m.op != nil {
			where += " (" + describe(m.op) + ")"
			b.checkMoment(where, &m)
		}
		b.checkHeld()
		sums := fmt.Sprintf("total %s held %s available %s", b.a.total, b.a.held(), b.a.available(Charge{Currency: DefaultCurrency}))
		if m.sums != "" && sums != m.sums {
			t.Errorf("%s: %s, want %s", where, sums, m.sums)
		}
	}
	return b
}

func (b *book) checkMoment(where string, m *moment) {
	b.t.Helper()
	due := ""
	for _, l := range b.a.lapsed {
		due += fmt.Sprintf("%s %s %s %s→%s at %s\n", l.line.Type, l.block.ID, l.line.Amount, l.line.Starting, l.line.Ending, l.line.At.Time().Format("15:04"))
	}
	res, err := b.try(m.op)
	if m.refuse != nil {
		if !errors.Is(err, m.refuse) || !containsText(err, m.reason) {
			b.t.Errorf("%s: got error %v, want %v: …%s…", where, err, m.refuse, m.reason)
		}
		return
	}
	if err != nil {
		b.t.Fatalf("%s: refused: %v", where, err)
	}
	got, want := strings.TrimSuffix(due+story(res.Entries), "\n"), strings.Join(m.want, "\n")
	for _, made := range b.made { // the ledger made their ids
		if made.Overdraft {
			got = strings.ReplaceAll(got, made.ID, "O")
		}
	}
	if m.want != nil && got != want {
		b.t.Errorf("%s: entries\n%s\nwant\n%s", where, got, want)
	}
	if got := holdText(res.Hold); m.hold != "" && got != m.hold {
		b.t.Errorf("%s: hold %s, want %s", where, got, m.hold)
	}
	more := ""
	if !res.Overage.IsZero() {
		more += "overage " + res.Overage.String()
	}
	if res.Late {
		more = strings.TrimSpace(more + " late")
	}
	if more != m.more {
		b.t.Errorf("%s: %s, want %s", where, more, m.more)
	}
}

// holdText shows a hold on one line.
func holdText(h *HoldInfo) string {
	if h == nil {
		return "none"
	}
	text := fmt.Sprintf("%s %s/%s", h.State, h.Held, h.Amount)
	for i, s := range h.Slices {
		if i > 0 {
			text += ","
		}
		text += " " + s.BlockID + " " + s.Amount.String()
	}
	if !h.Unbacked.IsZero() {
		text += " unbacked " + h.Unbacked.String()
	}
	if !h.Captured.IsZero() {
		text += " captured " + h.Captured.String()
	}
	return text
}

func holdOf(id, amount string, also ...func(*Hold)) Hold {
	op := Hold{HoldID: id, Amount: MustAmount(amount), Overdraft: OverdraftReject}
	for _, set := range also {
		set(&op)
	}
	return op
}

func until(text string) func(*Hold) {
	return func(op *Hold) { op.Until = when(momentAt(text)) }
}

func holdPolicy(o Overdraft, limit string) func(*Hold) {
	return func(op *Hold) {
		if op.Overdraft = o; limit != "" {
			op.OverdraftLimit = OverdraftLimitOf(MustAmount(limit))
		}
	}
}

func holdFor(item string) func(*Hold) { return func(op *Hold) { op.ItemID = item } }

func captureOf(id, amount string, also ...func(*Capture)) Capture {
	op := Capture{HoldID: id, Amount: MustAmount(amount), Overdraft: OverdraftStopAtZero}
	for _, set := range also {
		set(&op)
	}
	return op
}

func keepOpen(op *Capture) { op.KeepOpen = true }

func refuseLate(op *Capture) { op.AfterLapse = AfterLapseRefuse }

func capturePolicy(o Overdraft, limit string) func(*Capture) {
	return func(op *Capture) {
		if op.Overdraft = o; limit != "" {
			op.OverdraftLimit = OverdraftLimitOf(MustAmount(limit))
		}
	}
}

func extendHold(id, amount string, also ...func(*ExtendHold)) ExtendHold {
	op := ExtendHold{HoldID: id, Overdraft: OverdraftReject}
	if amount != "" {
		op.Amount = MustAmount(amount)
	}
	for _, set := range also {
		set(&op)
	}
	return op
}

func longer(text string) func(*ExtendHold) {
	return func(op *ExtendHold) { op.Until = when(momentAt(text)) }
}

func extendPolicy(o Overdraft) func(*ExtendHold) { return func(op *ExtendHold) { op.Overdraft = o } }

func releaseOf(id string) Release { return Release{HoldID: id} }

// expiresOn is an expiry at a time of the first day.
func expiresOn(text string) func(*Increment) {
	return func(op *Increment) { op.ExpiresAt = At(when(momentAt(text)).Time()) }
}

var _ = time.UTC
