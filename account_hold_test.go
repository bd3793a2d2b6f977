package creditledger

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// The numbered examples of the page: A 30 expires at 01:00, B 100 never; the hold h of 50
// is made at 00:00 and lasts until 00:15 unless something else is said.
var (
	grantA = moment{at: "00:00", op: grant("A", "30", expiresOn("01:00"))}
	grantB = moment{op: grant("B", "100")}
	hold50 = moment{op: holdOf("h", "50"), want: []string{}, hold: "open 50/50 A 30, B 20", sums: "total 130 held 50 available 80"}
)

func TestHoldExamples(t *testing.T) {
	spend80 := moment{op: spend("80", policy(OverdraftReject)), want: []string{"decrement B 80 130→50"}, sums: "total 50 held 50 available 0"}
	late := moment{at: "00:50", op: holdOf("h", "50", until("01:10")), hold: "open 50/50 A 30, B 20"}
	expired := moment{at: "01:00", sums: "total 130 held 50 available 80"}
	for name, moments := range map[string][]moment{
		"H1": {grantA, grantB, hold50},
		"H2": {grantA, grantB, hold50, {op: spend("90", policy(OverdraftReject)), refuse: ErrInsufficientCredits, reason: "requested 90, available 80"}},
		"H3": {grantA, grantB, hold50, spend80},
		"H4": {grantA, grantB, hold50, {op: captureOf("h", "37"), want: []string{"decrement A 30 130→100", "decrement B 7 100→93"},
			hold: "captured 0/50 captured 37", sums: "total 93 held 0 available 93"}},
		"H5": {grantA, grantB, hold50, {op: captureOf("h", "60"), want: []string{"decrement A 30 130→100", "decrement B 30 100→70"},
			hold: "captured 0/50 captured 50", sums: "total 70 held 0 available 70"}},
		"H6": {grantA, grantB, hold50, spend80, {op: captureOf("h", "60"), want: []string{"decrement A 30 50→20", "decrement B 20 20→0"},
			more: "overage 10", hold: "captured 0/50 captured 50", sums: "total 0 held 0 available 0"}},
		"H7": {grantA, grantB, hold50,
			{op: captureOf("h", "20", keepOpen), want: []string{"decrement A 20 130→110"}, hold: "open 30/50 A 10, B 20 captured 20", sums: "total 110 held 30 available 80"},
			{op: captureOf("h", "25", keepOpen), want: []string{"decrement A 10 110→100", "decrement B 15 100→85"}, hold: "open 5/50 B 5 captured 45"},
			{op: releaseOf("h"), want: []string{}, hold: "released 0/50 captured 45", sums: "total 85 held 0 available 85"}},
		"H8": {grantA, grantB, hold50, {at: "00:14:59.999999", sums: "total 130 held 50 available 80"}, {at: "00:15", sums: "total 130 held 0 available 130"}},
		"H9": {grantA, grantB, late, expired},
		"H10": {grantA, grantB, late, expired, {at: "01:05", op: captureOf("h", "20"),
			want: []string{"decrement A 20 130→110", "credit_block_expiry A 10 110→100"}, sums: "total 100 held 0 available 100"}},
		"H11": {grantA, grantB, late, expired, {at: "01:05", op: releaseOf("h"), want: []string{"credit_block_expiry A 30 130→100"}, sums: "total 100 held 0 available 100"}},
		"H12": {grantA, grantB, late, expired, {at: "02:00", op: spend("1"), want: []string{"credit_block_expiry A 30 130→100 at 01:10", "decrement B 1 100→99"}}},
		"H13": {grantA, grantB, {at: "00:50", op: holdOf("h", "10", until("01:10")), hold: "open 10/10 A 10"},
			{at: "01:00", sums: "total 110 held 10 available 100"},
			{at: "01:05", op: releaseOf("h"), want: []string{"credit_block_expiry A 20 130→110 at 01:00", "credit_block_expiry A 10 110→100"}}},
		"H14, H15": {grantA, grantB,
			{op: holdOf("h", "200", holdPolicy(OverdraftAllow, "100")), hold: "open 200/200 A 30, B 100 unbacked 70", sums: "total 130 held 200 available 0"},
			{op: holdOf("i", "31", holdPolicy(OverdraftAllow, "100")), refuse: ErrInsufficientCredits, reason: "requested 31, available 30"},
			{op: holdOf("i", "30", holdPolicy(OverdraftAllow, "100")), hold: "open 30/30 unbacked 30"},
			{op: captureOf("h", "200"), want: []string{"decrement A 30 130→100", "decrement B 170 100→-70"}, sums: "total -70 held 30 available 0"}},
		"H16, H17": {{op: grant("A", "15", expiresOn("01:00"))}, grantB,
			{op: holdOf("h", "10"), hold: "open 10/10 A 10"}, {op: holdOf("i", "10"), hold: "open 10/10 A 5, B 5"},
			{op: grant("C", "40", expiresOn("00:30"))}, {op: spend("30"), want: []string{"decrement C 30 155→125"}, sums: "total 125 held 20 available 105"}},
		"H18": {grantB, {op: holdOf("h", "20")}, {op: voidOf("B", "100"), refuse: ErrConstraint, reason: `is held by "h"`},
			{op: voidOf("B", "80"), want: []string{"void_initiated B 100 100→100", "void B 80 100→20"}, sums: "total 20 held 20 available 0"}},
		"H20": {grantA, grantB, hold50, {at: "00:20", op: captureOf("h", "10"), want: []string{"decrement A 10 130→120"}, more: "late", hold: "captured 0/50"},
			{op: captureOf("h", "10"), refuse: ErrConstraint, reason: `hold "h" is closed: it was captured`}},
		"H21": {grantA, grantB, {op: holdOf("h", "200", holdPolicy(OverdraftStopAtZero, "")), hold: "open 130/130 A 30, B 100"},
			{op: holdOf("i", "1", holdPolicy(OverdraftStopAtZero, "")), refuse: ErrInsufficientCredits, reason: "requested 1, available 0"}},
	} {
		t.Run(name, func(t *testing.T) { checkStory(t, moments...) })
	}
}

