package creditledger

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// book drives one account without a store or a ledger, so that the rules can be
// tested where they are: an operation, an instant, and what comes of it. Every
// operation is rehearsed first: decided, taken back, and held to having left no
// trace; and after it the account is held to what a reload would build.
type book struct {
	t        rapid.TB
	a        *account
	ids      idSource
	now      Instant
	settings Settings
	made     []*block // every block, by number less one
	kept     []*OpRecord
	asked    []*OpRecord // of those, what was asked for, in order: the charges "1", "2", …

	longest Instant   // how long a hold may last
	swept   []*change // since the last operation
}

// start is when a book's clock begins.
const start = "2026-01-01"

func newBook(t rapid.TB) *book {
	t.Helper()
	a, err := newAccount(AccountID{Customer: "cus_1", Currency: DefaultCurrency}, &State{})
	if err != nil {
		t.Fatal(err)
	}
	b := &book{t: t, a: a, settings: Settings{}.withDefaults(), longest: Instant(DefaultMaxHold / time.Microsecond)}
	b.ids.random = randomBytes(1)
	b.clock(start)
	return b
}

// randomBytes is an endless source of bytes that are the same in every run.
func randomBytes(seed byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{seed}) }

// when reads a date in UTC or a date-time.
func when(text string) Instant {
	w := mustValue(ParseWhen(text))
	return w.resolve(time.UTC).Instant()
}

// clock sets the book's clock; it may go back.
func (b *book) clock(text string) { b.now = when(text) }

// given does operations that must be accepted.
func (b *book) given(ops ...Operation) *book {
	b.t.Helper()
	for _, op := range ops {
		if _, err := b.try(op); err != nil {
			b.t.Fatalf("given %s: %v", describe(op), err)
		}
	}
	return b
}

// try does one operation, or returns why it is refused.
func (b *book) try(op Operation) (Result, error) {
	b.t.Helper()
	if err := checkOperation(op); err != nil {
		return Result{}, err
	}
	a := b.a
	a.moveTo(max(b.now, a.head.LastAt))
	before := dump(a)
	d := b.decision(op)
	err := d.decide()
	if err == nil {
		d.takeBack()
	}
	if after := dump(a); after != before {
		b.t.Fatalf("%s, taken back, left a trace:\n%s", describe(op), textDifference(before, after))
	}
	if err != nil {
		return Result{}, err
	}
	d = b.decision(op)
	if err := d.decide(); err != nil {
		b.t.Fatalf("%s was accepted first and refused then: %v", describe(op), err)
	}
	b.keep(d)
	b.asked = append(b.asked, b.kept[len(b.kept)-1])
	for _, c := range d.changes {
		b.made = append(b.made, c.created...)
	}
	b.checkReload()
	return *d.result, nil
}

func (b *book) decision(op Operation) *decision {
	r := &request{account: b.a.id, op: normalise(op, &b.settings, time.UTC)}
	bits, err := b.ids.draw()
	if err != nil {
		b.t.Fatal(err)
	}
	r.bits = bits
	b.findCharges(r)
	return &decision{request: r, account: b.a, expiries: 2, settlement: defaultSettlement, longest: b.longest}
}

// keep keeps what a decision wrote.
func (b *book) keep(d *decision) {
	for _, s := range d.records {
		b.kept = append(b.kept, mustValue(DecodeRecord(s.bytes)))
	}
	for _, p := range d.pieces {
		for _, s := range p.records {
			b.kept = append(b.kept, mustValue(DecodeRecord(s.Bytes)))
		}
	}
	slices.SortFunc(b.kept, func(x, y *OpRecord) int { return cmp.Compare(x.Seq, y.Seq) })
}

