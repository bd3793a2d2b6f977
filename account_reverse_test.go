package creditledger

import (
	"errors"
	"strings"
	"testing"
)

// back takes a charge back: the one at a place among what was asked for before, or, with
// "#" in front, an entry.
func back(charge, amount string) Reverse {
	op := Reverse{Charge: Key(charge)}
	if entry, ok := strings.CutPrefix(charge, "#"); ok {
		op.Charge = ""
		for _, c := range entry {
			op.Entry = op.Entry*10 + uint64(c-'0')
		}
	}
	if amount != "" {
		op.Amount = MustAmount(amount)
	}
	return op
}

// TestReverse holds the worked examples of charges taken back, R1 to R6, and what lies
// around them.
func TestReverse(t *testing.T) {
	day := func(n int, ops ...Operation) bookStep {
		return bookStep{at: "2026-01-" + string(rune('0'+n/10)) + string(rune('0'+n%10)), ops: ops}
	}
	type answer struct{ reversed, lapsed, lost string }
	for _, c := range []struct {
		rule   string
		given  []bookStep
		at     string
		op     Operation
		want   []string
		answer answer
		refuse error
		reason string
		left   string
		lapsed string
	}{
		{
			rule:  "R1: a charge goes back where it came from",
			given: []bookStep{day(1, grant("B", "300"), spend("120"), spend("100"))}, op: back("2", ""),
			want: []string{"amendment B 120 80→200"}, answer: answer{reversed: "120"}, left: "B 200",
		},
		{
			rule:  "R1: it goes back once",
			given: []bookStep{day(1, grant("B", "300"), spend("120"), spend("100"), back("2", ""))}, op: back("2", ""),
			refuse: ErrConstraint, reason: "nothing is left",
		},
		{
			rule:  "a debt goes back however large it is beside its block",
			given: []bookStep{day(1, grant("B", "50000000000000000000"), spend("90000000000000000000"), spend("59000000000000000000"))}, op: back("2", ""),
			want:   []string{"amendment B 90000000000000000000 -99000000000000000000→-9000000000000000000"},
			answer: answer{reversed: "90000000000000000000"},
		},
		{
			rule:  "what a grant repaid comes back once",
			given: []bookStep{day(1, grant("A", "30"), spend("25"), amend("A", "25"), spend("50"), grant("C", "100"), back("4", ""))}, op: back("2", ""),
			answer: answer{reversed: "25", lost: "25"},
		},
		{
			rule:  "R2: the last drawn goes back first",
			given: []bookStep{day(1, grant("A", "30", expires("2026-06-01")), grant("B", "100"), spend("50"))}, op: back("3", "35"),
			want: []string{"amendment B 20 80→100", "amendment A 15 100→115"}, answer: answer{reversed: "35"}, left: "A 15, B 100",
		},
		{
			rule: "R3: what goes back to an expired block lapses again",
			given: []bookStep{
				{"2026-03-01", []Operation{grant("A", "30", expires("2026-03-01T12:00:00Z"))}},
				{"2026-03-01T11:00:00Z", []Operation{spend("20")}},
			},
			at: "2026-03-01T13:00:00Z", op: back("2", ""),
			want: []string{"amendment A 20 0→0", "credit_block_expiry A 20 0→0"}, answer: answer{reversed: "20", lapsed: "20"}, left: "A 0", lapsed: "A 30",
		},
		{
			rule:  "R4: what a later grant repaid comes back as a block on its terms",
			given: []bookStep{day(1, grant("A", "30"), spend("50"), grant("C", "100", basis("0.50")))}, op: back("2", ""),
			want: []string{"amendment A 30 80→110", "increment new 20 110→130"}, answer: answer{reversed: "50"},
		},
		{
			rule:  "R5: what was voided since is lost",
			given: []bookStep{day(1, grant("A", "100"), spend("60"), voidOf("A", "100"))}, op: back("2", ""),
			answer: answer{reversed: "60", lost: "60"}, left: "A 0",
		},
		{
			rule:  "R6: a batch goes back as one charge",
			given: []bookStep{day(1, grant("A", "10", expires("2026-06-01")), grant("B", "100"), Batch{spend("10"), spend("5")})}, op: back("3", "12"),
			want: []string{"amendment B 5 95→100", "amendment A 7 100→107"}, answer: answer{reversed: "12"},
		},
		{
			rule:  "one entry of a charge goes back alone",
			given: []bookStep{day(1, grant("A", "30", expires("2026-06-01")), grant("B", "100"), spend("50"))}, op: back("#3", ""),
			want: []string{"amendment A 30 80→110"}, answer: answer{reversed: "30"}, left: "A 30, B 80",
		},
		{
			rule:  "more than is left is refused, whatever room the blocks have",
			given: []bookStep{day(1, grant("B", "300"), spend("120"), spend("100"), back("2", "20"))}, op: back("2", "100.01"),
			refuse: ErrConstraint, reason: "100 of the charge is left to take back, less than 100.01",
		},
		{
			rule:  "of one entry, too",
			given: []bookStep{day(1, grant("A", "30", expires("2026-06-01")), grant("B", "100"), spend("50"))}, op: back("#3", "31"),
			refuse: ErrConstraint, reason: "30 of the charge is left",
		},
		{
			rule:  "what an entry gave back, its charge does not give back again",
			given: []bookStep{day(1, grant("A", "30", expires("2026-06-01")), grant("B", "100"), spend("50"), back("#3", "10"))}, op: back("3", ""),
			want: []string{"amendment B 20 90→110", "amendment A 20 110→130"}, answer: answer{reversed: "40"},
		},
		{
			rule:  "a charge that is not there",
			given: []bookStep{day(1, grant("B", "300"))}, op: back("9", ""), refuse: ErrNotFound, reason: "charge",
		},
		{
			rule:  "what drew nothing is no charge",
			given: []bookStep{day(1, grant("B", "300"))}, op: back("1", ""), refuse: ErrNotFound, reason: "charge",
		},
		{
			rule:  "an entry that is not there",
			given: []bookStep{day(1, grant("B", "300"))}, op: back("#2", ""), refuse: ErrNotFound, reason: "entry",
		},
		{
			rule:  "an entry that is no decrement",
			given: []bookStep{day(1, grant("B", "300"))}, op: back("#1", ""), refuse: ErrConstraint, reason: "no decrement",
		},
		{
			rule:  "a debt of an overdraft block shrinks",
			given: []bookStep{day(1, spend("50"))}, op: back("1", "30"),
			want: []string{"amendment new 30 -50→-20"}, answer: answer{reversed: "30"},
		},
		{
			rule:  "an overdraft block that was repaid takes nothing; a block of the last grant's terms does",
			given: []bookStep{day(1, spend("50"), grant("X", "20", basis("0.10")), grant("Y", "40", basis("0.20"), expires("2026-06-01"), priority(3)))}, op: back("1", ""),
			want: []string{"increment new 50 10→60"}, answer: answer{reversed: "50"},
		},
		{
			rule: "a block on terms that have expired expires at once",
			given: []bookStep{
				day(1, spend("50"), grant("Y", "70", expires("2026-01-10"))),
			},
			at: "2026-01-20", op: back("1", ""),
			want: []string{"increment new 50 0→0", "credit_block_expiry new 50 0→0"}, answer: answer{reversed: "50", lapsed: "50"},
			lapsed: "Y 20, new 50",
		},
		{
			rule:  "what an amendment gave back already is lost",
			given: []bookStep{day(1, grant("A", "100"), spend("60"), amend("A", "50"))}, op: back("2", ""),
			want: []string{"amendment A 10 90→100"}, answer: answer{reversed: "60", lost: "50"}, left: "A 100",
		},
		{
			rule: "what was given back by hand and lapsed since leaves no room",
			given: []bookStep{
				day(1, grant("A", "100", expires("2026-01-10")), spend("60"), amend("A", "50")),
			},
			at: "2026-01-20", op: back("2", ""),
			want: []string{"amendment A 10 0→0", "credit_block_expiry A 10 0→0"}, answer: answer{reversed: "60", lapsed: "10", lost: "50"}, lapsed: "A 100",
		},
		{
			rule: "lapsed and voided leave no room twice",
			given: []bookStep{
				day(1, grant("A", "100", expires("2026-01-10")), spend("60")),
			},
			at: "2026-01-20", op: back("2", "25"),
			want: []string{"amendment A 25 0→0", "credit_block_expiry A 25 0→0"}, answer: answer{reversed: "25", lapsed: "25"}, lapsed: "A 65",
		},
		{
			rule: "what was drawn late goes back to lapsed",
			given: []bookStep{
				day(1, grant("A", "100", expires("2026-01-10"))),
				day(20, spend("60", usedAt("2026-01-05"))),
			},
			at: "2026-01-21", op: back("2", ""),
			want: []string{"amendment A 60 0→0", "credit_block_expiry A 60 0→0"}, answer: answer{reversed: "60", lapsed: "60"}, lapsed: "A 100",
		},
		{
			rule:  "two reversals of one charge in a batch see one another",
			given: []bookStep{day(1, grant("B", "300"), spend("120"))}, op: Batch{back("2", "100"), back("2", "")},
			want: []string{"amendment B 100 180→280", "amendment B 20 280→300"},
		},
		{
			rule:  "together they give no more back than was drawn",
			given: []bookStep{day(1, grant("B", "300"), spend("120"))}, op: Batch{back("2", "100"), back("2", "21")},
			refuse: ErrConstraint, reason: "20 of the charge is left",
		},
		{
			rule:  "a charge of the same batch is not there yet",
			given: []bookStep{day(1, grant("B", "300"))}, op: Batch{spend("5"), back("2", "")}, refuse: ErrNotFound, reason: "charge",
		},
	} {
		t.Run(c.rule, func(t *testing.T) {
			b := newBook(t).play(c.given...)
			if c.at != "" {
				b.clock(c.at)
			}
			res, err := b.try(c.op)
			switch {
			case c.refuse != nil:
				if !errors.Is(err, c.refuse) || !containsText(err, c.reason) {
					t.Fatalf("got error %v, want %v: …%s…", err, c.refuse, c.reason)
				}
				return
			case err != nil:
				t.Fatalf("refused: %v", err)
			}
			if got, want := made.ReplaceAllString(story(res.Entries), "new"), strings.Join(c.want, "\n"); got != want {
				t.Errorf("entries\n%s\nwant\n%s", got, want)
			}
			if _, batch := c.op.(Batch); !batch {
				got := answer{res.Reversed.String(), res.Lapsed.String(), res.Lost.String()}
				if want := (answer{cmpOr(c.answer.reversed, "0"), cmpOr(c.answer.lapsed, "0"), cmpOr(c.answer.lost, "0")}); got != want {
					t.Errorf("answer %+v, want %+v", got, want)
				}
			}
			if got := b.balances(); c.left != "" && got != c.left {
				t.Errorf("left %s, want %s", got, c.left)
			}
			if got := made.ReplaceAllString(b.lapses(), "new"); got != c.lapsed {
				t.Errorf("lapsed %s, want %s", got, c.lapsed)
			}
		})
	}
}