// The fine points, and what the examples do not show.
func TestHoldRules(t *testing.T) {
	filtered := moment{op: grant("F", "10", only("gpu"))}
	for rule, moments := range map[string][]moment{
		"a hold is for an item: filtered blocks that match are held first": {grantB, filtered,
			{op: holdOf("h", "15", holdFor("gpu")), hold: "open 15/15 F 10, B 5"},
			{op: captureOf("h", "17"), want: []string{"decrement F 10 110→100", "decrement B 7 100→93"}}},
		"a hold without an item takes nothing that is filtered": {grantB, filtered, {op: holdOf("h", "100"), hold: "open 100/100 B 100", sums: "total 110 held 100 available 0"}},
		"what holds promise is not available, whoever asks": {grantB,
			{op: holdOf("h", "150", holdPolicy(OverdraftAllow, "")), hold: "open 150/150 B 100 unbacked 50"},
			{op: grant("C", "60"), sums: "total 160 held 150 available 10"},
			{op: spend("11", policy(OverdraftReject)), refuse: ErrInsufficientCredits, reason: "available 10"},
			{op: spend("15", limit("4")), refuse: ErrInsufficientCredits, reason: "available 14"},
			{op: captureOf("h", "150"), want: []string{"decrement B 100 160→60", "decrement C 50 60→10"}, sums: "total 10 held 0 available 10"}},
		"a debt elsewhere is not ignored": {{op: spend("30")}, {op: grant("C", "40", noRepay)},
			{op: holdOf("h", "11"), refuse: ErrInsufficientCredits, reason: "available 10"},
			{op: holdOf("h", "11", holdPolicy(OverdraftStopAtZero, "")), hold: "open 10/10 C 10"}},
		"a hold id is never free again": {grantB, {op: holdOf("h", "1")}, {op: holdOf("h", "1"), refuse: ErrDuplicate},
			{op: releaseOf("h")}, {op: holdOf("h", "1"), refuse: ErrDuplicate}},
		"an unknown hold is not found": {grantB, {op: captureOf("x", "1"), refuse: ErrNotFound, reason: `hold "x"`},
			{op: releaseOf("x"), refuse: ErrNotFound}, {op: extendHold("x", "1"), refuse: ErrNotFound}, {op: captureOf("x", "0"), refuse: ErrNotFound}},
		"a release of what is closed or lapsed says so": {grantB, {op: holdOf("h", "5")}, {op: captureOf("h", "5")}, {op: releaseOf("h"), want: []string{}, hold: "captured 0/5 captured 5"},
			{op: holdOf("i", "5")}, {at: "00:15", op: releaseOf("i"), hold: "lapsed 0/5"}, {op: captureOf("i", "0", refuseLate), hold: "lapsed 0/5"},
			{op: captureOf("i", "1", refuseLate), refuse: ErrConstraint, reason: `hold "i" has lapsed`}},
		"what a hold promised can be captured however large": {grantB, {op: holdOf("h", "60000000000000000000", holdPolicy(OverdraftAllow, ""))},
			{op: holdOf("i", "40000000000000000000", holdPolicy(OverdraftAllow, "")), refuse: ErrConstraint, reason: "10^20"},
			{op: captureOf("h", "60000000000000000000"), want: []string{"decrement B 60000000000000000000 100→-59999999999999999900"}}},
		"at one instant holds lapse first: the block expires whole": {grantA, grantB, {at: "00:50", op: holdOf("h", "10", until("01:00"))},
			{at: "02:00", op: spend("1"), want: []string{"credit_block_expiry A 30 130→100 at 01:00", "decrement B 1 100→99"}}},
		"what holds free of one block at one instant expires in one entry": {grantA, grantB, {at: "00:50", op: holdOf("h", "10", until("01:10"))}, {op: holdOf("i", "5", until("01:10"))},
			{at: "02:00", op: spend("1"), want: []string{"credit_block_expiry A 15 130→115 at 01:00", "credit_block_expiry A 15 115→100 at 01:10", "decrement B 1 100→99"}}},
		"what expires at one instant is in drawdown order, freed or not": {{op: grant("A", "10", priority(1), expiresOn("01:00"))}, {at: "00:30", op: holdOf("h", "10", until("02:00"))},
			{op: grant("C", "10", expiresOn("02:00"))}, {at: "03:00", op: grant("B", "1"),
				want: []string{"credit_block_expiry C 10 20→10 at 02:00", "credit_block_expiry A 10 10→0 at 02:00", "increment B 1 0→1"}}},
		"what is freed expires in drawdown order, not in that of slices": {{op: grant("A", "10", priority(1), expiresOn("01:00"))}, {at: "00:30", op: holdOf("h", "10", until("02:00"))},
			{op: grant("C", "10", expiresOn("01:00"))}, {op: extendHold("h", "10"), hold: "open 20/20 A 10, C 10"},
			{at: "01:30", op: releaseOf("h"), want: []string{"credit_block_expiry C 10 20→10", "credit_block_expiry A 10 10→0"}}},
		"an extension lasts as long as a hold may": {grantB, {op: holdOf("h", "1")},
			{at: "00:10", op: extendHold("h", "", func(op *ExtendHold) { op.Until = when("2026-01-02T00:00:00Z") }), hold: "open 1/1 B 1"}},
		"what is above a hold leaves what its promise draws": {grantB, {op: holdOf("h", "120", holdPolicy(OverdraftAllow, ""))}, {op: grant("C", "30")}, filtered, {op: grant("G", "40", only("gpu"))},
			{op: captureOf("h", "135"), want: []string{"decrement B 100 180→80", "decrement C 30 80→50"}, more: "overage 5"}},
		"a capture of nothing is a release": {grantB, {op: holdOf("h", "5")}, {op: captureOf("h", "0"), want: []string{}, hold: "released 0/5"}, {op: captureOf("h", "0"), hold: "released 0/5"}},
		"a late capture follows its policy": {grantB, {op: holdOf("h", "5")},
			{at: "00:15", op: captureOf("h", "101", capturePolicy(OverdraftReject, "")), refuse: ErrInsufficientCredits, reason: "requested 101, available 100"},
			{op: captureOf("h", "101"), want: []string{"decrement B 100 100→0"}, more: "overage 1 late", hold: "captured 0/5"}},
		"a capture above the hold is refused with all that it could take": {grantA, grantB, {op: holdOf("h", "50")}, {op: spend("70")},
			{op: captureOf("h", "61", capturePolicy(OverdraftReject, "")), refuse: ErrInsufficientCredits, reason: "requested 61, available 60"},
			{op: captureOf("h", "66", capturePolicy(OverdraftAllow, "5")), refuse: ErrInsufficientCredits, reason: "requested 66, available 65"},
			{op: captureOf("h", "65", capturePolicy(OverdraftAllow, "5")), want: []string{"decrement A 30 60→30", "decrement B 35 30→-5"}}},
		"what is above a hold that promised is what is left once it is paid": {grantB, {op: holdOf("h", "120", holdPolicy(OverdraftAllow, ""))}, {op: grant("C", "30")},
			{op: captureOf("h", "131", capturePolicy(OverdraftReject, "")), refuse: ErrInsufficientCredits, reason: "available 130"},
			{op: captureOf("h", "135"), want: []string{"decrement B 100 130→30", "decrement C 30 30→0"}, more: "overage 5"}},
		"an extension adds to its slice, and goes on": {grantA, grantB, {op: holdOf("h", "10")}, {op: extendHold("h", "30"), hold: "open 40/40 A 30, B 10"},
			{op: captureOf("h", "15", keepOpen), hold: "open 25/40 A 15, B 10 captured 15"},
			{op: extendHold("h", "5", longer("20:00")), hold: "open 30/45 A 15, B 15 captured 15"},
			{at: "00:16", sums: "total 115 held 30 available 85"},
			{op: extendHold("h", "86"), refuse: ErrInsufficientCredits, reason: "requested 86, available 85"},
			{op: extendHold("h", "90", extendPolicy(OverdraftStopAtZero)), hold: "open 115/130 A 15, B 100 captured 15"},
			{op: extendHold("h", "1", extendPolicy(OverdraftStopAtZero)), refuse: ErrInsufficientCredits}},
		"an extension ends not earlier, and not too late": {grantB, {at: "00:05", op: holdOf("h", "1", until("12:00"))},
			{op: extendHold("h", "", longer("11:59")), refuse: ErrConstraint, reason: "cannot end earlier"},
			{op: extendHold("h", "", longer("00:05")), refuse: ErrInvalid, reason: "has passed"},
			{op: extendHold("h", "", longer("12:00")), hold: "open 1/1 B 1"}, {op: extendHold("h", ""), hold: "open 1/1 B 1"},
			{at: "23:00", op: extendHold("h", "", longer("23:30")), refuse: ErrConstraint, reason: "has lapsed"}},
		"a hold lasts a day at most": {grantB, {at: "00:05", op: holdOf("h", "1", func(op *Hold) { op.Until = when("2026-01-02T00:05:00.000001Z") }), refuse: ErrInvalid, reason: "until"},
			{op: holdOf("h", "1", func(op *Hold) { op.Until = when("2026-01-02T00:05:00Z") }), hold: "open 1/1 B 1"},
			{at: "12:00", op: extendHold("h", "", func(op *ExtendHold) { op.Until = when("2026-01-02T00:05:00.000001Z") }), refuse: ErrConstraint, reason: "may last until"},
			{op: holdOf("i", "1", until("12:00")), refuse: ErrInvalid, reason: "has passed"}},
		"with nothing held it is open all the same": {grantB, {op: holdOf("h", "5")}, {op: captureOf("h", "7", keepOpen), hold: "open 0/5 captured 5", want: []string{"decrement B 7 100→93"}},
			{op: extendHold("h", "3"), hold: "open 3/8 B 3 captured 5"}, {op: releaseOf("h"), hold: "released 0/8 captured 5"}},
		"only what is free moves, and is voided": {grantA, {op: holdOf("h", "20", until("02:00"))},
			{op: extend("A", "11", "2026-02-01", "M"), refuse: ErrConstraint, reason: "has 10 free"},
			{op: extend("A", "", "2026-02-01", "M"), want: []string{"expiration_change A 10 30→30"}},
			{op: extend("A", "", "2026-02-01", "N"), refuse: ErrConstraint, reason: "has 0 free"},
			{op: extend("A", "21", "2026-02-01", "N"), refuse: ErrConstraint, reason: "less than 21"},
			{op: extend("A", "", "2025-01-01", "N"), refuse: ErrConstraint, reason: "becomes effective"},
			{op: ExpirationChange{ExpiresAt: At(when(momentAt("01:00")).Time()), Target: Never()}, refuse: ErrConstraint, reason: "is held by"},
			{op: voidOf("A", "1"), refuse: ErrConstraint, reason: "is held by"},
			{op: voidOf("M", "10")}},
		"a block may be drawn, amended and drawn again around its slices": {grantB, {op: holdOf("h", "30")}, {op: spend("70"), sums: "total 30 held 30 available 0"},
			{op: amend("B", "20"), sums: "total 50 held 30 available 20"}, {op: amend("B", "51"), refuse: ErrConstraint},
			{op: spend("20", policy(OverdraftReject))}, {op: captureOf("h", "30"), sums: "total 0 held 0 available 0"}},
		"release and void are one act": {grantB, {op: holdOf("h", "30")},
			{op: Batch{releaseOf("h"), voidOf("B", "101")}, refuse: ErrConstraint}, {sums: "total 100 held 30 available 70"},
			{op: Batch{releaseOf("h"), voidOf("B", "100")}, sums: "total 0 held 0 available 0"}},
		"capture and hold are one act": {grantB, {op: holdOf("h", "100")}, {op: Batch{captureOf("h", "60"), holdOf("i", "40")}, sums: "total 40 held 40 available 0"},
			{op: Batch{captureOf("i", "10"), holdOf("j", "31")}, refuse: ErrInsufficientCredits}, {sums: "total 40 held 40 available 0"}},
	} {
		t.Run(rule, func(t *testing.T) { checkStory(t, moments...) })
	}
}

