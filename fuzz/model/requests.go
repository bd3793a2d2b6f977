package model

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	cl "creditledger"
)

// The kinds of refusals.
const (
	Invalid      = "invalid"
	Mismatch     = "mismatch"
	NotFound     = "not found"
	Duplicate    = "duplicate"
	Constraint   = "constraint"
	Insufficient = "insufficient"
)

// Refusal is an error as the model knows it.
type Refusal struct {
	Kind                 string
	What                 string // the field or the id, where the rules say which
	Requested, Available *big.Rat
}

func (r *Refusal) Error() string {
	if r.Kind == Insufficient {
		return r.Kind + " " + Text(r.Requested) + " of " + Text(r.Available)
	}
	return strings.TrimSpace(r.Kind + " " + r.What)
}

// Request is what a caller asks, and when.
type Request struct {
	Op      cl.Operation
	Key     cl.Key
	Clock   cl.Instant
	Zone    *time.Location
	Foreign bool     // the account's currency is not its customer's
	Deleted bool     // the customer is deleted
	IDs     []string // that the library gave to the blocks made
}

// Ask predicts the answer to a request. Nothing changes.
func (a *Account) Ask(q Request) (r *Result, replayed bool, err error) {
	if fields := wrong(a.ID, q.Op, q.Key); len(fields) > 0 {
		return nil, false, &Refusal{Kind: Invalid, What: strings.Join(fields, "|")}
	}
	for i, d := range a.List {
		if q.Key != "" && d.Key == q.Key {
			if field := difference(d.Op, q.Op, a.Repay); field != "" {
				return nil, false, &Refusal{Kind: Mismatch, What: field}
			}
			return a.Now().Results[i], true, nil
		}
	}
	s := a.Work()
	r, err = s.run(&Done{Op: q.Op, Clock: q.Clock, Zone: q.Zone, Key: q.Key, IDs: q.IDs}, q.Foreign, q.Deleted)
	if a.asked = nil; err == nil {
		s.Results = append(s.Results, r)
		a.asked = s
	}
	return r, false, err
}

// Accept adds the request that was asked last, and not refused, to the list.
func (a *Account) Accept(q Request, key cl.Key) {
	a.List = append(a.List, Done{Op: q.Op, Clock: q.Clock, Zone: q.Zone, Key: key, Hidden: q.Key == "", IDs: q.IDs})
	if a.Quick {
		a.worked, a.upTo = a.asked, len(a.List)
	}
}

// Sweep adds a sweep and returns how many entries it writes.
func (a *Account) Sweep(clock cl.Instant) int {
	before := len(a.Now().Entries)
	a.List = append(a.List, Done{Clock: clock})
	n := len(a.Now().Entries) - before
	if n == 0 { // it left no trace
		a.List = a.List[:len(a.List)-1]
		a.upTo = len(a.List)
		a.worked.Results = a.worked.Results[:a.upTo]
	}
	return n
}

// wrong names the fields that the request alone shows to be wrong. Which of several
// the library names is open.
func wrong(id cl.AccountID, op cl.Operation, key cl.Key) []string {
	var bad []string
	check := func(ok bool, field string) {
		if !ok {
			bad = append(bad, field)
		}
	}
	check(nameable(id.Customer, 1), "customer_id")
	check(nameable(id.Currency, 1), "currency")
	check(nameable(string(key), 0), "idempotency_key")
	ops, batch := op.(cl.Batch)
	if !batch {
		return append(bad, wrongOp(op)...)
	}
	check(len(ops) > 0 && len(ops) <= 1000, "operations")
	for i, o := range ops {
		_, nested := o.(cl.Batch)
		check(!nested && o != nil, "operations")
		if !nested && o != nil {
			for _, field := range wrongOp(o) {
				bad = append(bad, place(i, field))
			}
		}
	}
	return bad
}

// place names a field of an operation of a batch.
func place(i int, field string) string { return fmt.Sprintf("operations[%d].%s", i, field) }

