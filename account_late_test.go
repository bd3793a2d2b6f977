package creditledger

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// usedAt reports usage late.
func usedAt(text string) func(*Decrement) { return func(op *Decrement) { op.UsageAt = when(text) } }

// lapses shows what each block lost to its expiry, of those that lost anything.
func (b *book) lapses() string {
	var parts []string
	for _, m := range b.made {
		if !m.rare.Lapsed.IsZero() {
			parts = append(parts, m.ID+" "+m.rare.Lapsed.String())
		}
	}
	return strings.Join(parts, ", ")
}

// step is one step of a history: from an instant on, operations.
type bookStep struct {
	at  string
	ops []Operation
}

func (b *book) play(steps ...bookStep) *book {
	b.t.Helper()
	for _, s := range steps {
		b.clock(s.at)
		b.given(s.ops...)
	}
	return b
}

// lateRule is one row of the tables about the past: a history, an operation now, and what
// it writes.
type lateRule struct {
	rule    string
	given   []bookStep
	at      string
	op      Operation
	want    []string
	refuse  error
	reason  string
	lapsed  string // of all blocks, afterwards
	left    string // what all blocks hold, afterwards
	overage string
}

func checkLate(t *testing.T, rules []lateRule) {
	t.Helper()
	for _, r := range rules {
		for _, swept := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, swept %t", r.rule, swept), func(t *testing.T) {
				b := newBook(t).play(r.given...)
				b.clock(r.at)
				if swept {
					b.sweep()
				}
				res, err := b.try(r.op)
				switch {
				case r.refuse != nil:
					if !errors.Is(err, r.refuse) || !containsText(err, r.reason) {
						t.Fatalf("got error %v, want %v: …%s…", err, r.refuse, r.reason)
					}
					return
				case err != nil:
					t.Fatalf("refused: %v", err)
				}
				if got, want := made.ReplaceAllString(story(res.Entries), "new"), strings.Join(r.want, "\n"); got != want {
					t.Errorf("entries\n%s\nwant\n%s", got, want)
				}
				if got := b.lapses(); got != r.lapsed {
					t.Errorf("lapsed %s, want %s", got, r.lapsed)
				}
				if got := b.balances(); r.left != "" && got != r.left {
					t.Errorf("left %s, want %s", got, r.left)
				}
				if got := res.Overage.String(); got != cmpOr(r.overage, "0") {
					t.Errorf("overage %s, want %s", got, r.overage)
				}
			})
		}
	}
}

// made matches the ids that are made.
var made = regexp.MustCompile(`[0-9a-f-]{36}`)

