package creditledger

import (
	"maps"
)

// difference names the first field in which two normalised operations differ, in the
// order of docs/operations.md ("op" first, description and metadata last), and is
// empty when they ask for the same: amounts as numbers, instants as instants, dates
// as dates. Rule: docs/semantics.md, "Idempotency".
func difference(a, b Operation) string {
	if a.Name() != b.Name() {
		return "op"
	}
	switch a := a.(type) {
	case Increment:
		return incrementDifference(a, b.(Increment))
	case Decrement:
		return decrementDifference(a, b.(Decrement))
	case ExpirationChange:
		b := b.(ExpirationChange)
		return firstDifference(
			field{"block_id", a.BlockID == b.BlockID},
			field{"expiry_date", a.ExpiresAt.same(b.ExpiresAt)},
			field{"target_expiry_date", a.Target.same(b.Target)},
			field{"amount", a.Amount.Cmp(b.Amount) == 0},
			field{"new_block_id", a.NewBlockID == b.NewBlockID},
			field{"description", a.Description == b.Description},
			field{"metadata", maps.Equal(a.Metadata, b.Metadata)})
	case Void:
		b := b.(Void)
		return firstDifference(
			field{"block_id", a.BlockID == b.BlockID},
			field{"amount", a.Amount.Cmp(b.Amount) == 0},
			field{"void_reason", a.Reason == b.Reason},
			field{"description", a.Description == b.Description},
			field{"metadata", maps.Equal(a.Metadata, b.Metadata)})
	case Amendment:
		b := b.(Amendment)
		return firstDifference(
			field{"block_id", a.BlockID == b.BlockID},
			field{"amount", a.Amount.Cmp(b.Amount) == 0},
			field{"description", a.Description == b.Description},
			field{"metadata", maps.Equal(a.Metadata, b.Metadata)})
	case Activation:
		b := b.(Activation)
		return firstDifference(
			field{"block_id", a.BlockID == b.BlockID},
			field{"description", a.Description == b.Description},
			field{"metadata", maps.Equal(a.Metadata, b.Metadata)})
	case Reverse:
		return reverseDifference(a, b.(Reverse))
	case Schedule:
		return scheduleDifference(a, b.(Schedule))
	case ChangeSchedule:
		return changeScheduleDifference(a, b.(ChangeSchedule))
	case EndSchedule:
		return endScheduleDifference(a, b.(EndSchedule))
	case Hold:
		return holdDifference(a, b.(Hold))
	case ExtendHold:
		return extendHoldDifference(a, b.(ExtendHold))
	case Capture:
		return captureDifference(a, b.(Capture))
	case Release:
		b := b.(Release)
		return firstDifference(
			field{"hold_id", a.HoldID == b.HoldID},
			field{"description", a.Description == b.Description},
			field{"metadata", maps.Equal(a.Metadata, b.Metadata)})
	case send:
		if b, ok := b.(send); ok {
			return sendDifference(a, b)
		}
	case Batch:
		return batchDifference(a, b.(Batch))
	}
	return "op"
}

// sendDifference compares the senders' parts of two transfers from one account.
func sendDifference(a, b send) string {
	return firstDifference(
		field{"to", a.To == b.To},
		field{"amount", a.Amount.Cmp(b.Amount) == 0},
		field{"block_id", a.BlockID == b.BlockID},
		field{"description", a.Description == b.Description},
		field{"metadata", maps.Equal(a.Metadata, b.Metadata)})
}

func incrementDifference(a, b Increment) string {
	return firstDifference(
		field{"amount", a.Amount.Cmp(b.Amount) == 0},
		field{"block_id", a.BlockID == b.BlockID},
		field{"effective_date", a.EffectiveAt.same(b.EffectiveAt)},
		field{"expiry_date", a.ExpiresAt.same(b.ExpiresAt)},
		field{"per_unit_cost_basis", a.CostBasis.same(b.CostBasis)},
		field{"priority", a.Priority == b.Priority},
		field{"filters", sameFilters(a.Filters, b.Filters)},
		field{"source", a.Source == b.Source},
		field{"require_payment", a.RequirePayment == b.RequirePayment},
		field{"repay", a.Repay.same(b.Repay)},
		field{"invoice_id", a.InvoiceID == b.InvoiceID},
		field{"description", a.Description == b.Description},
		field{"metadata", maps.Equal(a.Metadata, b.Metadata)})
}

func decrementDifference(a, b Decrement) string {
	return firstDifference(
		field{"amount", a.Amount.Cmp(b.Amount) == 0},
		field{"item_id", a.ItemID == b.ItemID},
		field{"price_id", a.PriceID == b.PriceID},
		field{"invoice_id", a.InvoiceID == b.InvoiceID},
		field{"overdraft", a.Overdraft.same(b.Overdraft)},
		field{"overdraft_limit", a.OverdraftLimit == b.OverdraftLimit},
		field{"usage_at", a.UsageAt == b.UsageAt && a.eligibleBefore == b.eligibleBefore},
		field{"description", a.Description == b.Description},
		field{"metadata", maps.Equal(a.Metadata, b.Metadata)})
}

func reverseDifference(a, b Reverse) string {
	return firstDifference(
		field{"charge", a.Charge == b.Charge},
		field{"entry", a.Entry == b.Entry},
		field{"amount", a.Amount.Cmp(b.Amount) == 0},
		field{"description", a.Description == b.Description},
		field{"metadata", maps.Equal(a.Metadata, b.Metadata)})
}

func holdDifference(a, b Hold) string {
	return firstDifference(
		field{"hold_id", a.HoldID == b.HoldID},
		field{"amount", a.Amount.Cmp(b.Amount) == 0},
		field{"until", a.Until == b.Until},
		field{"item_id", a.ItemID == b.ItemID},
		field{"price_id", a.PriceID == b.PriceID},
		field{"overdraft", a.Overdraft == b.Overdraft},
		field{"overdraft_limit", a.OverdraftLimit == b.OverdraftLimit},
		field{"description", a.Description == b.Description},
		field{"metadata", maps.Equal(a.Metadata, b.Metadata)})
}

func extendHoldDifference(a, b ExtendHold) string {
	return firstDifference(
		field{"hold_id", a.HoldID == b.HoldID},
		field{"amount", a.Amount.Cmp(b.Amount) == 0},
		field{"until", a.Until == b.Until},
		field{"overdraft", a.Overdraft == b.Overdraft},
		field{"overdraft_limit", a.OverdraftLimit == b.OverdraftLimit},
		field{"description", a.Description == b.Description},
		field{"metadata", maps.Equal(a.Metadata, b.Metadata)})
}

func captureDifference(a, b Capture) string {
	return firstDifference(
		field{"hold_id", a.HoldID == b.HoldID},
		field{"amount", a.Amount.Cmp(b.Amount) == 0},
		field{"keep_open", a.KeepOpen == b.KeepOpen},
		field{"overdraft", a.Overdraft == b.Overdraft},
		field{"overdraft_limit", a.OverdraftLimit == b.OverdraftLimit},
		field{"after_lapse", a.AfterLapse == b.AfterLapse},
		field{"description", a.Description == b.Description},
		field{"metadata", maps.Equal(a.Metadata, b.Metadata)})
}

func batchDifference(a, b Batch) string {
	if len(a) != len(b) {
		return "operations"
	}
	for i := range a {
		if difference(a[i], b[i]) != "" {
			return "operations"
		}
	}
	return ""
}

type field struct {
	name string
	same bool
}

func firstDifference(fields ...field) string {
	for _, f := range fields {
		if !f.same {
			return f.name
		}
	}
	return ""
}
