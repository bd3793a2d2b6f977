package creditledger

import (
	"testing"
	"time"
)

// What the ledger leaves out for a plain decrement finds nothing to do in it. An operation
// for which one of these steps has something to do is not plain.
func TestPlainDecrementsNeedNothing(t *testing.T) {
	used := Decrement{Amount: AmountOf(1), ItemID: "item", PriceID: "price", InvoiceID: "invoice", OverdraftLimit: OverdraftLimitOf(AmountOf(5))}
	late, before, described, labelled := used, used, used, used
	late.UsageAt, before.eligibleBefore = when(start), when(start)
	described.Description, labelled.Metadata = "text", map[string]string{"a": "b"}
	for _, c := range []struct {
		name  string
		op    Operation
		plain bool
	}{
		{"a decrement", Decrement{Amount: AmountOf(1)}, true},
		{"with what it is for", used, true},
		{"of the past", late, false},
		{"of what was eligible before", before, false},
		{"with a description", described, false},
		{"with metadata", labelled, false},
		{"in a batch", Batch{used}, false},
	} {
		if got := isPlainDecrement(c.op); got != c.plain {
			t.Errorf("%s: plain %t", c.name, got)
		}
	}
	ops := append(filledOperations(t), Decrement{Amount: AmountOf(1)}, used, Hold{}, ExtendHold{}, Capture{}, Release{}, Schedule{}, ChangeSchedule{}, EndSchedule{}, send{}, arrive{}, erase{}, expire{}, begin{}, carry{})
	for _, op := range ops {
		if isPlainDecrement(op) && hasWork(op) {
			t.Errorf("%T is plain, and %+v", op, op)
		}
	}
}

// hasWork reports whether one of the steps that a plain decrement leaves out has something
// to do.
func hasWork(op Operation) bool {
	names := len(namedBlocks(op, nil)) + len(namedExpiries(op, nil)) + len(namedHolds(op, nil)) + len(namedSchedules(op, nil)) + len(madeSchedules(op, nil))
	at := when(start)
	timed := checkClock(op, at-Instant(time.Hour)) != nil || checkClock(op, 1) != nil || checkUntil(op, at, 1) != nil ||
		checkSettlement(op, at+defaultSettlement*9, 1) != nil
	rec := &OpRecord{Op: op, Effects: []Effect{{Lines: []Line{{Type: EntryDecrement}}}}}
	return names > 0 || timed || hasDates(op) || hasText(op) || changesSchedule(op) || takesBack(op) ||
		needsFormat3(op) || rec.remembers() || saysEligibleBefore(op)
}