// A block of which something is held takes no overdraft: the last one behind it in the order
// that may does, or a new one.
func TestDebtsBesideHolds(t *testing.T) {
	cheap := func(id, amount string) moment { return moment{op: grant(id, amount, basis("0.1"))} }
	for rule, moments := range map[string][]moment{
		"a debt goes to the last block without slices": {cheap("B", "10"), {op: grant("C", "10", basis("0.2"))}, {op: holdOf("h", "10")}, {op: holdOf("i", "10")}, {op: releaseOf("h")},
			{op: spend("13"), want: []string{"decrement B 13 20→7"}, sums: "total 7 held 10 available 0"}},
		"with slices on all, to a new one": {cheap("B", "10"), {op: grant("C", "10")}, {op: holdOf("h", "15")},
			{op: spend("8"), want: []string{"decrement B 5 20→15", "decrement O 3 15→12"}},
			{op: captureOf("h", "20", capturePolicy(OverdraftAllow, "")), want: []string{"decrement C 10 12→2", "decrement B 10 2→-8"}}},
		"a debt that there is grows": {cheap("B", "10"), {op: spend("12"), want: []string{"decrement B 12 10→-2"}}, {op: grant("C", "10", basis("0.2"), noRepay)},
			{op: holdOf("h", "8")}, {op: spend("5"), want: []string{"decrement C 2 8→6", "decrement B 3 6→3"}}},
		"an emptied block serves while no other stands behind it": {cheap("B", "10"), {op: spend("10")}, {op: grant("C", "10", basis("0.2"))}, {op: holdOf("h", "10")},
			{op: spend("5"), want: []string{"decrement O 5 10→5"}}},
		"blocks that expire, wait or are filtered take none": {cheap("B", "10"), {op: grant("D", "10", priority(1))}, {op: grant("E", "5", priority(2), expiresOn("05:00"))},
			{op: grant("F", "5", priority(3), only("gpu"))}, {op: holdOf("i", "24")}, {op: releaseOf("i")}, {op: holdOf("h", "5")}, {op: spend("5")}, {op: holdOf("j", "10")},
			{op: spend("6"), want: []string{"decrement E 5 25→20", "decrement O 1 20→19"}}},
	} {
		t.Run(rule, func(t *testing.T) { checkStory(t, moments...) })
	}
}

