package creditledger_test

import (
	"errors"
	"slices"
	"testing"

	"creditledger"
)

// TestChargeIsChecked: a charge that no decrement could ask for is refused by the
// reads that take one, as by the decrement.
func TestChargeIsChecked(t *testing.T) {
	w := newWorld(t)
	for _, bad := range slices.Concat(longTexts, brokenTexts) {
		for field, c := range map[string]creditledger.Charge{
			"item_id": {ItemID: bad}, "price_id": {PriceID: bad}, "price_type": {PriceType: bad}, "pricing_unit_id": {PricingUnitID: bad},
		} {
			for _, err := range []error{
				errOf(w.Balance(ctx, cus1, creditledger.BalanceQuery{Charge: c})),
				errOf(w.Balance(ctx, cus1, creditledger.BalanceQuery{Charge: c, At: instant("2026-01-01")})),
				errOf(w.Explain(ctx, cus1, amount("1"), c)),
			} {
				var invalid *creditledger.InvalidError
				if !errors.As(err, &invalid) || invalid.Field != field {
					t.Errorf("%s %s: %v", field, shown(bad), err)
				}
			}
		}
	}
}