// findCharges puts at hand what a request takes back. A charge is named by its place among
// what was asked for, from 1.
func (b *book) findCharges(r *request) {
	var one [1]Operation
	ops := operations(r.op, &one)
	r.own().charges = make([]*charge, len(ops))
	for i, op := range ops {
		op, ok := op.(Reverse)
		if !ok {
			continue
		}
		var found *OpRecord
		if n, _ := strconv.Atoi(string(op.Charge)); n > 0 && n <= len(b.asked) {
			found = b.asked[n-1]
		}
		for _, rec := range b.kept {
			if op.Entry >= rec.FirstEntry && op.Entry < rec.FirstEntry+rec.Entries() {
				found = rec
			}
		}
		if found != nil {
			r.own().charges[i] = mustValue(chargeOf(found, b.own))
			r.own().charges[i].key = op.Charge
		}
	}
}

// own is the account's own block of a number: one that is closed is put at hand.
func (b *book) own(number uint64) (*block, error) {
	m := b.made[number-1]
	if found := b.a.find(m.ID); found != nil {
		return found, nil
	}
	b.a.keepClosed(m, b.a.head.Version)
	return m, nil
}

// checkReload builds the account again from what a store would hold.
func (b *book) checkReload() {
	b.t.Helper()
	s := State{Head: b.a.head}
	for _, o := range b.a.open.all() {
		s.Blocks = append(s.Blocks, o.whole())
	}
	s.Rows = storedHolds(b.a)
	a, err := newAccount(b.a.id, &s)
	if err != nil {
		b.t.Fatalf("what was decided could not be loaded again: %v", err)
	}
	a.moveTo(b.a.at)
	if live, loaded := dumpOpen(b.a), dumpOpen(a); live != loaded {
		b.t.Fatalf("the account differs from one loaded afresh:\n%s", textDifference(live, loaded))
	}
}

// balances shows what every block holds: "A 70, B 0, C -20".
func (b *book) balances() string {
	var parts []string
	for _, m := range b.made {
		parts = append(parts, m.ID+" "+m.Balance.String())
	}
	return strings.Join(parts, ", ")
}

func (b *book) block(id string) *block {
	b.t.Helper()
	for _, m := range b.made {
		if m.ID == id {
			return m
		}
	}
	b.t.Fatalf("no block %s was made", id)
	return nil
}

// story shows entries one a line: "decrement A 30 180→150".
func story(entries []Entry) string {
	var lines []string
	for _, e := range entries {
		lines = append(lines, fmt.Sprintf("%s %s %s %s→%s", e.Type, e.Block.ID, e.Amount, e.Starting, e.Ending))
	}
	return strings.Join(lines, "\n")
}

// rule is one row of the tables that hold an operation to a rule.
type rule struct {
	rule   string
	given  []Operation
	at     string // default: where the book's clock stands
	repay  Repay
	op     Operation
	want   []string // the entries; or, after a refusal, nothing
	refuse error    // sentinel
	reason string   // part of the refusal's text
	left   string   // what every block holds afterwards
}

func checkRules(t *testing.T, rules []rule) {
	t.Helper()
	for _, r := range rules {
		t.Run(r.rule, func(t *testing.T) {
			b := newBook(t)
			if r.repay != RepayDefault {
				b.settings.Repay = r.repay
			}
			b.given(r.given...)
			if r.at != "" {
				b.clock(r.at)
			}
			res, err := b.try(r.op)
			switch {
			case r.refuse != nil:
				if !errors.Is(err, r.refuse) || !strings.Contains(err.Error(), r.reason) {
					t.Errorf("got error %v, want %v: …%s…", err, r.refuse, r.reason)
				}
			case err != nil:
				t.Fatalf("refused: %v", err)
			default:
				if got, want := story(res.Entries), strings.Join(r.want, "\n"); got != want {
					t.Errorf("entries\n%s\nwant\n%s", got, want)
				}
			}
			if got := b.balances(); r.left != "" && got != r.left {
				t.Errorf("left %s, want %s", got, r.left)
			}
		})
	}
}

