package creditledger

import "creditledger/internal/iso4217"

// IsISOCurrency reports whether a currency is a real one: an active code of ISO 4217,
// upper case. Any other currency is a pricing unit. A customer may be invoiced in a real
// one only; amounts and minor units are package invoice's.
func IsISOCurrency(code string) bool { return iso4217.IsActive(code) }

// IsInvoicingCurrency reports whether invoices can be written in a real currency: metals,
// funds and codes for tests have no minor unit.
func IsInvoicingCurrency(code string) bool {
	return IsISOCurrency(code) && iso4217.HasMinorUnit(code)
}
