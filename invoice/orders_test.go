package invoice

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"creditledger"
	"creditledger/fuzz/testsize"
)

// What undoes a sale, or a bill that used it, ends the same in either order. A story is a sale
// of which credits are used, sent, extended, expire, and are undone in many ways. Two of its
// corrections that follow one another are told in both orders. A second model (countOf) knows
// what there must be after each step, by what was asked alone.

// deed is one step of a story: everything about it is drawn before it is told.
type deed struct {
	kind string
	n, m int64
}

func (d deed) String() string { return fmt.Sprintf("%s %d %d", d.kind, d.n, d.m) }

// corrections are what is told in both orders; deeds are what comes between.
var (
	corrections = []string{"note", "refund", "chargeback", "clawback", "reverse", "amend", "void bill", "return draws", "void sale"}
	deeds       = []string{"spend", "spend", "bill", "bill", "send", "friend spends", "extend", "expire"}
)

// fixed are pairs whose order counts, and why: docs/invoices/undoing.md, "What the order decides".
var fixed = map[string]string{
	"note, refund":   "a note lowers the price of what is refunded after it",
	"clawback, note": "a note lowers the price of what is refunded after it",
}

func pairOf(a, b string) string { return min(a, b) + ", " + max(a, b) }

// told is a story under way.
type told struct {
	*world
	count
	at       time.Time
	sale     *Invoice
	bills    []*Invoice
	spent    []creditledger.AccountID // accounts of the charges "use N"
	split    bool                     // the credits stand in several blocks
	accepted []string                 // the deeds that were
}

func tell(t *testing.T, tax string, saleOf int64, story []deed, at int) *told {
	t.Helper()
	opts := &Options{}
	if tax != "" {
		opts.TaxPercent = percent(tax)
	}
	w := newWorld(t, onMemory, opts)
	s := &told{world: w, at: start}
	s.sale = w.sold(func(p *Purchase) {
		paid(p)
		p.Increment.Amount = creditledger.AmountOf(saleOf)
		p.Increment.ExpiresAt = creditledger.At(start.AddDate(0, 2, 0))
		p.Increment.CostBasis = basis("0.37")
	})
	s.count = newCount(saleOf, s.sale)
	for i, d := range story {
		if i == at+2 && s.split {
			break // what follows finds the credits in other blocks
		}
		s.at = s.at.Add(30 * time.Hour)
		s.step(i, d)
	}
	return s
}

// step tells one deed: it is done or refused, and afterwards all is as it is counted.
func (s *told) step(i int, d deed) {
	s.t.Helper()
	s.now = s.at
	err := s.do(i, d)
	switch {
	case err == nil:
		s.accepted = append(s.accepted, d.String())
	case !errors.Is(err, creditledger.ErrConstraint) && !errors.Is(err, creditledger.ErrInsufficientCredits) && !errors.Is(err, creditledger.ErrNotFound):
		s.t.Errorf("%d %s: %v", i, d, err)
	}
	s.tick()
	if !s.void {
		s.used = s.inUse()
	}
	if found := append(s.findings(), s.count.differs(s)...); len(found) > 0 {
		s.t.Errorf("after %d %s (%v): %s", i, d, err, strings.Join(found, "; "))
	}
}

func (s *told) do(i int, d deed) error {
	key := creditledger.Key(fmt.Sprint(d))
	switch d.kind {
	case "note":
		return s.noted(MinorMoney(d.n, "USD"))(key)
	case "refund":
		_, err := s.Refund(s.ctx, TakeBack{Invoice: s.sale.ID, Credits: creditledger.AmountOf(d.m)}, key)
		return s.refunded(err, d.m, -1)
	case "chargeback", "clawback":
		c := Chargeback{Invoice: s.sale.ID}
		c.Amount, _ = MinorMoney(d.n, "USD")
		if d.kind == "clawback" {
			c.Credits = creditledger.AmountOf(d.m)
		}
		_, err := s.ChargeBack(s.ctx, c, key)
		if d.kind == "clawback" && !s.void {
			return s.refunded(err, d.m, d.n)
		}
		return s.charged(err, d.n)
	case "reverse", "amend":
		return s.takesBack(d, key)
	case "void sale":
		_, err := s.Void(s.ctx, s.sale.ID, "", key)
		s.void = s.void || err == nil
		return err
	case "void bill", "return draws":
		return s.undoBill(d, key)
	case "expire":
		s.at = s.at.AddDate(0, 2, 0)
		s.expired = true
		return nil
	}
	return s.uses(d, creditledger.Key(fmt.Sprint("use ", len(s.spent))), key)
}

