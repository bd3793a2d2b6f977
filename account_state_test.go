package creditledger

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// written decides an operation and returns all it writes: what was due, and its own
// entries.
func (b *book) written(op Operation) string {
	b.t.Helper()
	before := b.a.head.Entries
	var lines []Line
	a := b.a
	a.moveTo(max(b.now, a.head.LastAt))
	for _, l := range a.lapsed {
		lines = append(lines, l.line)
	}
	res, err := b.try(op)
	if err != nil {
		b.t.Fatal(err)
	}
	var w strings.Builder
	for _, l := range lines {
		before++
		fmt.Fprintf(&w, "%d %s %s %s %s→%s at %s\n", before, l.Type, b.made[l.Block-1].ID, l.Amount, l.Starting, l.Ending, l.At)
	}
	for _, e := range res.Entries {
		fmt.Fprintf(&w, "%d %s %s %s %s→%s at %s\n", e.Seq, e.Type, e.Block.ID, e.Amount, e.Starting, e.Ending, e.CreatedAt)
	}
	return w.String()
}

// expiryMaterialisesCases are the cases of TestExpiryMaterialises.
var expiryMaterialisesCases = []struct {
	rule  string
	given []Operation
	at    string
	op    Operation
	want  string
}{
	{
		"before the next operation, at its own instant",
		fixture(), "2026-02-02", spend("10"),
		"4 credit_block_expiry A 30 180→150 at 2026-02-01T00:00:00Z\n5 decrement B 10 150→140 at 2026-02-02T00:00:00Z\n",
	},
	{
		"at the very instant of the operation",
		fixture(), "2026-02-01", spend("1"),
		"4 credit_block_expiry A 30 180→150 at 2026-02-01T00:00:00Z\n5 decrement B 1 150→149 at 2026-02-01T00:00:00Z\n",
	},
	{
		"a microsecond before, not",
		fixture(), "2026-01-31T23:59:59.999999Z", spend("1"),
		"4 decrement A 1 180→179 at 2026-01-31T23:59:59.999999Z\n",
	},
	{
		"several in the order of their instants",
		fixture(), "2026-04-01", spend("1"),
		"4 credit_block_expiry A 30 180→150 at 2026-02-01T00:00:00Z\n5 credit_block_expiry B 50 150→100 at 2026-03-01T00:00:00Z\n6 decrement C 1 100→99 at 2026-04-01T00:00:00Z\n",
	},
	{
		"what remained, not what was granted",
		append(fixture(), spend("10")), "2026-02-01", spend("1"),
		"5 credit_block_expiry A 20 170→150 at 2026-02-01T00:00:00Z\n6 decrement B 1 150→149 at 2026-02-01T00:00:00Z\n",
	},
	{
		"nothing remained: no entry",
		append(fixture(), spend("30")), "2026-02-01", spend("1"),
		"5 decrement B 1 150→149 at 2026-02-01T00:00:00Z\n",
	},
	{
		"several at one instant in drawdown order",
		[]Operation{
			grant("third", "1", expires("2026-02-01"), basis("2")), grant("second", "2", expires("2026-02-01"), basis("1")),
			grant("fourth", "4", expires("2026-02-01"), priority(1), only("x")), grant("first", "8", expires("2026-02-01"), only("x")),
		},
		"2026-02-01", grant("N", "1"),
		"5 credit_block_expiry first 8 15→7 at 2026-02-01T00:00:00Z\n6 credit_block_expiry second 2 7→5 at 2026-02-01T00:00:00Z\n" +
			"7 credit_block_expiry third 1 5→4 at 2026-02-01T00:00:00Z\n8 credit_block_expiry fourth 4 4→0 at 2026-02-01T00:00:00Z\n" +
			"9 increment N 1 0→1 at 2026-02-01T00:00:00Z\n",
	},
	{
		"the order of instants comes before the drawdown order",
		[]Operation{grant("A", "1", expires("2026-02-02")), grant("B", "2", expires("2026-02-01"), priority(5))},
		"2026-02-03", grant("N", "4"),
		"3 credit_block_expiry B 2 3→1 at 2026-02-01T00:00:00Z\n4 credit_block_expiry A 1 1→0 at 2026-02-02T00:00:00Z\n5 increment N 4 0→4 at 2026-02-03T00:00:00Z\n",
	},
	{
		"a block awaiting payment expires and leaves the total",
		[]Operation{grant("P", "1", unpaid, expires("2026-02-01")), grant("B", "2")}, "2026-02-01", spend("1"),
		"3 credit_block_expiry P 1 2→2 at 2026-02-01T00:00:00Z\n4 decrement B 1 2→1 at 2026-02-01T00:00:00Z\n",
	},
	{
		"a block that was never effective expires and leaves the total",
		[]Operation{grant("F", "5", effective("2026-02-01"), expires("2026-03-01")), extend("F", "2", "2026-02-01", "N"), grant("B", "2")},
		"2026-02-01", spend("1"),
		"4 credit_block_expiry N 2 5→5 at 2026-02-01T00:00:00Z\n5 decrement F 1 5→4 at 2026-02-01T00:00:00Z\n",
	},
	{
		"a block that became effective and expired meanwhile counts in between",
		[]Operation{grant("F", "5", effective("2026-02-01"), expires("2026-03-01")), grant("B", "2")}, "2026-04-01", spend("1"),
		"3 credit_block_expiry F 5 7→2 at 2026-03-01T00:00:00Z\n4 decrement B 1 2→1 at 2026-04-01T00:00:00Z\n",
	},
	{
		"what becomes effective between two expiries counts in the second",
		[]Operation{
			grant("A", "1", expires("2026-02-01")), grant("F", "4", effective("2026-02-15")), grant("B", "2", expires("2026-03-01")),
		},
		"2026-04-01", spend("1"),
		"4 credit_block_expiry A 1 3→2 at 2026-02-01T00:00:00Z\n5 credit_block_expiry B 2 6→4 at 2026-03-01T00:00:00Z\n6 decrement F 1 4→3 at 2026-04-01T00:00:00Z\n",
	},
	{
		"what becomes effective at the instant of an expiry counts in it",
		[]Operation{grant("A", "1", expires("2026-02-01")), grant("F", "4", effective("2026-02-01"))}, "2026-02-01", spend("1"),
		"3 credit_block_expiry A 1 5→4 at 2026-02-01T00:00:00Z\n4 decrement F 1 4→3 at 2026-02-01T00:00:00Z\n",
	},
	{
		"a microsecond later it does not",
		[]Operation{grant("A", "1", expires("2026-02-01")), grant("F", "4", effective("2026-02-01T00:00:00.000001Z"))}, "2026-02-02", spend("1"),
		"3 credit_block_expiry A 1 1→0 at 2026-02-01T00:00:00Z\n4 decrement F 1 4→3 at 2026-02-02T00:00:00Z\n",
	},
	{
		"a block activated in its last microsecond",
		[]Operation{grant("P", "1", unpaid, expires("2026-02-01"))}, "2026-01-31T23:59:59.999999Z", Activation{BlockID: "P"}, "",
	},
	{
		"beside a debt",
		[]Operation{grant("C", "1"), spend("4"), grant("A", "10", noRepay, expires("2026-02-01"))}, "2026-02-01", grant("N", "1"),
		"4 credit_block_expiry A 10 7→-3 at 2026-02-01T00:00:00Z\n5 increment C 1 -3→-2 at 2026-02-01T00:00:00Z\n",
	},
}

