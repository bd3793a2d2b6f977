package invoice

import (
	"creditledger"

	"github.com/cockroachdb/apd/v3"
)

// Tier is one step of a tiered price.
type Tier struct {
	// UpTo is the last quantity of the tier, inclusive; zero in the last tier: no end.
	UpTo      creditledger.Amount    `json:"up_to"`
	UnitPrice creditledger.CostBasis `json:"unit_price"`
}

// TierMode says how tiers are read.
type TierMode string

// The modes of tiers.
const (
	Graduated TierMode = "graduated" // each unit costs what the tier it falls in says
	Volume    TierMode = "volume"    // all units cost what the tier of the whole quantity says
)

// AdjustmentKind is what an adjustment does.
type AdjustmentKind string

// The adjustments, in the order in which they are applied, whatever order they are
// given in; those of one kind apply in the order given, a line's own before those
// spread over the invoice.
const (
	UsageDiscount      AdjustmentKind = "usage_discount"      // so many units are free
	AmountDiscount     AdjustmentKind = "amount_discount"     // so much less, never below 0
	PercentageDiscount AdjustmentKind = "percentage_discount" // so many percent less, 0 to 100
	Minimum            AdjustmentKind = "minimum"             // at least so much
	Maximum            AdjustmentKind = "maximum"             // at most so much
)

var adjustmentOrder = []AdjustmentKind{UsageDiscount, AmountDiscount, PercentageDiscount, Minimum, Maximum}

// Adjustment changes what a line, or an invoice as a whole, costs.
type Adjustment struct {
	Kind   AdjustmentKind      `json:"kind"`
	Value  creditledger.Amount `json:"value"` // units, an amount in the price's currency, or percent
	Reason string              `json:"reason,omitempty"`
}

// LineInput is what a line is made from. Exactly one of UnitPrice and Tiers is given.
type LineInput struct {
	// ID names the line within its invoice. A draft gives lines without one their position
	// as their id, or the next number that is free.
	ID          string                 `json:"id,omitempty"`
	ItemID      string                 `json:"item_id"`
	PriceID     string                 `json:"price_id,omitempty"`
	Description string                 `json:"description,omitempty"`
	Quantity    creditledger.Amount    `json:"quantity"`   // ≥ 0
	UnitPrice   creditledger.CostBasis `json:"unit_price"` // per unit, in the currency or pricing unit
	Tiers       []Tier                 `json:"tiers,omitempty"`
	TierMode    TierMode               `json:"tier_mode,omitempty"`
	Adjustments []Adjustment           `json:"adjustments,omitempty"`
	// InAdvance lines are billed before they are used and draw no prepaid credits.
	InAdvance bool `json:"in_advance,omitempty"`
	// UsageFrom and UsageTo say in which part of the period the usage was, from the first to
	// before the second; by default all of it.
	UsageFrom creditledger.When `json:"usage_from,omitzero"`
	UsageTo   creditledger.When `json:"usage_to,omitzero"`
	// TaxPercent is the rate of the line's tax; nil: the seller's.
	TaxPercent *creditledger.Amount `json:"tax_percent,omitempty"`
}

// Applied is what one adjustment did to one line.
type Applied struct {
	Kind   AdjustmentKind `json:"kind"`
	Reason string         `json:"reason,omitempty"`
	Spread bool           `json:"spread,omitempty"` // a part of an adjustment of the whole invoice
	// Amount is what the line became cheaper by, exactly, in whole units of the
	// price's currency; negative when a minimum made it dearer.
	Amount string `json:"amount"`
}

// Line is a line of an invoice. Its money is in whole minor units, and over all lines
// it adds up to the totals of the invoice.
type Line struct {
	ID          string                 `json:"id,omitempty"`
	ItemID      string                 `json:"item_id"`
	PriceID     string                 `json:"price_id,omitempty"`
	Description string                 `json:"description,omitempty"`
	Quantity    creditledger.Amount    `json:"quantity"`
	UnitPrice   creditledger.CostBasis `json:"unit_price"`
	Tiers       []Tier                 `json:"tiers,omitempty"`
	TierMode    TierMode               `json:"tier_mode,omitempty"`
	InAdvance   bool                   `json:"in_advance,omitempty"`
	UsageFrom   creditledger.Instant   `json:"usage_from,omitzero"` // where the usage was in a part of the period
	UsageTo     creditledger.Instant   `json:"usage_to,omitzero"`

	Subtotal    Money     `json:"subtotal"`
	Adjustments []Applied `json:"adjustments,omitempty"`
	Discount    Money     `json:"discount"`        // by all adjustments; negative when a minimum made the line dearer
	Credits     Money     `json:"credits_applied"` // what prepaid credits paid
	Net         Money     `json:"net"`             // subtotal − discount − credits; see CreditsPay and PricesIncludeTax of Invoice
	Tax         *Money    `json:"tax,omitempty"`   // absent: not known
	Total       Money     `json:"total"`           // net + tax
	// TaxPercent is the rate of the tax where lines have different ones.
	TaxPercent *creditledger.Amount `json:"tax_percent,omitempty"`

	// Drawn is how many credits of the account's currency paid for the line, exactly.
	Drawn creditledger.Amount `json:"credits_drawn"`
}