// noted asks for a note of money.
func (s *told) noted(m Money, _ error) func(creditledger.Key) error {
	return func(key creditledger.Key) error {
		_, err := s.IssueCreditNote(s.ctx, NoteInput{Invoice: s.sale.ID, Amount: m}, key)
		if err == nil {
			s.notes += mustMinor(m)
		}
		return err
	}
}

// uses tells of what uses and moves credits.
func (s *told) uses(d deed, use, key creditledger.Key) error {
	on := credits
	switch d.kind {
	case "bill":
		if len(s.bills) == 2 {
			return constraint("enough bills")
		}
		u := january()
		u.Rate, u.Supplement, u.Terms.CreditsPay = basis("0.37"), true, CreditsPayNet
		u.End = creditledger.At(s.at)
		u.Lines = []LineInput{{ItemID: "api", Quantity: creditledger.AmountOf(d.n), UnitPrice: basis("1")}}
		a, err := s.ClosePeriod(s.ctx, u, key)
		if err == nil {
			s.bills = append(s.bills, a.Invoice)
		}
		return err
	case "send":
		s.split = true
		_, err := s.ledger.Transfer(s.ctx, creditledger.Transfer{From: credits, To: friend, Amount: creditledger.AmountOf(d.m)}, key)
		return err
	case "extend":
		s.split = true
		_, err := s.ledger.Do(s.ctx, credits, creditledger.ExpirationChange{BlockID: "bought", Amount: creditledger.AmountOf(d.m), Target: creditledger.Never()}, key)
		return err
	case "friend spends":
		on = friend
	}
	_, err := s.ledger.Do(s.ctx, on, creditledger.Decrement{Amount: creditledger.AmountOf(d.m), Overdraft: creditledger.OverdraftReject}, use)
	if err == nil {
		s.spent = append(s.spent, on)
	}
	return err
}

// takesBack reverses a charge, or amends the block that was bought.
func (s *told) takesBack(d deed, key creditledger.Key) error {
	on, op := credits, creditledger.Operation(creditledger.Amendment{BlockID: "bought", Amount: creditledger.AmountOf(1 + d.m%9)})
	if d.kind == "reverse" {
		if len(s.spent) == 0 {
			return constraint("nothing was used")
		}
		n := int(d.n) % len(s.spent)
		r := creditledger.Reverse{Charge: creditledger.Key(fmt.Sprint("use ", n))}
		if d.m%2 == 0 {
			r.Amount = creditledger.AmountOf(1 + d.m%9)
		}
		on, op = s.spent[n], r
	}
	r, err := s.Do(s.ctx, on, op, key)
	if err == nil && s.void && d.kind == "reverse" {
		s.used = max(s.used-whole(r.Reversed), 0)
	}
	return err
}

func (s *told) undoBill(d deed, key creditledger.Key) error {
	if len(s.bills) == 0 {
		return constraint("nothing was billed")
	}
	inv := s.bills[int(d.n)%len(s.bills)]
	drawn, err := s.ledger.Drawn(s.ctx, credits, creditledger.Reverse{Charge: inv.Period.Charge})
	left := int64(0)
	for i := range drawn {
		left += whole(drawn[i].Left)
	}
	if err != nil && len(inv.Period.Draws) > 0 {
		return err
	}
	if d.kind == "void bill" {
		_, err = s.Void(s.ctx, inv.ID, "", key)
	} else {
		_, err = s.IssueCreditNote(s.ctx, NoteInput{Invoice: inv.ID, ReturnDraws: true}, key)
	}
	if err != nil {
		return err
	}
	if s.void { // an amendment may have taken some of it back already
		s.used = max(s.used-left, 0)
	}
	return nil
}

// inUse is what is in use by the journals: what was drawn, less what was given back. What a late
// usage restores first was not in use.
func (s *told) inUse() (n int64) {
	for _, on := range []creditledger.AccountID{credits, friend} {
		page, err := s.ledger.Entries(s.ctx, on, creditledger.EntriesQuery{Ascending: true, Limit: 1000})
		if err != nil {
			s.t.Fatal(err)
		}
		for _, e := range page.Entries {
			switch {
			case e.Type == creditledger.EntryDecrement:
				n += whole(e.Amount)
			case e.Type == creditledger.EntryAmendment && e.UsageAt == 0:
				n -= whole(e.Amount)
			}
		}
	}
	return n
}

