package creditledger_test

import (
	"testing"

	"creditledger"
	"creditledger/store/memory"
)

// TestNoteLoss: texts that are gone break a rule until the journal notes that they are lost.
// The note is under the seals, a copy has it too, and an erasure of the rest stays one.
func TestNoteLoss(t *testing.T) {
	w := newWorld(t)
	for _, text := range []string{"first", "second", "", "third", "fourth"} {
		op := grant("", "1")
		op.Description = text
		if _, err := w.Do(ctx, cus1, op, ""); err != nil {
			t.Fatal(err)
		}
	}
	records, err := w.Journal(ctx, cus1, 1, 10)
	if err != nil {
		t.Fatal(err)
	}
	records[1].Texts, records[3].Texts = nil, nil
	lost := creditledger.New(memory.New(), nil)
	defer lost.Close()
	if err := lost.Import(ctx, cus1, records); err != nil {
		t.Fatal(err)
	}
	v, err := lost.Verify(ctx, cus1, nil)
	if err != nil || v.Violation == nil || v.Violation.Rule != "texts" || v.Violation.Record != 2 {
		t.Errorf("before it is noted: %v, %v", v.Violation, err)
	}
	for i, want := range []uint64{2, 0} {
		if n, err := lost.NoteLoss(ctx, cus1); err != nil || n != want {
			t.Errorf("noted for the %d. time: %d, %v", i+1, n, err)
		}
	}
	if _, err := lost.Erase(ctx, cus1.Customer, creditledger.Erasure{}); err != nil {
		t.Fatal(err)
	}
	if records, err = lost.Journal(ctx, cus1, 1, 10); err != nil {
		t.Fatal(err)
	}
	copied := creditledger.New(memory.New(), nil)
	defer copied.Close()
	if err := copied.Import(ctx, cus1, records); err != nil {
		t.Fatal(err)
	}
	for _, l := range []*creditledger.Ledger{lost, copied} {
		v, err := l.VerifyAll(ctx, nil)
		if err != nil || v.Violation != nil || v.Lost != 2 || v.Erased != 2 || v.Records != 7 {
			t.Errorf("noted: %+v, %v, %v", v, v.Violation, err)
		}
	}
}
