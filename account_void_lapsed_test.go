package creditledger

import "testing"

// TestVoidOfWhatLapsed: a block that has expired is closed by a void that says so. What it
// lapsed goes first, then what was drawn; nothing draws or restores either any more.
func TestVoidOfWhatLapsed(t *testing.T) {
	closed := func(amount string) Operation {
		return Void{BlockID: "A", Amount: MustAmount(amount), Lapsed: true}
	}
	day := func(at string, ops ...Operation) bookStep { return bookStep{at, ops} }
	given := []bookStep{day("2026-01-01", grant("A", "100", expires("2026-01-10")), grant("B", "50"), spend("60"))}
	late := func(n string) Operation { return spend(n, usedAt("2026-01-05"), policy(OverdraftStopAtZero)) }
	checkLate(t, []lateRule{
		{
			rule: "without saying so it is refused", given: given, at: "2026-01-20",
			op: Void{BlockID: "A", Amount: AmountOf(1)}, refuse: ErrConstraint, reason: "expired",
		},
		{
			rule: "what lapsed goes first", given: given, at: "2026-01-20", op: closed("30"),
			want: []string{"void_initiated A 0 50→50", "void A 0 50→50"}, lapsed: "A 10", left: "A 0, B 50",
		},
		{
			rule: "then what was drawn", given: given, at: "2026-01-20", op: closed("100"),
			want: []string{"void_initiated A 0 50→50", "void A 0 50→50"}, left: "A 0, B 50",
		},
		{
			rule: "no more than the capacity", given: given, at: "2026-01-20", op: closed("101"), refuse: ErrConstraint, reason: "100 at most",
		},
		{
			rule: "late usage draws none of it", given: append(given, day("2026-01-20", closed("30"))), at: "2026-01-21", op: late("70"),
			want: []string{"amendment A 10 50→50", "decrement A 10 50→50", "decrement B 50 50→0"}, overage: "10", left: "A 0, B 0",
		},
		{
			rule: "a reversal restores none of it", given: append(given, day("2026-01-20", closed("70"))), at: "2026-01-21", op: Reverse{Entry: 3},
			want: []string{"amendment A 30 50→50", "credit_block_expiry A 30 50→50"}, lapsed: "A 30", left: "A 0, B 50",
		},
		{
			rule: "a block that has not expired is voided as ever", given: given, at: "2026-01-05", op: closed("70"),
			want: []string{"void_initiated A 40 90→90", "void A 40 90→50"}, left: "A 0, B 50",
		},
		{
			rule:  "what is held stays",
			given: []bookStep{day("2026-01-09T23:50:00Z", grant("A", "100", expires("2026-01-10")), Hold{HoldID: "h", Amount: AmountOf(30)})},
			at:    "2026-01-10T00:01:00Z", op: closed("71"), refuse: ErrConstraint, reason: "held",
		},
		{
			rule:  "and what is not goes",
			given: []bookStep{day("2026-01-09T23:50:00Z", grant("A", "100", expires("2026-01-10")), Hold{HoldID: "h", Amount: AmountOf(30)})},
			at:    "2026-01-10T00:01:00Z", op: closed("70"),
			want: []string{"void_initiated A 30 30→30", "void A 0 30→30"}, left: "A 30",
		},
	})
}
