package creditledger_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
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

// TestSecurityNamesTests: every test that SECURITY.md leans on is there.
func TestSecurityNamesTests(t *testing.T) {
	page, err := os.ReadFile("SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	var sources strings.Builder
	for _, dir := range []string{".", "opsfile", "cmd/creditledger", "store/bolt", "store/postgres", "fuzz/field", "fuzz/crash"} {
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(dir, err)
		}
		for _, name := range files {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			sources.Write(data)
		}
	}
	names := regexp.MustCompile("`(Test\\w+)`").FindAllSubmatch(page, -1)
	for _, name := range names {
		if !strings.Contains(sources.String(), "func "+string(name[1])+"(t ") {
			t.Errorf("there is no %s", name[1])
		}
	}
	if len(names) < 30 {
		t.Errorf("%d tests are named", len(names))
	}
}
