package creditledger

import "slices"

// FilterField is what a filter looks at.
type FilterField uint8

// The fields of a charge that a filter may look at. Grants accept FilterFieldItem only.
const (
	FilterFieldItem FilterField = iota
	FilterFieldPrice
	FilterFieldPriceType
	FilterFieldCurrency
	FilterFieldPricingUnit
)

// String returns the name used in operations files.
func (f FilterField) String() string { return name(filterFieldNames, f) }

// ParseFilterField reads a field by its name.
func ParseFilterField(text string) (FilterField, error) {
	return parseName(filterFieldNames, FilterField(0), "filters", text)
}

// MarshalText gives the name.
func (f FilterField) MarshalText() ([]byte, error) {
	return marshalName(filterFieldNames, FilterFieldItem, "filters", f)
}

// UnmarshalText reads what MarshalText writes.
func (f *FilterField) UnmarshalText(text []byte) error {
	return unmarshalName(f, filterFieldNames, FilterFieldItem, "filters", text)
}

// FilterOperator says whether the listed values are let through or kept out.
type FilterOperator uint8

// The operators of a filter.
const (
	FilterIncludes FilterOperator = iota
	FilterExcludes
)

// String returns the name used in operations files.
func (o FilterOperator) String() string { return name(filterOperatorNames, o) }

// ParseFilterOperator reads an operator by its name.
func ParseFilterOperator(text string) (FilterOperator, error) {
	return parseName(filterOperatorNames, FilterOperator(0), "filters", text)
}

// MarshalText gives the name.
func (o FilterOperator) MarshalText() ([]byte, error) {
	return marshalName(filterOperatorNames, FilterIncludes, "filters", o)
}

// UnmarshalText reads what MarshalText writes.
func (o *FilterOperator) UnmarshalText(text []byte) error {
	return unmarshalName(o, filterOperatorNames, FilterIncludes, "filters", text)
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
// FilterIncludes keeps it out and FilterExcludes lets it through.
type Charge struct {
	ItemID, PriceID, PriceType, Currency, PricingUnitID string
}

func (c Charge) field(f FilterField) string {
	switch f {
	case FilterFieldItem:
		return c.ItemID
	case FilterFieldPrice:
		return c.PriceID
	case FilterFieldPriceType:
		return c.PriceType
	case FilterFieldCurrency:
		return c.Currency
	default:
		return c.PricingUnitID
	}
}

func matches(filters []Filter, c Charge) bool {
	for _, f := range filters {
		value := c.field(f.Field)
		listed := value != "" && slices.Contains(f.Values, value)
		if listed != (f.Operator == FilterIncludes) {
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

func checkFilters(filters []Filter) error {
	if len(filters) > MaxFilters {
		return invalid("filters", "has %d filters, more than %d", len(filters), MaxFilters)
	}
	values := 0
	for _, f := range filters {
		if f.Field != FilterFieldItem {
			return invalid("filters", "field %s is not item_id, the one field that grants may filter by", f.Field)
		}
		if int(f.Operator) >= len(filterOperatorNames) {
			return invalid("filters", "operator %s is not known", f.Operator)
		}
		if len(f.Values) == 0 {
			return invalid("filters", "a filter has no values")
		}
		if values += len(f.Values); values > MaxFilterValues {
			return invalid("filters", "has more than %d values", MaxFilterValues)
		}
		for _, v := range f.Values {
			if err := checkID("filters", v); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkCharge refuses what no decrement could ask for.
func checkCharge(c Charge) error {
	return firstError(
		checkOptionalID("item_id", c.ItemID),
		checkOptionalID("price_id", c.PriceID),
		checkOptionalID("price_type", c.PriceType),
		checkOptionalID("pricing_unit_id", c.PricingUnitID),
	)
}
