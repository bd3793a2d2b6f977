package invoice

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"creditledger"
)

// TestStoredOperation: an operation of a pending change is stored, and shown, in the
// words of operations files and without what is the default, and comes back as it was.
func TestStoredOperation(t *testing.T) {
	at := creditledger.At(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	basis, err := creditledger.ParseCostBasis("0.20")
	if err != nil {
		t.Fatal(err)
	}
	pairs := map[string]string{"k": "v"}
	said := map[string]bool{} // fields that an operation below has
	for _, c := range []struct {
		op   creditledger.Operation
		want string
	}{
		{
			creditledger.Increment{
				Amount: creditledger.AmountOf(5), BlockID: "b", Priority: 3, RequirePayment: true, InvoiceID: "v", Description: "d", Metadata: pairs,
			},
			`{"op":"increment","amount":"5","block_id":"b","priority":3,"require_payment":true,"invoice_id":"v","description":"d","metadata":{"k":"v"}}`,
		},
		{
			creditledger.Decrement{
				Amount: creditledger.AmountOf(5), PriceID: "p", InvoiceID: "v", UsageAt: at.Instant(), Description: "d", Metadata: pairs,
			},
			`{"op":"decrement","amount":"5","invoice_id":"v","price_id":"p","usage_at":"2026-03-01T00:00:00Z","description":"d","metadata":{"k":"v"}}`,
		},
		{
			creditledger.ExpirationChange{Amount: creditledger.AmountOf(5), NewBlockID: "n", Description: "d", Metadata: pairs},
			`{"op":"expiration_change","amount":"5","new_block_id":"n","description":"d","metadata":{"k":"v"}}`,
		},
		{creditledger.Void{Description: "d", Metadata: pairs}, `{"op":"void","description":"d","metadata":{"k":"v"}}`},
		{creditledger.Amendment{Description: "d", Metadata: pairs}, `{"op":"amendment","description":"d","metadata":{"k":"v"}}`},
		{creditledger.Activation{Description: "d", Metadata: pairs}, `{"op":"activate","description":"d","metadata":{"k":"v"}}`},
		{
			creditledger.Increment{
				Amount: creditledger.AmountOf(5), ExpiresAt: creditledger.Never(), EffectiveAt: at, CostBasis: basis,
				Source: creditledger.SourceTopUp, Repay: creditledger.RepayNever,
				Filters: []creditledger.Filter{{Field: creditledger.FilterFieldPrice, Operator: creditledger.FilterExcludes, Values: []string{"x"}}},
			},
			`{"op":"increment","amount":"5","effective_date":"2026-03-01T00:00:00Z","expiry_date":"never","per_unit_cost_basis":"0.20",` +
				`"filters":[{"field":"price_id","operator":"excludes","values":["x"]}],"source":"top_up","repay":"never"}`,
		},
		{creditledger.Increment{Amount: creditledger.AmountOf(5)}, `{"op":"increment","amount":"5"}`},
		{
			creditledger.Decrement{Amount: creditledger.AmountOf(5), ItemID: "i", Overdraft: creditledger.OverdraftStopAtZero},
			`{"op":"decrement","amount":"5","item_id":"i","overdraft":"stop_at_zero"}`,
		},
		{
			creditledger.Decrement{Amount: creditledger.AmountOf(5), OverdraftLimit: creditledger.OverdraftLimitOf(creditledger.AmountOf(0))},
			`{"op":"decrement","amount":"5","overdraft_limit":"0"}`,
		},
		{
			creditledger.ExpirationChange{BlockID: "b", ExpiresAt: creditledger.Never(), Target: at},
			`{"op":"expiration_change","block_id":"b","expiry_date":"never","target_expiry_date":"2026-03-01T00:00:00Z"}`,
		},
		{creditledger.Void{BlockID: "b", Amount: creditledger.AmountOf(1), Reason: "refund"}, `{"op":"void","amount":"1","block_id":"b","void_reason":"refund"}`},
		{creditledger.Void{BlockID: "b", Amount: creditledger.AmountOf(1), Lapsed: true}, `{"op":"void","amount":"1","block_id":"b","lapsed":true}`},
		{creditledger.Amendment{BlockID: "b", Amount: creditledger.AmountOf(1)}, `{"op":"amendment","amount":"1","block_id":"b"}`},
		{creditledger.Activation{BlockID: "b"}, `{"op":"activate","block_id":"b"}`},
	} {
		text, err := json.Marshal(operationOf(c.op))
		if err != nil || string(text) != c.want {
			t.Errorf("stored as %s %v\nand not as %s", text, err, c.want)
		}
		var stored operation
		if err := json.Unmarshal(text, &stored); err != nil {
			t.Fatal(err)
		}
		if back, err := stored.operation(); err != nil || !reflect.DeepEqual(back, c.op) {
			t.Errorf("%s comes back as\n%#v %v, and not as\n%#v", text, back, err, c.op)
		}
		eachField(c.op, func(name string, set bool) { said[name] = said[name] || set })
	}
	for name, set := range said {
		if !set {
			t.Errorf("no operation here has %s: is it stored?", name)
		}
	}
}

// eachField tells the fields of an operation, and which are set.
func eachField(op creditledger.Operation, tell func(name string, set bool)) {
	v := reflect.ValueOf(op)
	for i := range v.NumField() {
		if !v.Type().Field(i).IsExported() { // of records of earlier formats
			continue
		}
		tell(v.Type().Name()+"."+v.Type().Field(i).Name, !v.Field(i).IsZero())
	}
}

// TestStoredOperationRefuses: no choice that has no name is taken for the default.
func TestStoredOperationRefuses(t *testing.T) {
	for _, op := range []creditledger.Operation{
		creditledger.Increment{Source: 9}, creditledger.Increment{Repay: 9}, creditledger.Decrement{Overdraft: 9},
		creditledger.Increment{Filters: []creditledger.Filter{{Field: 9}}}, creditledger.Increment{Filters: []creditledger.Filter{{Operator: 9}}},
	} {
		stored := operationOf(op)
		if back, err := stored.operation(); err == nil {
			t.Errorf("%#v comes back as %#v", op, back)
		}
	}
}