func TestExpiryMaterialises(t *testing.T) {
	for _, c := range expiryMaterialisesCases {
		t.Run(c.rule, func(t *testing.T) {
			b := newBook(t).given(c.given...)
			b.clock(c.at)
			if got := b.written(c.op); got != c.want {
				t.Errorf("wrote\n%swant\n%s", got, c.want)
			}
		})
	}
}

// TestExpiryBalanceNeedsNoEntry: an account looked at later holds no expired credits,
// whether or not anything was written.
func TestExpiryBalanceNeedsNoEntry(t *testing.T) {
	b := newBook(t).given(fixture()...)
	for _, c := range []struct{ at, total, available string }{
		{"2026-01-31T23:59:59.999999Z", "180", "180"},
		{"2026-02-01", "150", "150"},
		{"2026-03-01", "100", "100"},
		{"9999-12-31T23:59:59.999999Z", "100", "100"},
	} {
		b.a.moveTo(when(c.at))
		if b.a.total.String() != c.total || b.a.available(Charge{}).String() != c.available {
			t.Errorf("at %s: %s, available %s", c.at, b.a.total, b.a.available(Charge{}))
		}
		if b.a.head.Entries != 3 || b.balances() != "A 30, B 50, C 100" {
			t.Errorf("at %s something was written", c.at)
		}
	}
}

// TestClockStepsBack: within an account time never goes back, whatever the clock does.
func TestClockStepsBack(t *testing.T) {
	b := newBook(t)
	b.clock("2026-03-01")
	b.given(grant("A", "10", expires("2026-06-01")))
	b.clock("2026-02-01")
	res, err := b.try(spend("1"))
	if err != nil || res.Entries[0].CreatedAt != when("2026-03-01") || res.At != when("2026-03-01") {
		t.Errorf("a decrement before the grant: %+v, %v", res.Entries, err)
	}
	// The clock is looked at through the last operation: this expiry has passed.
	if _, err := b.try(grant("B", "1", expires("2026-02-15"))); !errors.Is(err, ErrInvalid) {
		t.Errorf("an expiry after the clock and before the last operation: %v", err)
	}
	// An activation writes no entry and holds the time all the same.
	b.given(grant("P", "1", unpaid))
	b.clock("2026-04-01")
	b.given(Activation{BlockID: "P"})
	b.clock("2026-03-15")
	if res, _ := b.try(spend("1")); res.At != when("2026-04-01") {
		t.Errorf("after an activation: %s", res.At)
	}
	// So does a decrement that takes nothing.
	b.clock("2026-05-01")
	b.given(spend("9"), spend("1", policy(OverdraftStopAtZero)))
	b.clock("2026-04-15")
	if res, _ := b.try(grant("C", "1")); res.At != when("2026-05-01") {
		t.Errorf("after a decrement of nothing: %s", res.At)
	}
}

