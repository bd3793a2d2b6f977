package creditledger

import (
	"reflect"
	"testing"
)

// TestKept: an account keeps all of a block, the rare and the usual, and a block with
// nothing rare shares that with all others.
func TestKept(t *testing.T) {
	rarely := Block{
		ID: "id", Number: 1, CreatedAt: 2, EffectiveAt: 3, ExpiresAt: 4, ActivatedAt: 5,
		Initial: AmountOf(6), Balance: AmountOf(7), Capacity: AmountOf(8), CostBasis: MustCostBasis("0.90"),
		Priority: 10, Status: PendingPayment, Source: TopUp, Overdraft: true,
		Filters: []Filter{{Values: []string{"api"}}}, InvoiceID: "inv", ParentID: "parent", Metadata: map[string]string{"k": "v"},
	}
	for i := range reflect.ValueOf(rarely).NumField() {
		if reflect.ValueOf(rarely).Field(i).IsZero() {
			t.Errorf("the test gives no %s", reflect.TypeOf(rarely).Field(i).Name)
		}
	}
	usually := rarely
	usually.Filters, usually.InvoiceID, usually.ParentID, usually.Metadata = nil, "", "", nil
	for _, b := range []Block{rarely, usually, {InvoiceID: "inv"}, {ParentID: "parent"}, {}} {
		kept := b.kept()
		if got := kept.whole(); !reflect.DeepEqual(got, b) {
			t.Errorf("kept as %+v: %+v", got, b)
		}
	}
	if kept := usually.kept(); kept.rare != &nothingRare {
		t.Error("a block with nothing rare has memory for it")
	}
	if !reflect.DeepEqual(nothingRare, rare{}) {
		t.Errorf("what is shared was written to: %+v", nothingRare)
	}
}
