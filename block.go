package creditledger

import (
	"cmp"
	"slices"
)

// AccountID names one ledger: a customer and a currency. Accounts never affect one
// another. An empty Currency means DefaultCurrency; currencies are case-sensitive.
type AccountID struct {
	Customer string
	Currency string
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

// BlockStatus tells whether the credits of a block may be used at all.
type BlockStatus uint8

// The statuses of a block.
const (
	Active         BlockStatus = iota // may be drawn while effective and not expired
	PendingPayment                    // waits for its invoice to be paid
)

// String returns the name used in operations files.
func (s BlockStatus) String() string { return name(blockStatusNames, s) }

// MarshalText gives the name.
func (s BlockStatus) MarshalText() ([]byte, error) {
	return marshalName(blockStatusNames, Active, "status", s)
}

// UnmarshalText reads what MarshalText writes.
func (s *BlockStatus) UnmarshalText(text []byte) error {
	return unmarshalName(s, blockStatusNames, Active, "status", text)
}

// Source tells where a block came from.
type Source uint8

// The sources of a block.
const (
	Manual Source = iota
	Allocation
	TopUp
	Commitment
)

// String returns the name used in operations files.
func (s Source) String() string { return name(sourceNames, s) }

// ParseSource reads a source by its name.
func ParseSource(text string) (Source, error) {
	return parseName(sourceNames, Source(0), "source", text)
}

// MarshalText gives the name.
func (s Source) MarshalText() ([]byte, error) { return marshalName(sourceNames, Manual, "source", s) }

// UnmarshalText reads what MarshalText writes.
func (s *Source) UnmarshalText(text []byte) error {
	return unmarshalName(s, sourceNames, Manual, "source", text)
}

var (
	blockStatusNames = []string{"active", "pending_payment"}
	sourceNames      = []string{"manual", "allocation", "top_up", "commitment"}
)

// Block is an amount of credits granted together. Amounts are in credits of the
// account's currency, instants in UTC. A Block that the ledger returns is the
// caller's own; its Filters and Metadata must not be changed.
// Rule: docs/semantics.md, "Blocks".
type Block struct {
	ID          string
	Number      uint64 // creation sequence, dense within the account, from 1
	CreatedAt   Instant
	EffectiveAt Instant
	ExpiresAt   Instant // none: never
	ActivatedAt Instant // when it became active; none while PendingPayment
	Initial     Amount  // maximum initial balance; meaningless when Overdraft
	Balance     Amount
	Capacity    Amount // Initial less everything voided and transferred out; meaningless when Overdraft
	CostBasis   CostBasis
	Priority    int32 // smaller is drawn first
	Status      BlockStatus
	Source      Source
	Overdraft   bool // made by a decrement to hold a debt; it has no initial amount
	Filters     []Filter
	InvoiceID   string
	ParentID    string // the block an expiration change took its credits from
	Metadata    map[string]string
}

// Eligible reports whether b may be drawn at t.
func (b *Block) Eligible(t Instant) bool { return eligibleAt(b.Status, b.EffectiveAt, b.ExpiresAt, t) }

func eligibleAt(status BlockStatus, effective, expires, t Instant) bool {
	return status == Active && effective <= t && !expiredAt(expires, t)
}

// Expired reports whether b is gone at t: expiry is exclusive.
func (b *Block) Expired(t Instant) bool { return expiredAt(b.ExpiresAt, t) }

func expiredAt(expires, t Instant) bool { return expires != 0 && expires <= t }

// Matches reports whether every filter of b lets the charge through.
func (b *Block) Matches(c Charge) bool { return matches(b.Filters, c) }

// OrderPolicy names the drawdown order in force; it stands in every journal record,
// so that old entries stay explainable when another order is added.
const OrderPolicy = "orb/1"

// DrawdownOrder compares two blocks of one account by the policy orb/1: who pays
// first is the smaller. Priority ascending, filtered before unfiltered, expiry
// ascending with never last, cost basis ascending with none as 0, creation.
// Rule: docs/semantics.md, "Drawdown order".
func DrawdownOrder(a, b *Block) int {
	x, y := a.ordered(), b.ordered()
	return drawdownOrder(&x, &y)
}

// someFilter stands for the filters of any block that has some.
var someFilter = rare{Filters: make([]Filter, 1)}

// ordered is what drawdownOrder looks at of b. It costs no memory: lists are long.
func (b *Block) ordered() block {
	o := block{Number: b.Number, Priority: b.Priority, ExpiresAt: b.ExpiresAt, CostBasis: b.CostBasis, rare: &nothingRare}
	if len(b.Filters) > 0 {
		o.rare = &someFilter
	}
	return o
}

// FilterField is what a filter looks at.
type FilterField uint8

// The fields of a charge that a filter may look at. Grants accept FieldItem only.
const (
	FieldItem FilterField = iota
	FieldPrice
	FieldPriceType
	FieldCurrency
	FieldPricingUnit
)

// String returns the name used in operations files.
func (f FilterField) String() string { return name(filterFieldNames, f) }

// ParseFilterField reads a field by its name.
func ParseFilterField(text string) (FilterField, error) {
	return parseName(filterFieldNames, FilterField(0), "filters", text)
}

// MarshalText gives the name.
func (f FilterField) MarshalText() ([]byte, error) {
	return marshalName(filterFieldNames, FieldItem, "filters", f)
}

// UnmarshalText reads what MarshalText writes.
func (f *FilterField) UnmarshalText(text []byte) error {
	return unmarshalName(f, filterFieldNames, FieldItem, "filters", text)
}

// FilterOperator says whether the listed values are let through or kept out.
type FilterOperator uint8

// The operators of a filter.
const (
	Includes FilterOperator = iota
	Excludes
)

// String returns the name used in operations files.
func (o FilterOperator) String() string { return name(filterOperatorNames, o) }

// ParseFilterOperator reads an operator by its name.
func ParseFilterOperator(text string) (FilterOperator, error) {
	return parseName(filterOperatorNames, FilterOperator(0), "filters", text)
}

// MarshalText gives the name.
func (o FilterOperator) MarshalText() ([]byte, error) {
	return marshalName(filterOperatorNames, Includes, "filters", o)
}

// UnmarshalText reads what MarshalText writes.
func (o *FilterOperator) UnmarshalText(text []byte) error {
	return unmarshalName(o, filterOperatorNames, Includes, "filters", text)
}

var (
	filterFieldNames    = []string{"item_id", "price_id", "price_type", "currency", "pricing_unit_id"}
	filterOperatorNames = []string{"includes", "excludes"}
)

// Filter restricts what the credits of a block may pay for. Several filters of a
// block must all let a charge through.
type Filter struct {
	Field    FilterField    `json:"field"`
	Operator FilterOperator `json:"operator"`
	Values   []string       `json:"values"` // not empty
}

// Charge is what a decrement pays for, as filters see it. An empty field is absent:
// it matches no Includes and every Excludes.
type Charge struct {
	ItemID, PriceID, PriceType, Currency, PricingUnitID string
}

func (c Charge) field(f FilterField) string {
	switch f {
	case FieldItem:
		return c.ItemID
	case FieldPrice:
		return c.PriceID
	case FieldPriceType:
		return c.PriceType
	case FieldCurrency:
		return c.Currency
	default:
		return c.PricingUnitID
	}
}

func matches(filters []Filter, c Charge) bool {
	for _, f := range filters {
		value := c.field(f.Field)
		listed := value != "" && slices.Contains(f.Values, value)
		if listed != (f.Operator == Includes) {
			return false
		}
	}
	return true
}

func sameFilters(a, b []Filter) bool {
	return slices.EqualFunc(a, b, func(x, y Filter) bool {
		return x.Field == y.Field && x.Operator == y.Operator && slices.Equal(x.Values, y.Values)
	})
}
