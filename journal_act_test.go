package creditledger

import (
	"strings"
	"testing"

	"github.com/google/uuid"
)

// TestRecordIsHeldToItsAct: a record whose act says something else of it is no record.
func TestRecordIsHeldToItsAct(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*OpRecord)
		want   string
	}{
		"as it was":                   {func(*OpRecord) {}, ""},
		"of no act":                   {func(r *OpRecord) { r.act = nil }, ""},
		"an expiry":                   {func(r *OpRecord) { r.Op = expire{} }, "an expiry in an act"},
		"another record":              {func(r *OpRecord) { r.Seq++ }, "stands in the place of record 7"},
		"another account":             {func(r *OpRecord) { r.act.index = 1 }, "stands in the place of record 300 of b/c"},
		"another id":                  {func(r *OpRecord) { r.act.id = uuid.Max }, "another id"},
		"more operations":             {func(r *OpRecord) { r.act.order = append(r.act.order, 0) }, "2 operations"},
		"another amount":              {func(r *OpRecord) { r.Op = spend("2") }, "not the part of the act"},
		"another digest of a part":    {func(r *OpRecord) { r.act.parts[0].digest[0]++ }, "not the part of the act"},
		"another record before":       {func(r *OpRecord) { r.Prev[0]++ }, ""},
		"a part of a transfer, alone": {func(r *OpRecord) { r.act, r.Op = nil, send{} }, "without an act"},
		"sent to somebody else":       {func(r *OpRecord) { r.act.order, r.Op = []int{0, 1}, send{To: AccountID{"z", "c"}} }, "not the two parts"},
		"sent after it arrived":       {func(r *OpRecord) { r.Op = send{To: AccountID{"b", "c"}} }, "not the two parts"},
		"arrived from somebody else":  {func(r *OpRecord) { r.Op = arrive{From: AccountID{"z", "c"}} }, "not the two parts"},
	} {
		rec := &OpRecord{Account: AccountID{"a", "c"}, Seq: 7, ID: uuid.Must(uuid.NewV7()), Op: spend("1"), Effects: []Effect{{}}}
		rec.act = &act{id: rec.ID, parts: []actPart{{rec.Account, 7, Seal{}}, {AccountID{"b", "c"}, 300, Seal{2}}}, order: []int{1, 0}}
		rec.act.parts[0].digest = rec.digestOfPart()
		c.change(rec)
		switch err := checkAct(rec); {
		case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestActNamesAccountsInOrder: an act that names its accounts in another order, or one of them
// twice, is no act.
func TestActNamesAccountsInOrder(t *testing.T) {
	one, two := actPart{AccountID{"a", "c"}, 7, Seal{1}}, actPart{AccountID{"b", "c"}, 300, Seal{2}}
	for want, parts := range map[string][]actPart{"": {one, two}, "out of order": {two, one}, "accounts of an act out of order": {one, one}} {
		r := &reader{data: appendAct(nil, &act{id: uuid.Max, parts: parts, order: []int{0, 1}})}
		r.act()
		if (r.err == "") != (want == "") || !strings.Contains(r.err, want) {
			t.Errorf("%d accounts, want %q: %q", len(parts), want, r.err)
		}
	}
}

// TestPartsOfTransfersAreChecked: what the journal says of a transfer is held to the rules of a
// request.
func TestPartsOfTransfersAreChecked(t *testing.T) {
	other := AccountID{"b", "c"}
	good := parcel{BlockID: "A", Amount: AmountOf(1), EffectiveAt: when(start)}
	bad := func(change func(*parcel)) arrive {
		p := good
		change(&p)
		return arrive{From: other, Parcels: []parcel{good, p}}
	}
	for name, op := range map[string]Operation{
		"nothing arrives":     arrive{From: other},
		"too much arrives":    arrive{From: other, Parcels: make([]parcel, MaxEntries+1)},
		"of no block":         bad(func(p *parcel) { p.BlockID = "" }),
		"of no amount":        bad(func(p *parcel) { p.Amount = Amount{} }),
		"with odd filters":    bad(func(p *parcel) { p.Filters = make([]Filter, 1) }),
		"from nobody":         arrive{Parcels: []parcel{good}},
		"a long description":  arrive{From: other, Parcels: []parcel{good}, Description: strings.Repeat("x", MaxDescription+1)},
		"to nobody":           send{Amount: AmountOf(1)},
		"a block of odd name": send{To: other, BlockID: "\n"},
	} {
		if err := op.check(); err == nil {
			t.Errorf("%s is let through", name)
		}
	}
	a := newReplayed(AccountID{"a", "c"})
	a.moveTo(when(start))
	for name, p := range map[string]parcel{
		"expired":          {BlockID: "A", Amount: AmountOf(1), EffectiveAt: when(start) - 2, ExpiresAt: when(start)},
		"not in effect":    {BlockID: "A", Amount: AmountOf(1), EffectiveAt: when(start) + 1},
		"beyond any total": {BlockID: "A", Amount: MustAmount("99999999999999999999"), EffectiveAt: when(start)},
	} {
		op := arrive{From: other, Parcels: []parcel{p, p}}
		if err := step(a, op, newChange()); err == nil {
			t.Errorf("what is %s arrives", name)
		}
	}
	if (send{}).Name() != (arrive{}).Name() || !strings.Contains(describe(arrive{From: other}), "from b") {
		t.Error("the parts of a transfer have other names")
	}
}