// TestManyHolds: among very many blocks and as many open holds as there may be an operation
// touches its own. Work is counted in comparisons of two blocks, and of two holds.
func TestManyHolds(t *testing.T) {
	const size = 100_000
	s := State{Head: Head{
		Version: size, Entries: size, Blocks: size, Rows: MaxOpenHolds - 2, LastAt: when(start), NextDue: when("2026-02-01"), Total: AmountOf(100 * size),
	}}
	for i := range size {
		s.Blocks = append(s.Blocks, Block{
			ID: fmt.Sprint(i), Number: uint64(i) + 1, EffectiveAt: 1, ActivatedAt: 1, CreatedAt: 1, ExpiresAt: when("2026-02-01") + Instant(i),
			Initial: AmountOf(100), Balance: AmountOf(100), Capacity: AmountOf(100),
		})
	}
	for i := range MaxOpenHolds - 2 {
		h := storedHold{createdAt: when(start), until: when("2026-01-02"), amount: AmountOf(1), slices: []storedSlice{{block: uint64(i) + 1, amount: AmountOf(1)}}}
		s.Rows = append(s.Rows, Row{Kind: RowHold, Key: fmt.Sprint("h", i), Value: appendHoldRow(nil, &h)})
	}
	a, err := newAccount(AccountID{"cus", "credits"}, &s)
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	counting := func(order func(a, b *block) int) func(a, b *block) int {
		return func(a, b *block) int { compared++; return order(a, b) }
	}
	for _, l := range []*blockList{&a.open, &a.plain.blocks, &a.debts, &a.waiting, &a.expiring, &a.holds.whole} {
		l.order = counting(l.order)
	}
	do := func(op Operation) *Result {
		t.Helper()
		const logarithmic = 250 // a few searches among 100,000
		compared = 0
		usual := Settings{}.withDefaults()
		d := decision{request: &request{account: a.id, op: normalise(op, &usual, nil)}, account: a, expiries: 2, longest: Instant(DefaultMaxHold / time.Microsecond)}
		if err := d.decide(); err != nil {
			t.Fatal(err)
		}
		rows := 0
		for _, c := range d.changes {
			rows += len(c.rows)
		}
		if compared > logarithmic || rows > 1 {
			t.Errorf("%s took %d comparisons among %d blocks and wrote %d rows", describe(op), compared, size, rows)
		}
		return d.result
	}
	do(Hold{HoldID: "new", Amount: AmountOf(250)})
	do(ExtendHold{HoldID: "new", Amount: AmountOf(100)})
	do(Capture{HoldID: "new", Amount: AmountOf(120), KeepOpen: true})
	do(Capture{HoldID: "new", Amount: AmountOf(400)})
	do(Hold{HoldID: "other", Amount: AmountOf(1)})
	do(Release{HoldID: "other"})
	do(Release{HoldID: "h500"})
	for n := len(a.holds.open); n < MaxOpenHolds; n++ {
		do(Hold{HoldID: fmt.Sprint("more", n), Amount: AmountOf(1)})
	}
	usual := Settings{}.withDefaults()
	full := decision{request: &request{account: a.id, op: normalise(Hold{HoldID: "last", Amount: AmountOf(1)}, &usual, nil)}, account: a, expiries: 2, longest: Instant(DefaultMaxHold / time.Microsecond)}
	if err := full.decide(); !errors.Is(err, ErrConstraint) {
		t.Errorf("a hold more than there may be: %v", err)
	}
	if n := testing.AllocsPerRun(20, func() { do(spend("1")) }); n > 40 {
		t.Errorf("a decrement beside holds makes %v allocations", n)
	}
}

