package invoice

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"creditledger"
)

// TestStoredOperation: what earlier releases stored of an operation is read as that operation,
// and is the same request as what is stored of it now.
func TestStoredOperation(t *testing.T) {
	at := creditledger.At(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	basis := creditledger.MustCostBasis("0.20")
	pairs := map[string]string{"k": "v"}
	for _, c := range []struct {
		op  creditledger.Operation
		was string // stored
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
			creditledger.ExpirationChange{BlockID: "b", ExpiresAt: at, Target: creditledger.Never(), Amount: creditledger.AmountOf(5), NewBlockID: "n", Description: "d", Metadata: pairs},
			`{"op":"expiration_change","amount":"5","block_id":"b","expiry_date":"2026-03-01T00:00:00Z","target_expiry_date":"never","new_block_id":"n","description":"d","metadata":{"k":"v"}}`,
		},
		{creditledger.Activation{BlockID: "b", Description: "d", Metadata: pairs}, `{"op":"activate","block_id":"b","description":"d","metadata":{"k":"v"}}`},
		{
			creditledger.Increment{
				Amount: creditledger.AmountOf(5), ExpiresAt: creditledger.Never(), EffectiveAt: at, CostBasis: basis,
				Source: creditledger.SourceTopUp, Repay: creditledger.RepayNever,
				Filters: []creditledger.Filter{{Field: creditledger.FilterFieldItem, Operator: creditledger.FilterExcludes, Values: []string{"x"}}},
			},
			`{"op":"increment","amount":"5","effective_date":"2026-03-01T00:00:00Z","expiry_date":"never","per_unit_cost_basis":"0.20",` +
				`"filters":[{"field":"item_id","operator":"excludes","values":["x"]}],"source":"top_up","repay":"never"}`,
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
			creditledger.ExpirationChange{BlockID: "b", Target: at},
			`{"op":"expiration_change","block_id":"b","target_expiry_date":"2026-03-01T00:00:00Z"}`,
		},
		{creditledger.Void{BlockID: "b", Amount: creditledger.AmountOf(1), Reason: "refund"}, `{"op":"void","amount":"1","block_id":"b","void_reason":"refund"}`},
		{creditledger.Void{BlockID: "b", Amount: creditledger.AmountOf(1), Lapsed: true}, `{"op":"void","amount":"1","block_id":"b","lapsed":true}`},
		{creditledger.Amendment{BlockID: "b", Amount: creditledger.AmountOf(1)}, `{"op":"amendment","amount":"1","block_id":"b"}`},
		{creditledger.Activation{BlockID: "b"}, `{"op":"activate","block_id":"b"}`},
	} {
		var back operation
		if err := strict([]byte(c.was), &back); err != nil || back.refused != nil || !reflect.DeepEqual(back.op, c.op) {
			t.Errorf("%s is read as\n%#v %v %v, and not as\n%#v", c.was, back.op, err, back.refused, c.op)
			continue
		}
		text, err := json.Marshal(operation{op: back.op})
		if err != nil || differs([]byte(c.was), text) != "" {
			t.Errorf("%s is stored as %s, %v: another request by its %s", c.was, text, err, differs([]byte(c.was), text))
		}
		if again, err := json.Marshal(back); err != nil || string(again) != c.was {
			t.Errorf("%s is stored again as %s, %v", c.was, again, err)
		}
	}
}

// TestStoredUsageBefore: what earlier releases stored of usage before an instant is usage a
// microsecond before it.
func TestStoredUsageBefore(t *testing.T) {
	var back operation
	if err := strict([]byte(`{"op":"decrement","amount":"5","eligible_before":"2026-03-01T00:00:00Z"}`), &back); err != nil || back.refused != nil {
		t.Fatal(err, back.refused)
	}
	if at := back.op.(creditledger.Decrement).UsageAt; at.String() != "2026-02-28T23:59:59.999999Z" {
		t.Errorf("the usage was at %s", at)
	}
}

// TestStoredOperationRefused: an operation that earlier releases stored without a look, and
// that the ledger would not take, is no damage. It is refused when it is to be applied.
func TestStoredOperationRefused(t *testing.T) {
	for _, was := range []string{
		`{"op":"void","description":"d"}`, `{"op":"increment","amount":"5","source":"source(9)"}`, `{"op":"gift"}`,
		`{"op":"decrement","amount":"5","eligible_before":"soon"}`, `{"op":"decrement","amount":"5","eligible_after":"2026-03-01T00:00:00Z"}`,
	} {
		var st steps
		if err := strict([]byte(`{"operations":[`+was+`]}`), &st); err != nil {
			t.Fatalf("%s: %v", was, err)
		}
		if again, err := json.Marshal(st.Operations[0]); err != nil || string(again) != was {
			t.Errorf("%s is stored again as %s, %v", was, again, err)
		}
		if err := new(tx).operate(&Change{Steps: st}, new(Effects)); !errors.Is(err, creditledger.ErrInvalid) {
			t.Errorf("%s: applied with %v", was, err)
		}
	}
}

// TestPendingOperationRefuses: nothing is put on record that the ledger would never take, or
// that would be read as something else.
func TestPendingOperationRefuses(t *testing.T) {
	five := creditledger.AmountOf(5)
	for _, c := range []struct {
		op    creditledger.Operation
		field string
	}{
		{creditledger.Increment{Amount: five, Source: 9}, "source"}, {creditledger.Increment{Amount: five, Repay: 9}, "repay"},
		{creditledger.Decrement{Amount: five, Overdraft: 9}, "overdraft"}, {creditledger.Decrement{}, "amount"},
		{creditledger.Increment{Amount: five, Filters: []creditledger.Filter{{Field: 9, Values: []string{"x"}}}}, "filters"},
		{creditledger.Reverse{Charge: "k"}, "operations"}, {creditledger.Batch{}, "operations"}, {nil, "operations"},
	} {
		var invalid *creditledger.InvalidError
		if err := canBePending(c.op); !errors.As(err, &invalid) || invalid.Field != c.field || strings.Contains(err.Error(), "json") {
			t.Errorf("%#v: %v, want an error of %s", c.op, err, c.field)
		}
	}
}