func cmpOr(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// sweep writes down what is due.
func (b *book) sweep() {
	b.t.Helper()
	a := b.a
	if due := a.lastDue(max(b.now, a.head.LastAt)); due != 0 {
		a.moveTo(due)
		d := b.decision(expire{})
		if err := d.expire(); err != nil {
			b.t.Fatal(err)
		}
		b.keep(d)
		b.checkReload()
	}
}

// TestLateUsage holds the worked examples of usage that is reported late, U1 to U6, and
// what lies around them.
func TestLateUsage(t *testing.T) {
	plan := []bookStep{
		{"2026-03-01", []Operation{grant("A", "30", expires("2026-03-01T12:00:00Z")), grant("B", "100")}},
		{"2026-03-01T11:00:00Z", []Operation{spend("25")}},
	}
	ten := []bookStep{{"2026-01-01", []Operation{grant("A", "10", expires("2026-02-01"))}}}
	later := func(also ...func(*Increment)) []bookStep {
		return []bookStep{
			{"2026-03-01T08:00:00Z", []Operation{grant("B", "100")}},
			{"2026-03-01T09:30:00Z", []Operation{grant("C", "40", append(also, expires("2026-04-01"))...)}},
		}
	}
	checkLate(t, []lateRule{
		{
			rule:  "U1: at the expiry a charge for the microsecond before is still paid by the block",
			given: []bookStep{{"2026-01-01", []Operation{grant("A", "100", expires("2026-02-01"))}}},
			at:    "2026-02-01", op: spend("80", usedAt("2026-01-31T23:59:59.999999Z")),
			want: []string{"amendment A 80 0→0", "decrement A 80 0→0"}, lapsed: "A 20", left: "A 0",
		},
		{
			rule:  "U2: what lapsed pays, and the total stays",
			given: []bookStep{{"2026-02-01", []Operation{grant("A", "30", expires("2026-03-01")), grant("B", "100")}}},
			at:    "2026-03-01T06:00:00Z", op: spend("20", usedAt("2026-02-28T23:00:00Z")),
			want: []string{"amendment A 20 100→100", "decrement A 20 100→100"}, lapsed: "A 10", left: "A 0, B 100",
		},
		{
			rule: "U3: what lapsed pays first, then who is there", given: plan,
			at: "2026-03-01T13:00:00Z", op: spend("20", usedAt("2026-03-01T10:00:00Z")),
			want: []string{"amendment A 5 100→100", "decrement A 5 100→100", "decrement B 15 100→85"}, left: "A 0, B 85",
		},
		{
			rule: "U4: what was not effective does not pay", given: later(),
			at: "2026-03-01T10:30:00Z", op: spend("30", usedAt("2026-03-01T09:00:00Z")),
			want: []string{"decrement B 30 140→110"}, left: "B 70, C 40",
		},
		{
			rule: "U5: what was granted later and is effective earlier pays", given: later(effective("2026-03-01T08:00:00Z")),
			at: "2026-03-01T10:30:00Z", op: spend("30", usedAt("2026-03-01T09:00:00Z")),
			want: []string{"decrement C 30 140→110"}, left: "B 100, C 10",
		},
		{
			rule: "U6: available is what lapsed", given: ten,
			at: "2026-02-02", op: spend("15", policy(OverdraftReject), usedAt("2026-01-15")),
			refuse: ErrInsufficientCredits, reason: "requested 15, available 10",
		},
		{
			rule: "U6: stop at zero stops there", given: ten,
			at: "2026-02-02", op: spend("15", policy(OverdraftStopAtZero), usedAt("2026-01-15")),
			want: []string{"amendment A 10 0→0", "decrement A 10 0→0"}, overage: "5",
		},
		{
			rule: "at the very expiry the block was gone", given: ten,
			at: "2026-02-02", op: spend("1", policy(OverdraftStopAtZero), usedAt("2026-02-01")), lapsed: "A 10", overage: "1",
		},
		{
			rule: "a debt may be left as by any charge", given: ten,
			at: "2026-02-02", op: spend("15", usedAt("2026-01-15")),
			want: []string{"amendment A 10 0→0", "decrement A 10 0→0", "decrement new 5 0→-5"},
		},
		{
			rule:  "what is uncovered falls on a block that was not effective then",
			given: append(slices.Clone(ten), bookStep{"2026-01-20", []Operation{grant("L", "3", priority(9))}}),
			at:    "2026-02-02", op: spend("15", usedAt("2026-01-15")),
			want: []string{"amendment A 10 3→3", "decrement A 10 3→3", "decrement L 5 3→-2"}, left: "A 0, L -2",
		},
		{
			rule: "a limit counts from the total and what lapsed", given: ten,
			at: "2026-02-02", op: spend("15", limit("4"), usedAt("2026-01-15")),
			refuse: ErrInsufficientCredits, reason: "requested 15, available 14",
		},
		{
			rule: "up to it a charge goes through", given: ten,
			at: "2026-02-02", op: spend("15", limit("5"), usedAt("2026-01-15")),
			want: []string{"amendment A 10 0→0", "decrement A 10 0→0", "decrement new 5 0→-5"},
		},
		{
			rule: "a debt elsewhere is not ignored",
			given: []bookStep{
				{"2026-01-01", []Operation{grant("A", "10", expires("2026-02-01"))}},
				{"2026-02-02", []Operation{spend("4")}},
			},
			at: "2026-02-03", op: spend("10", policy(OverdraftStopAtZero), usedAt("2026-01-15")),
			want: []string{"amendment A 6 -4→-4", "decrement A 6 -4→-4"}, lapsed: "A 4", overage: "4",
		},
		{
			rule:  "filters hold as ever",
			given: []bookStep{{"2026-01-01", []Operation{grant("S", "5", only("api"), expires("2026-02-01")), grant("A", "10", expires("2026-02-01"))}}},
			at:    "2026-02-02", op: spend("7", policy(OverdraftReject), usedAt("2026-01-15")),
			want: []string{"amendment A 7 0→0", "decrement A 7 0→0"}, lapsed: "S 5, A 3",
		},
		{
			rule: "candidates pay in drawdown order, expired or not",
			given: []bookStep{{"2026-01-01", []Operation{
				grant("P", "1", priority(-1)), grant("X", "2", expires("2026-02-01")), grant("Y", "3", expires("2026-02-05")),
				grant("F", "4", only("api")), grant("Z", "5", expires("2026-12-01")),
			}}},
			at: "2026-02-10", op: spend("13", item("api"), usedAt("2026-01-15")),
			want: []string{
				"decrement P 1 10→9", "decrement F 4 9→5", "amendment X 2 5→5", "decrement X 2 5→5",
				"amendment Y 3 5→5", "decrement Y 3 5→5", "decrement Z 3 5→2",
			},
		},
		{
			rule: "who was paid for only later does not pay, whatever was effective",
			given: []bookStep{
				{"2026-01-01", []Operation{grant("P", "10", unpaid, priority(-1)), grant("B", "10")}},
				{"2026-01-20", []Operation{Activation{BlockID: "P"}}},
			},
			at: "2026-02-02", op: spend("5", usedAt("2026-01-15")), want: []string{"decrement B 5 20→15"},
		},
		{
			rule:  "at its expiry a block pays no more",
			given: []bookStep{{"2026-01-01", []Operation{grant("A", "10", expires("2026-02-01")), grant("B", "10")}}},
			at:    "2026-02-02", op: spend("5", usedAt("2026-02-01")), want: []string{"decrement B 5 10→5"}, lapsed: "A 10",
		},
		{
			rule:  "expired blocks pay in drawdown order",
			given: []bookStep{{"2026-01-01", []Operation{grant("A", "10", priority(1), expires("2026-01-20")), grant("B", "10", expires("2026-02-01"))}}},
			at:    "2026-02-02", op: spend("15", usedAt("2026-01-10")),
			want: []string{"amendment B 10 0→0", "decrement B 10 0→0", "amendment A 5 0→0", "decrement A 5 0→0"}, lapsed: "A 5",
		},
		{
			rule: "from the payment on it does",
			given: []bookStep{
				{"2026-01-01", []Operation{grant("P", "10", unpaid, priority(-1)), grant("B", "10")}},
				{"2026-01-20", []Operation{Activation{BlockID: "P"}}},
			},
			at: "2026-02-02", op: spend("5", usedAt("2026-01-20")), want: []string{"decrement P 5 20→15"},
		},
		{
			rule: "credits that moved stay as paid for as they were",
			given: []bookStep{
				{"2026-01-01", []Operation{grant("P", "10", unpaid, priority(-1)), grant("B", "10")}},
				{"2026-01-20", []Operation{Activation{BlockID: "P"}, extend("P", "", "2026-12-01", "Q")}},
			},
			at: "2026-02-02", op: spend("5", usedAt("2026-01-15")), want: []string{"decrement B 5 20→15"},
		},
		{
			rule:  "credits that moved to an expiry that has passed lapsed with it",
			given: []bookStep{{"2026-01-20", []Operation{grant("A", "10", effective("2026-01-01")), extend("A", "4", "2026-01-15", "M")}}},
			at:    "2026-02-02", op: spend("6", usedAt("2026-01-10")),
			want: []string{"amendment M 4 6→6", "decrement M 4 6→6", "decrement A 2 6→4"},
		},
		{
			rule: "usage is not after now", given: ten, at: "2026-01-15", op: spend("1", usedAt("2026-01-15T00:00:00.000001Z")),
			refuse: ErrInvalid, reason: "usage_at",
		},
		{
			rule: "now it is like any charge", given: ten, at: "2026-01-15", op: spend("1", usedAt("2026-01-15")), want: []string{"decrement A 1 10→9"},
		},
		{
			rule: "a settlement window ago it may still be reported", given: ten,
			at: "2026-03-16", op: spend("1", policy(OverdraftReject), usedAt("2026-01-15")),
			want: []string{"amendment A 1 0→0", "decrement A 1 0→0"}, lapsed: "A 9",
		},
		{
			rule: "before that no more", given: ten,
			at: "2026-03-16", op: spend("1", usedAt("2026-01-14T23:59:59.999999Z")), refuse: ErrConstraint, reason: "without usage_at",
		},
	})
}

// TestWhatLapsedSettles: a block that lapsed with something in it stays open until its
// expiry lies a settlement window back, and closes with the next expiry that is written.
func TestWhatLapsedSettles(t *testing.T) {
	open := func(b *book) string {
		var ids []string
		for _, o := range b.a.open.all() {
			ids = append(ids, o.ID)
		}
		return strings.Join(ids, " ")
	}
	b := newBook(t).given(grant("A", "1", expires("2026-02-01")), grant("E", "1", expires("2026-02-02")), grant("C", "1", expires("2026-04-03")), grant("D", "1", expires("2026-04-04")))
	b.clock("2026-02-03")
	b.given(spend("1", usedAt("2026-02-01T12:00:00Z")))
	if got := open(b); got != "A C D" {
		t.Errorf("open %s: what lapsed and what was drawn late", got)
	}
	b.clock("2026-04-02")
	b.given(grant("new", "1", priority(9)))
	if got := open(b); got != "A C D new" {
		t.Errorf("open %s: 60 days after the expiry, and no other expiry was written", got)
	}
	b.clock("2026-04-03") // 61 days
	b.sweep()
	if got := open(b); got != "C D new" {
		t.Errorf("open %s: the expiry of C closes A", got)
	}
	b.clock("2030-01-01")
	b.sweep()
	if got := open(b); got != "C D new" {
		t.Errorf("open %s: the window ends with the last expiry", got)
	}
	if _, err := b.try(spend("1", policy(OverdraftReject), usedAt("2029-12-31"))); err != nil {
		t.Errorf("what holds something pays: %v", err)
	}
}
