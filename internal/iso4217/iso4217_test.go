package iso4217

import (
	"slices"
	"strings"
	"testing"
)

// TestIsActive: what is listed, once each, and nothing that only resembles it.
func TestIsActive(t *testing.T) {
	for _, code := range []string{"USD", "EUR", "JPY", "AED", "ZWG", "XXX", "XCG", "XAD", "SLE", "VED", "CUP"} {
		if !IsActive(code) {
			t.Errorf("%s is no currency", code)
		}
	}
	for _, code := range []string{"", "usd", "Usd", "US", "USDT", "credits", "D E", " US", "ABC", "BT ", "ÉUR", "U D", "  ", "ANG", "BGN", "CUC", "HRK", "SLL", "ZWL", "VEF", "EEK", "LTL"} {
		if IsActive(code) {
			t.Errorf("%q is a currency", code)
		}
	}
	codes := strings.Fields(active)
	slices.Sort(codes)
	if len(slices.Compact(slices.Clone(codes))) != len(codes) {
		t.Error("a code is listed twice")
	}
	for _, code := range codes {
		if len(code) != 3 || strings.ToUpper(code) != code || !IsActive(code) {
			t.Errorf("the list holds %q", code)
		}
	}
}

// TestHasMinorUnit: metals, funds and codes for tests have none; all that have none are
// currencies.
func TestHasMinorUnit(t *testing.T) {
	for _, code := range []string{"USD", "JPY", "CLF", "XAF"} {
		if !HasMinorUnit(code) {
			t.Errorf("%s has no minor unit", code)
		}
	}
	for _, code := range strings.Fields(noMinorUnit) {
		if !IsActive(code) || HasMinorUnit(code) {
			t.Errorf("%s has a minor unit, or is none", code)
		}
	}
}
