package opsfile_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"creditledger"
	"creditledger/opsfile"
)

// TestOperationsInJSONAreLines: what an operation writes of itself is a line, but for
// the account, and reads as the same operation.
func TestOperationsInJSONAreLines(t *testing.T) {
	date := creditledger.On(creditledger.DateOf(2041, 1, 1))
	at := must(creditledger.ParseInstant("2040-01-01T00:00:00.000001Z"))
	pairs := map[string]string{"k": "v", "empty": ""}
	amount := creditledger.MustAmount("12.5")
	for _, op := range []creditledger.Operation{
		creditledger.Increment{
			Amount: amount, BlockID: "b", EffectiveAt: creditledger.AtInstant(at), ExpiresAt: date, CostBasis: creditledger.MustCostBasis("0.20"), Priority: -1,
			Filters: []creditledger.Filter{{Field: creditledger.FilterFieldItem, Operator: creditledger.FilterExcludes, Values: []string{"a", "b"}}},
			Source:  creditledger.SourceTopUp, RequirePayment: true, Repay: creditledger.RepayNever, Description: "d\n", Metadata: pairs,
		},
		creditledger.Decrement{Amount: amount, ItemID: "i", PriceID: "p", InvoiceID: "n", OverdraftLimit: creditledger.OverdraftLimitOf(amount), Description: "d", Metadata: pairs},
		creditledger.Decrement{Amount: amount, Overdraft: creditledger.OverdraftStopAtZero, UsageAt: at},
		creditledger.ExpirationChange{BlockID: "b", ExpiresAt: date, Target: creditledger.Never(), Amount: amount, NewBlockID: "n", Description: "d", Metadata: pairs},
		creditledger.ExpirationChange{ExpiresAt: date, Target: creditledger.AtInstant(at)},
		creditledger.Void{BlockID: "b", Amount: amount, Reason: creditledger.VoidRefund, Description: "d", Metadata: pairs},
		creditledger.Amendment{BlockID: "b", Amount: amount, Description: "d", Metadata: pairs},
		creditledger.Activation{BlockID: "b", Description: "d", Metadata: pairs},
		creditledger.Batch{creditledger.Activation{BlockID: "b"}, creditledger.Decrement{Amount: amount}},
	} {
		data, err := json.Marshal(op)
		if err != nil {
			t.Errorf("%+v: %v", op, err)
			continue
		}
		line := strings.Replace(string(data), "{", `{"customer_id":"c",`, 1)
		request, err := opsfile.Parse([]byte(line))
		if err != nil || !reflect.DeepEqual(request.Args, any(op)) {
			t.Errorf("%s\nis the line of %#v, %v", line, request.Args, err)
		}
	}
}