// dump shows everything an account knows, in one canonical text.
func dump(a *account) string {
	var w strings.Builder
	w.WriteString(dumpOpen(a))
	for _, p := range a.passed {
		fmt.Fprintf(&w, "passed %d at %d\n", p.block.Number, p.at)
	}
	for _, entry := range slices.Sorted(maps.Keys(a.taken)) {
		fmt.Fprintf(&w, "taken back %+v\n", a.taken[entry])
	}
	if a.settling.settled() != 0 {
		fmt.Fprintf(&w, "settled until %d\n", a.settling.until)
	}
	w.WriteString(dumpClosedHolds(a))
	for _, id := range slices.Sorted(maps.Keys(a.closed)) {
		fmt.Fprintf(&w, "closed since %d %x\n", a.closed[id].since, encoded(a.closed[id].block))
	}
	return w.String()
}

// dumpOpen shows what an account and its reload must agree on.
func dumpOpen(a *account) string {
	var w strings.Builder
	fmt.Fprintf(&w, "head %x\nat %d total %s gross %s\n", AppendHead(nil, &a.head), a.at, a.total, a.gross)
	for _, b := range a.open.all() {
		fmt.Fprintf(&w, "open %x\n", encoded(b))
	}
	pools := append([]*filteredPool{{pool: a.plain}}, slices.SortedFunc(slices.Values(a.filtered.list), func(p, q *filteredPool) int {
		return bytes.Compare(appendFilters(nil, p.filters), appendFilters(nil, q.filters))
	})...)
	for _, p := range pools {
		fmt.Fprintf(&w, "pool %x holds %s: %s\n", appendFilters(nil, p.filters), p.positive, numbersOf(p.blocks.all()))
	}
	for i, p := range a.filtered.list {
		if p.at != i || a.filtered.byKey[p.key] != p || p.blocks.len() == 0 || len(a.filtered.byKey) != len(a.filtered.list) {
			fmt.Fprintf(&w, "pool %x is empty or in the wrong place\n", p.key)
		}
	}
	fmt.Fprintf(&w, "debts %s\nwaiting %s\nexpiring %s\n",
		numbersOf(a.debts.all()), numbersOf(a.waiting.all()), numbersOf(a.expiring.all()))
	if a.settling != nil && a.settling.blocks.len() > 0 {
		fmt.Fprintf(&w, "settling %s\n", numbersOf(a.settling.blocks.all()))
	}
	if a.taker != nil {
		fmt.Fprintf(&w, "taker %d\n", a.taker.Number)
	}
	for _, l := range a.lapsed {
		fmt.Fprintf(&w, "lapsed %d %+v\n", l.block.Number, l.line)
	}
	w.WriteString(dumpHolds(a))
	if a.byID != nil && len(a.byID) != a.open.len() {
		fmt.Fprintf(&w, "the index has %d of %d open blocks\n", len(a.byID), a.open.len())
	}
	return w.String()
}

func encoded(b *block) []byte {
	whole := b.whole()
	return AppendBlock(nil, &whole)
}

func numbersOf(blocks []*block) string {
	var numbers []uint64
	for _, b := range blocks {
		numbers = append(numbers, b.Number)
	}
	return fmt.Sprint(numbers)
}

// textDifference shows the lines in which two texts differ.
func textDifference(a, b string) string {
	var w strings.Builder
	for _, line := range strings.Split(a, "\n") {
		if !strings.Contains("\n"+b+"\n", "\n"+line+"\n") {
			fmt.Fprintln(&w, "-", line)
		}
	}
	for _, line := range strings.Split(b, "\n") {
		if !strings.Contains("\n"+a+"\n", "\n"+line+"\n") {
			fmt.Fprintln(&w, "+", line)
		}
	}
	if w.Len() == 0 {
		return "the same lines in another order:\n" + a + "\n" + b
	}
	return w.String()
}

// panicking is a rapid.TB for helpers outside of a test: it fails by panicking.
type panicking struct{ rapid.TB }

func (panicking) Helper() {}

func (panicking) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func (panicking) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

func containsText(err error, text string) bool {
	return err != nil && strings.Contains(err.Error(), text)
}