// end is what is left of a story. Where the credits stand in several blocks, refunds take them
// from where they are then; only the sum is the same.
func (s *told) end() string {
	free, lapsed := s.credits()
	text := fmt.Sprintf("balance %s, %d credits", s.owns(), free+lapsed)
	inv, err := s.Invoice(s.ctx, s.sale.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	text += fmt.Sprintf("; %s, paid %s, credited %s, use %v", inv.Status, inv.AmountPaid, inv.Credited, inv.UnpaidUse)
	if !s.void {
		text += fmt.Sprintf(", taken back %s", inv.Purchase.TakenBack)
	}
	if !s.split {
		b, err := s.ledger.Block(s.ctx, credits, "bought")
		if err != nil {
			s.t.Fatal(err)
		}
		text += fmt.Sprintf("; %s of %s, %s lapsed", b.Balance, b.Capacity, b.Lapsed)
	}
	return text
}

// TestOrderOfCorrections tells random stories with each pair of corrections in both orders.
func TestOrderOfCorrections(t *testing.T) {
	r, seed := random(t)
	reached := map[string]int{}
	var pairs []string
	for i, a := range corrections {
		for _, b := range corrections[i:] {
			if a == b && strings.HasPrefix(a, "void") {
				continue
			}
			pairs = append(pairs, a+"|"+b)
		}
	}
	for n := range testsize.Of(len(pairs), len(pairs)*4, len(pairs)*250) {
		a, b, _ := strings.Cut(pairs[n%len(pairs)], "|")
		tax, saleOf, story, at := randomStory(r, a, b)
		first := tell(t, tax, saleOf, story, at)
		swapped := slices.Clone(story)
		swapped[at], swapped[at+1] = swapped[at+1], swapped[at]
		second := tell(t, tax, saleOf, swapped, at)
		if comparable(first, second, a, b) {
			reached[pairOf(a, b)]++
			if one, other := first.end(), second.end(); one != other {
				t.Errorf("%v: %s\nthe other way: %s", story, one, other)
			}
		}
		first.close()
		second.close()
		if t.Failed() {
			t.Fatalf("story %d of seed %d: tax %q, %d credits, %v, swapped at %d", n, seed, tax, saleOf, story, at)
		}
	}
	t.Logf("%v", reached)
	for _, p := range pairs {
		a, b, _ := strings.Cut(p, "|")
		if testsize.Full() && reached[pairOf(a, b)] == 0 && fixed[pairOf(a, b)] == "" {
			t.Errorf("the pair %s was never compared", p)
		}
	}
}

// comparable reports whether two tellings are of the same deeds. A deed may be refused after
// another; where that is a void, it undid all of it.
func comparable(first, second *told, a, b string) bool {
	done := func(s *told) []string {
		return slices.Sorted(func(yield func(string) bool) {
			for _, d := range s.accepted {
				kind, _, _ := strings.Cut(d, " ")
				if undone := (a == "void sale" || b == "void sale") && (kind == "note" || kind == "refund"); !undone && !yield(d) {
					return
				}
			}
		})
	}
	return fixed[pairOf(a, b)] == "" && slices.Equal(done(first), done(second))
}

// randomStory is a story of 4 to 12 deeds in which two corrections follow one another.
func randomStory(r *rand.Rand, a, b string) (tax string, saleOf int64, story []deed, at int) {
	saleOf = pick(r, int64(100), 7, 33)
	one := func(kind string) deed { return deed{kind, 1 + r.Int64N(saleOf*25), 1 + r.Int64N(saleOf/2)} }
	with := func(kind string) deed {
		if kind == "bill" {
			return deed{kind, 1 + r.Int64N(saleOf), 1 + r.Int64N(99)}
		}
		return one(kind)
	}
	need := map[string]string{"reverse": "spend", "amend": "spend", "void bill": "bill", "return draws": "bill"}
	for _, kind := range []string{a, b} {
		if n := need[kind]; n != "" {
			story = append(story, with(n))
		}
	}
	for range r.IntN(5) {
		if r.IntN(3) == 0 {
			story = append(story, one(pick(r, slices.DeleteFunc(slices.Clone(corrections), func(k string) bool { return k == "void sale" })...)))
		} else {
			story = append(story, with(pick(r, deeds...)))
		}
	}
	at = len(story)
	story = append(story, with(a), with(b))
	for range max(r.IntN(4), 4-len(story)) {
		story = append(story, with(pick(r, append(slices.Clone(deeds), corrections...)...)))
	}
	seen := map[string]bool{}
	for i := range story { // each has a key of its own
		for seen[story[i].String()] {
			story[i].m = 1 + (story[i].m+1)%97
		}
		seen[story[i].String()] = true
	}
	return pick(r, "", "19", "8.25"), saleOf, story, at
}
