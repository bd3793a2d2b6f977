package creditledger

import "cmp"

// AccountID names one ledger: a customer and a currency. Accounts never affect one
// another. An empty Currency means DefaultCurrency; currencies are case-sensitive.
type AccountID struct {
	Customer string `json:"customer_id"`
	Currency string `json:"currency"`
}

// DefaultCurrency is the pricing unit of an account whose currency is not named.
const DefaultCurrency = "credits"

// String returns customer/currency, quoted where a name holds anything unusual.
func (id AccountID) String() string {
	return plainOrQuoted(id.Customer) + "/" + plainOrQuoted(id.Currency)
}

// Compare orders accounts by customer, then currency, as bytes.
func (id AccountID) Compare(o AccountID) int {
	return cmp.Or(cmp.Compare(id.Customer, o.Customer), cmp.Compare(id.Currency, o.Currency))
}

// normal fills in the default currency.
func (id AccountID) normal() AccountID {
	if id.Currency == "" {
		id.Currency = DefaultCurrency
	}
	return id
}

func checkAccount(id AccountID) error {
	return firstError(checkID("customer_id", id.Customer), checkID("currency", id.Currency))
}
