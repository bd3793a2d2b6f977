package creditledger

import "encoding/json"

type customerObject struct {
	ID         string            `json:"id"`
	ExternalID *string           `json:"external_customer_id"`
	Name       *string           `json:"name"`
	Email      *string           `json:"email"`
	Timezone   *string           `json:"timezone"`
	Currency   *string           `json:"currency"`
	Metadata   map[string]string `json:"metadata"`
	CreatedAt  *Instant          `json:"created_at"`
	DeletedAt  *Instant          `json:"deleted_at"`
	Address    *string           `json:"billing_address"`
	TaxID      *string           `json:"tax_id"`
}

// MarshalJSON writes the customer with the keys of operations files, and when it was made
// and deleted.
func (c Customer) MarshalJSON() ([]byte, error) {
	return plainJSON(customerObject{
		c.ID, optional(c.ExternalID), optional(c.Name), optional(c.Email), optional(c.Timezone), optional(c.Currency), listed(c.Metadata),
		optional(c.CreatedAt), optional(c.DeletedAt), optional(c.BillingAddress), optional(c.TaxID),
	})
}

// UnmarshalJSON reads what MarshalJSON writes. On an error c stays as it was.
func (c *Customer) UnmarshalJSON(data []byte) error {
	var o customerObject
	if err := json.Unmarshal(data, &o); err != nil {
		return badJSON("customer", err)
	}
	*c = Customer{
		o.ID, orZero(o.ExternalID), orZero(o.Name), orZero(o.Email), orZero(o.Timezone), orZero(o.Currency), unlisted(o.Metadata),
		orZero(o.CreatedAt), orZero(o.DeletedAt), orZero(o.Address), orZero(o.TaxID),
	}
	return nil
}