// TestOpenHoldsAreSound: what no sequence of operations could have left is refused.
func TestOpenHoldsAreSound(t *testing.T) {
	sound := func() (namedHold, *block) {
		b := &block{ID: "B", Number: 1, Status: BlockActive, Balance: AmountOf(10), rare: &nothingRare}
		h := storedHold{until: 20, amount: AmountOf(9), captured: AmountOf(2), unbacked: AmountOf(3), slices: []storedSlice{{1, AmountOf(4)}}}
		return namedHold{id: "h", storedHold: h}, b
	}
	for what, spoil := range map[string]func(*namedHold, *block){
		"nothing":                 func(*namedHold, *block) {},
		"it is closed":            func(h *namedHold, _ *block) { h.state = HoldCaptured },
		"its end has come":        func(h *namedHold, _ *block) { h.until = 10 },
		"the sum is less":         func(h *namedHold, _ *block) { h.amount = AmountOf(10) },
		"the sum is more":         func(h *namedHold, _ *block) { h.amount = AmountOf(8) },
		"a promise below nothing": func(h *namedHold, _ *block) { h.unbacked, h.captured = AmountOf(-1), AmountOf(6) },
		"a slice of another":      func(h *namedHold, _ *block) { h.slices[0].block = 2 },
		"a slice above its block": func(_ *namedHold, b *block) { b.Balance = AmountOf(3) },
		"a slice of nothing":      func(h *namedHold, _ *block) { h.slices[0].amount, h.amount = Amount{}, AmountOf(5) },
		"a block to come":         func(_ *namedHold, b *block) { b.EffectiveAt = 11 },
	} {
		h, b := sound()
		spoil(&h, b)
		if _, err := h.open(map[uint64]*block{1: b}, 10); (err == nil) != (what == "nothing") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestHoldsAreVerified: a record that says something else about holds is found.
func TestHoldsAreVerified(t *testing.T) {
	changes := []*change{{lapses: []lapsedHold{{hold: &hold{id: "h"}, was: holdState{last: 3}}}}}
	for _, lapses := range [][]lapsedSince{nil, {{"h", 2}}, {{"i", 3}}, {{"h", 3}, {"i", 3}}} {
		if err := checkLapses(&OpRecord{lapses: lapses}, changes); err == nil {
			t.Errorf("%v: not found", lapses)
		}
	}
	if err := checkLapses(&OpRecord{lapses: []lapsedSince{{"h", 3}}}, changes); err != nil {
		t.Error(err)
	}
	a := effectOnHold{storedHold: storedHold{slices: []storedSlice{{1, AmountOf(1)}}}}
	b := effectOnHold{storedHold: storedHold{slices: []storedSlice{{2, AmountOf(1)}}}}
	if field := holdDifferenceIn(&a, &b); field != "slices" || holdDifferenceIn(&a, &a) != "" || holdDifferenceIn(&a, nil) == "" || holdDifferenceIn(nil, nil) != "" {
		t.Errorf("slices differ in %q", field)
	}
}
