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

	Left  *big.Rat // of a charge
	Holds []string // that keep what is asked for
	State string   // of a hold
}

func (r *Refusal) Error() string {
	if r.Kind == Insufficient {
		return r.Kind + " " + Text(r.Requested) + " of " + Text(r.Available)
	}
	switch {
	case len(r.Holds) > 0:
		return r.Kind + " " + strings.Join(slices.Sorted(slices.Values(r.Holds)), ", ")
	case r.State != "":
		return r.Kind + " " + r.State
	case r.Left != nil:
		return r.Kind + " left " + Text(r.Left)
	}
	return strings.TrimSpace(r.Kind + " " + r.What)
}

// Request is what a caller asks, and when.
type Request struct {
	Op      Operation
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
			field := "op"
			if d.Act == nil {
				field = difference(d.Op, q.Op, terms{a.Repay, [2]*time.Location{d.Zone, q.Zone}})
			}
			if field != "" {
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
		// The charge was worked out before the library had made its key.
		if made := a.asked.by[q.Key]; key != q.Key && len(made) > 0 {
			delete(a.asked.by, q.Key)
			a.asked.by[key] = made
		}
		a.worked, a.upTo = a.asked, len(a.List)
	}
}

// Sweep adds a sweep to the list, and returns how many entries it writes.
func (a *Account) Sweep(clock cl.Instant) int {
	before, periods := len(a.Now().Entries), a.Now().periods()
	a.List = append(a.List, Done{Clock: clock})
	n := len(a.Now().Entries) - before
	if n == 0 && a.Now().periods() == periods { // it left no trace
		a.List = a.List[:len(a.List)-1]
		a.upTo = len(a.List)
		a.worked.Results = a.worked.Results[:a.upTo]
	}
	return n
}

// wrong names the fields that the request alone shows to be wrong. If there are several,
// the library may name any of them.
func wrong(id cl.AccountID, op Operation, key cl.Key) []string {
	var bad []string
	check := func(ok bool, field string) {
		if !ok {
			bad = append(bad, field)
		}
	}
	check(nameable(id.Customer, 1), "customer_id")
	check(nameable(id.Currency, 1), "currency")
	check(nameable(string(key), 0), "idempotency_key")
	ops, batch := Parts(op)
	if !batch {
		return append(bad, wrongOp(op)...)
	}
	check(len(ops) > 0 && len(ops) <= 1000, "operations")
	for i, o := range ops {
		_, nested := Parts(o)
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

func wrongOp(op Operation) []string {
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
	switch op := own(op).(type) {
	case cl.Increment:
		check(op.Amount.Sign() > 0, "amount")
		check(nameable(op.BlockID, 0), "block_id")
		check(op.EffectiveAt.Instant().Valid() && !op.EffectiveAt.IsNever(), "effective_date")
		check(op.ExpiresAt.Instant().Valid() && !backwards(op.EffectiveAt, op.ExpiresAt), "expiry_date")
		for _, f := range op.Filters {
			check(goodFilter(f), "filters")
		}
		check(op.Source <= cl.SourceCommitment, "source")
		check(op.Repay <= cl.RepayNever, "repay")
	case cl.Decrement:
		limit, limited := op.OverdraftLimit.Amount()
		check(op.Amount.Sign() > 0, "amount")
		check(nameable(op.ItemID, 0), "item_id")
		check(op.Overdraft <= cl.OverdraftStopAtZero, "overdraft")
		check(!limited || policyOf(op.Overdraft) == Allow && limit.Sign() >= 0, "overdraft_limit")
		check(op.UsageAt.Valid(), "usage_at")
	case cl.ExpirationChange:
		check(op.BlockID != "" || !op.ExpiresAt.IsZero(), "block_id")
		check(nameable(op.BlockID, 0), "block_id")
		check(op.ExpiresAt.Instant().Valid() && !op.ExpiresAt.IsNever(), "expiry_date")
		check(op.Target.Instant().Valid() && !op.Target.IsZero(), "target_expiry_date")
		check(op.Amount.Sign() >= 0, "amount")
		check(nameable(op.NewBlockID, 0), "new_block_id")
	case cl.Void:
		check(nameable(op.BlockID, 1), "block_id")
		check(op.Amount.Sign() > 0, "amount")
		check(op.Reason == "" || op.Reason == "refund", "void_reason")
	case cl.Amendment:
		check(nameable(op.BlockID, 1), "block_id")
		check(op.Amount.Sign() > 0, "amount")
	case cl.Activation:
		check(nameable(op.BlockID, 1), "block_id")
	case nil:
		check(false, "op")
	default:
		bad = wrongNew(op)
	}
	switch op := op.(type) {
	case cl.Capture:
		check(op.AfterLapse <= cl.AfterLapseRefuse, "after_lapse")
	case cl.Schedule:
		bad = append(bad, wrongTimes(op)...)
	case cl.ChangeSchedule:
		check(op.When <= cl.ChangeNow, "when")
	}
	note(Note(op))
	return bad
}

// wrongTimes names the points of the calendar and the zone of a schedule that there are not.
func wrongTimes(op cl.Schedule) (bad []string) {
	for _, c := range []struct {
		name string
		at   cl.CalendarTime
	}{{"anchor", op.Anchor}, {"start", op.Start}, {"end", op.End}} {
		if _, err := c.at.MarshalText(); err != nil {
			bad = append(bad, c.name)
		}
	}
	if _, err := time.LoadLocation(op.Timezone); err != nil {
		bad = append(bad, "timezone")
	}
	return bad
}

func goodFilter(f cl.Filter) bool {
	return f.Field == cl.FilterFieldItem && len(f.Values) > 0 && f.Operator <= cl.FilterExcludes && !slices.ContainsFunc(f.Values, func(v string) bool { return !nameable(v, 1) })
}

// backwards tells whether an expiry is certainly not after the effective date, whatever the
// zone.
func backwards(effective, expires cl.When) bool {
	if effective.Date() != 0 || expires.Date() != 0 {
		return effective.Date() != 0 && expires.Date() != 0 && expires.Date() <= effective.Date()
	}
	return effective.Instant() != 0 && expires.Instant() != 0 && expires.Instant() <= effective.Instant()
}

func nameable(s string, shortest int) bool {
	return len(s) >= shortest && len(s) <= 255 && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// Trial is the state as it would be after the last request that was asked and not refused.
func (a *Account) Trial() *State { return a.asked }