// priced is a line on its way through the pipeline. Decimals are exact, in the
// currency or pricing unit of the prices.
type priced struct {
	in       LineInput
	quantity *apd.Decimal // what is charged for, after usage discounts
	subtotal *apd.Decimal
	amount   *apd.Decimal // after the adjustments so far
	applied  []Applied
	owed     *apd.Decimal // what credits may pay of it
	drawn    creditledger.Amount
}

const (
	maxLines       = 500
	maxTiers       = 100
	maxAdjustments = 50
	maxReason      = 500
)

// checkLines refuses what cannot be priced.
func checkLines(lines []LineInput, whole []Adjustment) error {
	if len(lines) == 0 || len(lines) > maxLines {
		return invalid("lines", "there are %d lines, not 1 to %d", len(lines), maxLines)
	}
	for i := range lines {
		if err := lines[i].check(); err != nil {
			return err
		}
	}
	return firstError(checkLineIDs(lines), checkAdjustments(whole))
}

// checkLineIDs refuses two lines of one id.
func checkLineIDs(lines []LineInput) error {
	named := map[string]bool{}
	for i := range lines {
		if id := lines[i].ID; id != "" && named[id] {
			return invalid("lines", "there are two lines with the id %q", clip(id))
		}
		named[lines[i].ID] = true
	}
	return nil
}

func (in *LineInput) check() error {
	if err := firstError(checkText("id", in.ID, creditledger.MaxID), checkID("item_id", in.ItemID)); err != nil {
		return err
	}
	if err := checkText("price_id", in.PriceID, creditledger.MaxID); err != nil {
		return err
	}
	if err := checkText("line description", in.Description, creditledger.MaxDescription); err != nil {
		return err
	}
	switch {
	case in.Quantity.Sign() < 0:
		return invalid("quantity", "%s is negative", in.Quantity)
	case in.UnitPrice.IsSet() == (len(in.Tiers) > 0):
		return invalid("unit_price", "give a unit price or tiers, and not both")
	case len(in.Tiers) == 0 && in.TierMode != "":
		return invalid("tier_mode", "goes with tiers only")
	}
	if len(in.Tiers) > 0 {
		if err := checkTiers(in.Tiers, in.TierMode); err != nil {
			return err
		}
	}
	if in.TaxPercent != nil && in.TaxPercent.Sign() < 0 {
		return invalid("tax_percent", "%s is negative", in.TaxPercent)
	}
	return checkAdjustments(in.Adjustments)
}

func checkTiers(tiers []Tier, mode TierMode) error {
	if mode != Graduated && mode != Volume {
		return invalid("tier_mode", "%q is not %s or %s", clip(string(mode)), Graduated, Volume)
	}
	if len(tiers) > maxTiers {
		return invalid("tiers", "there are %d tiers, more than %d", len(tiers), maxTiers)
	}
	var before creditledger.Amount
	for i, t := range tiers {
		last := i == len(tiers)-1
		switch {
		case !t.UnitPrice.IsSet():
			return invalid("tiers", "tier %d has no unit price", i+1)
		case last && t.UpTo.IsZero():
		case last:
			return invalid("tiers", "the last tier ends at %s and leaves what is above without a price", t.UpTo)
		case t.UpTo.Cmp(before) <= 0:
			return invalid("tiers", "tier %d does not end after the one before", i+1)
		}
		before = t.UpTo
	}
	return nil
}

func checkAdjustments(list []Adjustment) error {
	if len(list) > maxAdjustments {
		return invalid("adjustments", "there are %d adjustments, more than %d", len(list), maxAdjustments)
	}
	hundred := creditledger.AmountOf(100)
	for _, a := range list {
		known := false
		for _, k := range adjustmentOrder {
			known = known || k == a.Kind
		}
		switch {
		case !known:
			return invalid("adjustments", "%q is not a kind of adjustment", clip(string(a.Kind)))
		case a.Value.Sign() < 0:
			return invalid("adjustments", "%s of %s is negative", a.Kind, a.Value)
		case a.Kind == PercentageDiscount && a.Value.Cmp(hundred) > 0:
			return invalid("adjustments", "a discount of %s percent is more than the whole", a.Value)
		}
		if err := checkText("reason", a.Reason, maxReason); err != nil {
			return err
		}
	}
	return nil
}

// cost is the exact price of a quantity.
func (in *LineInput) cost(quantity *apd.Decimal) (*apd.Decimal, error) {
	sum := new(apd.Decimal)
	if len(in.Tiers) == 0 {
		_, err := exact.Mul(sum, quantity, decimalOf(in.UnitPrice.Amount()))
		return sum, err
	}
	before := new(apd.Decimal)
	for _, t := range in.Tiers {
		end := decimalOf(t.UpTo)
		open := t.UpTo.IsZero()
		part := new(apd.Decimal)
		switch {
		case in.TierMode == Volume && (open || quantity.Cmp(end) <= 0):
			part.Set(quantity)
		case in.TierMode == Volume:
			continue
		case open || quantity.Cmp(end) <= 0:
			if _, err := exact.Sub(part, quantity, before); err != nil {
				return nil, err
			}
		default:
			if _, err := exact.Sub(part, end, before); err != nil {
				return nil, err
			}
		}
		if _, err := exact.Mul(part, part, decimalOf(t.UnitPrice.Amount())); err != nil {
			return nil, err
		}
		if _, err := exact.Add(sum, sum, part); err != nil {
			return nil, err
		}
		if in.TierMode == Volume || open || quantity.Cmp(end) <= 0 {
			break
		}
		before = end
	}
	return sum, nil
}