func wrongOp(op cl.Operation) []string {
	var bad []string
	check := func(ok bool, field string) {
		if !ok {
			bad = append(bad, field)
		}
	}
	note := func(description string, metadata map[string]string) {
		check(len(description) <= 5000 && utf8.ValidString(description), "description")
		check(len(metadata) <= 50, "metadata")
		for k, v := range metadata {
			check(nameable(k, 1) && len(k) <= 40 && len(v) <= 500 && !strings.ContainsFunc(v, unicode.IsControl), "metadata")
		}
	}
	switch op := op.(type) {
	case cl.Increment:
		check(op.Amount.Sign() > 0, "amount")
		check(nameable(op.BlockID, 0), "block_id")
		check(op.EffectiveAt.Instant().Valid() && !op.EffectiveAt.IsNever(), "effective_date")
		check(op.ExpiresAt.Instant().Valid() && !backwards(op.EffectiveAt, op.ExpiresAt), "expiry_date")
		for _, f := range op.Filters {
			check(f.Field == cl.FieldItem && len(f.Values) > 0 && f.Operator <= cl.Excludes && !slices.ContainsFunc(f.Values, func(v string) bool { return !nameable(v, 1) }), "filters")
		}
		check(op.Source <= cl.Commitment, "source")
		check(op.Repay <= cl.RepayNever, "repay")
		note(op.Description, op.Metadata)
	case cl.Decrement:
		limit, limited := op.Limit.Amount()
		check(op.Amount.Sign() > 0, "amount")
		check(nameable(op.ItemID, 0), "item_id")
		check(op.Overdraft <= cl.StopAtZero, "overdraft")
		check(!limited || op.Overdraft == cl.Allow && limit.Sign() >= 0, "overdraft_limit")
		check(op.EligibleBefore.Valid() && (op.EligibleBefore == 0 || op.Overdraft != cl.Allow), "eligible_before")
		note(op.Description, op.Metadata)
	case cl.ExpirationChange:
		check(op.BlockID != "" || !op.ExpiresAt.IsZero(), "block_id")
		check(nameable(op.BlockID, 0), "block_id")
		check(op.ExpiresAt.Instant().Valid() && !op.ExpiresAt.IsNever(), "expiry_date")
		check(op.Target.Instant().Valid() && !op.Target.IsZero(), "target_expiry_date")
		check(op.Amount.Sign() >= 0, "amount")
		check(nameable(op.NewBlockID, 0), "new_block_id")
		note(op.Description, op.Metadata)
	case cl.Void:
		check(nameable(op.BlockID, 1), "block_id")
		check(op.Amount.Sign() > 0, "amount")
		check(op.Reason == "" || op.Reason == "refund", "void_reason")
		note(op.Description, op.Metadata)
	case cl.Amendment:
		check(nameable(op.BlockID, 1), "block_id")
		check(op.Amount.Sign() > 0, "amount")
		note(op.Description, op.Metadata)
	case cl.Activation:
		check(nameable(op.BlockID, 1), "block_id")
		note(op.Description, op.Metadata)
	case nil:
		check(false, "op")
	}
	return bad
}

// backwards tells an expiry that is not after the effective date without knowing the zone.
func backwards(effective, expires cl.When) bool {
	if effective.Date() != 0 || expires.Date() != 0 {
		return effective.Date() != 0 && expires.Date() != 0 && expires.Date() <= effective.Date()
	}
	return effective.Instant() != 0 && expires.Instant() != 0 && expires.Instant() <= effective.Instant()
}

func nameable(s string, shortest int) bool {
	return len(s) >= shortest && len(s) <= 255 && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// difference names the first field in which two operations are not the same.
func difference(first, second cl.Operation, repay cl.Repay) string {
	if first.Name() != second.Name() {
		return "op"
	}
	if x, batch := first.(cl.Batch); batch {
		if !slices.EqualFunc(x, second.(cl.Batch), func(a, b cl.Operation) bool { return difference(a, b, repay) == "" }) {
			return "operations"
		}
		return ""
	}
	x, y := fields(first, repay), fields(second, repay)
	for i := range x {
		if x[i] != y[i] {
			return x[i].name
		}
	}
	return ""
}

type field struct{ name, value string }

// fields lists what an operation says, defaults filled in, in the order in which it is compared.
func fields(op cl.Operation, repay cl.Repay) []field {
	var list []field
	add := func(name string, value any) { list = append(list, field{name, fmt.Sprintf("%#v", value)}) }
	switch op := op.(type) {
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
		add("overdraft", op.Overdraft)
		limit, limited := op.Limit.Amount()
		add("overdraft_limit", fmt.Sprint(limited, Text(Rat(limit))))
		add("eligible_before", int64(op.EligibleBefore))
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
	case cl.Amendment:
		add("block_id", op.BlockID)
		add("amount", Text(Rat(op.Amount)))
	case cl.Activation:
		add("block_id", op.BlockID)
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
func Note(op cl.Operation) (string, map[string]string) {
	switch op := op.(type) {
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
	}
	return "", nil
}