// TestClockStepsBackAfterALook: a look at a later instant leaves nothing behind.
func TestClockStepsBackAfterALook(t *testing.T) {
	look := []string{"2026-01-02", "2026-02-01", "2026-02-15", "2026-03-01", "2026-07-01"}
	ops := append(fixture(), grant("F", "7", effective("2026-02-10"), expires("2026-06-01")), grant("P", "3", unpaid, expires("2026-02-05")),
		grant("T", "1", effective("2026-02-20"), priority(9)), voidOf("T", "1"), spend("185"))
	for _, first := range look {
		for _, then := range look {
			b, fresh := newBook(t).given(ops...), newBook(t).given(ops...)
			b.a.moveTo(when(first))
			b.a.moveTo(when(then))
			fresh.a.moveTo(when(then))
			if got, want := dump(b.a), dump(fresh.a); got != want {
				t.Errorf("looked at %s, then at %s:\n%s", first, then, textDifference(want, got))
			}
		}
	}
}

// TestLastDue: a sweep's record stands at the last expiry it writes, and what it
// leaves holds at that instant.
func TestLastDue(t *testing.T) {
	b := newBook(t).given(fixture()...)
	for _, c := range []struct{ looked, at, want string }{
		{start, "2026-01-31T23:59:59.999999Z", "never"},
		{start, "2026-02-01", "2026-02-01T00:00:00Z"},
		{start, "2026-02-28", "2026-02-01T00:00:00Z"},
		{start, "2026-03-01", "2026-03-01T00:00:00Z"},
		{"2026-02-15", "2026-02-15", "2026-02-01T00:00:00Z"},
		{"2026-02-15", "2026-03-15", "2026-03-01T00:00:00Z"},
		{"2026-07-01", "2026-07-01", "2026-03-01T00:00:00Z"},
		// The clock stepped back after the look: what is due by now, no later.
		{"2026-07-01", "2026-02-28", "2026-02-01T00:00:00Z"},
		{"2026-07-01", "2026-01-15", "never"},
	} {
		b.a.moveTo(when(c.looked))
		if got := b.a.lastDue(when(c.at)); got.String() != c.want {
			t.Errorf("looked at %s: due by %s is %s, want %s", c.looked, c.at, got, c.want)
		}
	}
}

// TestNextDue: the earliest expiry of a block that still holds something.
func TestNextDue(t *testing.T) {
	b := newBook(t)
	due := func(want string, ops ...Operation) {
		t.Helper()
		b.given(ops...)
		if got := b.a.head.NextDue.String(); got != want {
			t.Errorf("next due %s, want %s", got, want)
		}
	}
	due("never", grant("C", "100"))
	due("2026-03-01T00:00:00Z", grant("B", "50", expires("2026-03-01")))
	due("2026-02-01T00:00:00Z", grant("A", "30", expires("2026-02-01")))
	due("2026-01-10T00:00:00Z", grant("P", "1", unpaid, expires("2026-01-10")))
	due("2026-02-01T00:00:00Z", voidOf("P", "1"))
	due("2026-03-01T00:00:00Z", spend("30"))
	due("2026-02-01T00:00:00Z", amend("A", "1"))
	due("2026-01-05T00:00:00Z", extend("A", "", "2026-01-05", "N"))
	b.clock("2026-02-15")
	due("2026-03-01T00:00:00Z", spend("1"))
	b.clock("2026-03-01")
	due("never", spend("1"))
}

// TestEmptiedFutureBlock: a filtered block that is voided before it becomes effective
// is of no use any more, and nothing waits for it.
func TestEmptiedFutureBlock(t *testing.T) {
	b := newBook(t).given(grant("F", "5", only("api"), effective("2026-03-01")), voidOf("F", "5"), grant("T", "5", effective("2026-03-01")), voidOf("T", "5"))
	if got := numbersOf(b.a.waiting.all()); got != "[2]" {
		t.Errorf("waiting are %s, want only the block that may take an overdraft", got)
	}
	if got := numbersOf(b.a.open.all()); got != "[2]" {
		t.Errorf("open are %s", got)
	}
}

// TestTimeDoesNotGoBehindTheLastRecord: an account that is asked to stand at an instant before
// its last record stands at that record.
func TestTimeDoesNotGoBehindTheLastRecord(t *testing.T) {
	d := newDiary(t)
	mustValue(d.do(start, Increment{Amount: AmountOf(1), ExpiresAt: AtInstant(when("2026-02-01"))}))
	for _, at := range []Instant{when(start) - 1, when("2026-03-01"), when(start) - 1, 0} {
		d.a.moveTo(at)
		if want := max(at, when(start)); d.a.at != want {
			t.Errorf("asked for %s, it is %s", at, d.a.at)
		}
	}
}
