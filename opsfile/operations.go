package opsfile

import (
	"math"
	"strconv"

	"creditledger"
)

// writers has a function for each writing operation that reads its line. The keys are in
// the order of the table in docs/operations.md.
var writers map[string]func(*fields) creditledger.Operation

func init() {
	writers = map[string]func(*fields) creditledger.Operation{
		"increment":         readIncrement,
		"decrement":         readDecrement,
		"expiration_change": readExpirationChange,
		"void":              readVoid,
		"amendment":         readAmendment,
		"activate":          readActivation,
		"reverse":           readReverse,
		"batch":             readBatch,
		"hold":              readHold,
		"extend_hold":       readExtendHold,
		"capture":           readCapture,
		"release":           readRelease,
		"schedule":          readSchedule,
		"change_schedule":   readChangeSchedule,
		"end_schedule":      readEndSchedule,
	}
}

func readIncrement(f *fields) creditledger.Operation {
	op := f.increment()
	op.RequirePayment = f.flag("require_payment")
	return op
}

// increment reads the keys that a grant and a sale of credits share.
func (f *fields) increment() creditledger.Increment {
	return creditledger.Increment{
		Amount:      f.requiredAmount("amount"),
		BlockID:     f.id("block_id"),
		EffectiveAt: f.when("effective_date"),
		ExpiresAt:   f.when("expiry_date"),
		CostBasis:   f.costBasis("per_unit_cost_basis"),
		Priority:    f.priority(),
		Filters:     f.filters("filters"),
		Source:      word(f, "source", creditledger.ParseSource),
		Repay:       word(f, "repay", creditledger.ParseRepay),
		Description: f.description(),
		Metadata:    f.metadata("metadata"),
	}
}

func readDecrement(f *fields) creditledger.Operation {
	op := creditledger.Decrement{
		Amount:      f.requiredAmount("amount"),
		ItemID:      f.id("item_id"),
		PriceID:     f.id("price_id"),
		InvoiceID:   f.id("invoice_id"),
		Overdraft:   word(f, "overdraft", creditledger.ParseOverdraft),
		Description: f.description(),
		Metadata:    f.metadata("metadata"),
	}
	if limit, ok := f.amount("overdraft_limit"); ok {
		op.OverdraftLimit = creditledger.OverdraftLimitOf(limit)
	}
	op.UsageAt = f.instant("usage_at")
	return op
}

func readReverse(f *fields) creditledger.Operation {
	op := creditledger.Reverse{
		Charge:      creditledger.Key(f.id("charge")),
		Entry:       uint64(f.integer("entry", 1, math.MaxInt64)),
		Amount:      f.positive("amount"),
		Description: f.description(),
		Metadata:    f.metadata("metadata"),
	}
	return op
}

func readExpirationChange(f *fields) creditledger.Operation {
	return creditledger.ExpirationChange{
		BlockID:     f.id("block_id"),
		ExpiresAt:   f.when("expiry_date"),
		Target:      f.target("target_expiry_date"),
		Amount:      f.positive("amount"),
		NewBlockID:  f.id("new_block_id"),
		Description: f.description(),
		Metadata:    f.metadata("metadata"),
	}
}

func readVoid(f *fields) creditledger.Operation {
	op := creditledger.Void{
		BlockID:     f.requiredID("block_id"),
		Amount:      f.requiredAmount("amount"),
		Description: f.description(),
		Metadata:    f.metadata("metadata"),
	}
	reason, given := f.text("void_reason")
	if given && reason == "" {
		f.refuse("void_reason", "is empty")
	}
	op.Reason = reason
	op.Lapsed = f.flag("lapsed")
	return op
}

func readAmendment(f *fields) creditledger.Operation {
	return creditledger.Amendment{
		BlockID:     f.requiredID("block_id"),
		Amount:      f.requiredAmount("amount"),
		Description: f.description(),
		Metadata:    f.metadata("metadata"),
	}
}

func readActivation(f *fields) creditledger.Operation {
	return creditledger.Activation{
		BlockID:     f.requiredID("block_id"),
		Description: f.description(),
		Metadata:    f.metadata("metadata"),
	}
}

func readBatch(f *fields) creditledger.Operation {
	var batch creditledger.Batch
	f.eachOperation("a batch", func(inner *fields, read func(*fields) creditledger.Operation) {
		batch = append(batch, read(inner))
	})
	return batch
}

// eachOperation reads the writing operations that may stand in a batch or an act.
func (f *fields) eachOperation(of string, take func(inner *fields, read func(*fields) creditledger.Operation)) {
	const key = "operations"
	f.require(key)
	v, ok := f.take(key, kindArray)
	switch {
	case ok && len(v.items) == 0:
		f.refuse(key, "is empty")
	case len(v.items) > creditledger.MaxBatch:
		f.refuse(key, "has %d operations, more than %d", len(v.items), creditledger.MaxBatch)
		return
	}
	for i, item := range v.items {
		at := key + "[" + strconv.Itoa(i) + "]"
		if item.kind != kindObject {
			f.refuse(at, "is %s, not an object", item.kind)
			continue
		}
		inner := f.inside(at, item.members)
		op, err := inner.op()
		read := writers[op]
		if err != nil || read == nil || op == "batch" {
			f.refuse(at, "its op is not one of the writing operations that may stand in %s", of)
			continue
		}
		take(inner, read)
		f.adopt(inner)
	}
}

func (f *fields) description() string {
	s, _ := f.text("description")
	return s
}

func (f *fields) priority() int32 {
	const low, high = -1 << 31, 1<<31 - 1
	return int32(f.integer("priority", low, high))
}

// filters reads a list of {field, operator, values}.
func (f *fields) filters(key string) []creditledger.Filter {
	v, ok := f.take(key, kindArray)
	if !ok || len(v.items) == 0 {
		return nil
	}
	filters := make([]creditledger.Filter, len(v.items))
	for i, item := range v.items {
		at := key + "[" + strconv.Itoa(i) + "]"
		if item.kind != kindObject {
			f.refuse(at, "is %s, not an object", item.kind)
			continue
		}
		inner := f.inside(at, item.members)
		inner.require("field")
		inner.require("operator")
		inner.require("values")
		filters[i] = creditledger.Filter{
			Field:    word(inner, "field", creditledger.ParseFilterField),
			Operator: word(inner, "operator", creditledger.ParseFilterOperator),
			Values:   inner.texts("values"),
		}
		f.adopt(inner)
	}
	return filters
}

// texts returns a list of strings.
func (f *fields) texts(key string) []string {
	v, ok := f.take(key, kindArray)
	if !ok {
		return nil
	}
	list := make([]string, len(v.items))
	for i, item := range v.items {
		if item.kind != kindString {
			f.refuse(key, "holds %s, not only strings", item.kind)
		}
		list[i] = item.text
	}
	return list
}
