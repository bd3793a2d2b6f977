package model

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	cl "creditledger"
)

// terms are what decides where two operations do not say.
type terms struct {
	repay cl.Repay
	zones [2]*time.Location // the customer's, as each was asked
}

// difference names the first field in which two operations are not the same.
func difference(first, second Operation, of terms) string {
	if first.Name() != second.Name() {
		return "op"
	}
	if x, batch := Parts(first); batch {
		y, _ := Parts(second)
		if !slices.EqualFunc(x, y, func(a, b Operation) bool { return difference(a, b, of) == "" }) {
			return "operations"
		}
		return ""
	}
	first, second = of.pinned(own(first), own(second))
	x, y := fields(first, of.repay), fields(second, of.repay)
	for i := range x {
		if x[i] != y[i] {
			return x[i].name
		}
	}
	return ""
}

// pinned fills in the zone of a schedule if the other schedule names one.
func (t terms) pinned(first, second Operation) (a, b Operation) {
	x, is := first.(Schedule)
	y, too := second.(Schedule)
	if !is || !too || (x.Zone == nil) == (y.Zone == nil) {
		return first, second
	}
	x.Zone, y.Zone = cmp.Or(x.Zone, t.zones[0]), cmp.Or(y.Zone, t.zones[1])
	return x, y
}

type field struct{ name, value string }

// fields lists what an operation says, defaults filled in, in the order in which it is compared.
func fields(op Operation, repay cl.Repay) []field {
	var list []field
	add := func(name string, value any) { list = append(list, field{name, fmt.Sprintf("%#v", value)}) }
	switch op := own(op).(type) {
	case cl.Increment:
		add("amount", Text(Rat(op.Amount)))
		add("block_id", op.BlockID)
		add("effective_date", given(op.EffectiveAt))
		add("expiry_date", given(op.ExpiresAt))
		cost := "none"
		if op.CostBasis.IsSet() {
			cost = Text(rat(op.CostBasis.String()))
		}
		add("per_unit_cost_basis", cost)
		add("priority", op.Priority)
		add("filters", fmt.Sprintf("%q", op.Filters))
		add("source", op.Source)
		add("require_payment", op.RequirePayment)
		if op.Repay != cl.RepayDefault {
			repay = op.Repay
		}
		add("repay", repay)
		add("invoice_id", op.InvoiceID)
	case cl.Decrement:
		add("amount", Text(Rat(op.Amount)))
		add("item_id", op.ItemID)
		add("price_id", op.PriceID)
		add("invoice_id", op.InvoiceID)
		add("overdraft", policyOf(op.Overdraft))
		limit, limited := op.OverdraftLimit.Amount()
		add("overdraft_limit", fmt.Sprint(limited, Text(Rat(limit))))
		add("usage_at", int64(op.UsageAt))
	case cl.ExpirationChange:
		add("block_id", op.BlockID)
		add("expiry_date", given(op.ExpiresAt))
		add("target_expiry_date", given(op.Target))
		add("amount", Text(Rat(op.Amount)))
		add("new_block_id", op.NewBlockID)
	case cl.Void:
		add("block_id", op.BlockID)
		add("amount", Text(Rat(op.Amount)))
		add("void_reason", op.Reason)
		add("lapsed", op.Lapsed)
	case cl.Amendment:
		add("block_id", op.BlockID)
		add("amount", Text(Rat(op.Amount)))
	case cl.Activation:
		add("block_id", op.BlockID)
	default:
		fieldsOfNew(op, add)
	}
	description, metadata := Note(op)
	add("description", description)
	add("metadata", fmt.Sprintf("%q", metadata))
	return list
}

// given is a point in time as it was given; never and nothing are the same.
func given(w cl.When) string {
	if w.Date() != 0 {
		return w.Date().String()
	}
	return fmt.Sprint(int64(w.Instant()))
}

// Note is the description and metadata of an operation.
func Note(op Operation) (string, map[string]string) {
	switch op := own(op).(type) {
	case cl.Increment:
		return op.Description, op.Metadata
	case cl.Decrement:
		return op.Description, op.Metadata
	case cl.ExpirationChange:
		return op.Description, op.Metadata
	case cl.Void:
		return op.Description, op.Metadata
	case cl.Amendment:
		return op.Description, op.Metadata
	case cl.Activation:
		return op.Description, op.Metadata
	case ChangeSchedule:
		return op.Description, nil
	case interface{ texts() Texts }:
		return op.texts().Description, op.texts().Metadata
	}
	return "", nil
}

func (t Texts) texts() Texts { return t }
