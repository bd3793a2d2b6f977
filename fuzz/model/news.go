package model

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"unicode"

	cl "creditledger"
)

// wrongNew is wrongOp for what the library does not have.
func wrongNew(op Operation) (bad []string) {
	check := func(ok bool, field string) {
		if !ok {
			bad = append(bad, field)
		}
	}
	positive := func(r *big.Rat) bool { return r != nil && r.Sign() > 0 }
	limits := func(overdraft string, limit *big.Rat) {
		check(slices.Contains([]string{Allow, Reject, StopAtZero}, overdraft), "overdraft")
		check(limit == nil || overdraft == Allow && limit.Sign() >= 0, "overdraft_limit")
	}
	switch op := op.(type) {
	case SetAside:
		check(nameable(op.HoldID, 1), "hold_id")
		check(positive(op.Amount), "amount")
		check(op.Until.Valid(), "until")
		check(nameable(op.Item, 0), "item_id")
		check(nameable(op.Price, 0), "price_id")
		limits(op.Overdraft, op.Limit)
	case ExtendHold:
		check(nameable(op.HoldID, 1), "hold_id")
		check(op.Amount.Sign() >= 0, "amount")
		check(op.Until.Valid(), "until")
		limits(op.Overdraft, op.Limit)
	case Capture:
		check(nameable(op.HoldID, 1), "hold_id")
		check(op.Amount != nil && op.Amount.Sign() >= 0, "amount")
		check(op.Amount == nil || op.Amount.Sign() > 0 || !op.KeepOpen, "keep_open")
		limits(op.Overdraft, op.Limit)
	case Release:
		check(nameable(op.HoldID, 1), "hold_id")
	case Reverse:
		check(op.Charge != "" || op.Entry != 0, "charge")
		check(op.Charge == "" || op.Entry == 0, "entry")
		check(op.Entry >= 0, "entry")
		check(nameable(string(op.Charge), 0), "charge")
		check(op.Amount == nil || positive(op.Amount), "amount")
	case Schedule:
		bad = wrongSchedule(op)
		for _, f := range op.Filters {
			check(goodFilter(f), "filters")
		}
	case ChangeSchedule:
		check(nameable(op.ScheduleID, 1), "schedule_id")
		check(op.Amount == nil || positive(op.Amount), "amount")
		check(op.Amount != nil || op.Rollover != nil || op.Expires != nil || op.Clear || op.Change != nil, "")
		check(op.Rollover == nil || op.Rollover.good(), "rollover")
		check(op.Rollover == nil || op.Rollover.None || op.Expires == nil || !op.Expires.Never, "rollover")
		for k, v := range op.Change {
			check(nameable(k, 1) && len(k) <= 40 && (v == nil || len(*v) <= 500 && !strings.ContainsFunc(*v, unicode.IsControl)), "metadata")
		}
		check(op.Expires == nil || op.Expires.good(), "expires")
	case EndSchedule:
		check(nameable(op.ScheduleID, 1), "schedule_id")
		check(op.Reason == "" || op.Reason == "refund" && op.VoidBlocks, "void_reason")
	case Send:
		check(op.Amount != nil || op.BlockID != "", "amount")
		check(op.Amount == nil || op.BlockID == "", "block_id")
		check(op.Amount == nil || positive(op.Amount), "amount")
	}
	return bad
}

func wrongSchedule(op Schedule) (bad []string) {
	check := func(ok bool, field string) {
		if !ok {
			bad = append(bad, field)
		}
	}
	check(nameable(op.ScheduleID, 1) && len(op.ScheduleID) <= 200 && !strings.Contains(op.ScheduleID, "/"), "schedule_id")
	check(op.Amount != nil && op.Amount.Sign() > 0, "amount")
	check(op.Every.good(), "every")
	check(op.Count >= 0, "count")
	check(op.Count == 0 || !op.End.given(), "count")
	check(op.Expires.good(), "expires")
	check(slices.Contains([]string{"", "full", "prorated", "skip"}, op.First), "first")
	check(op.Scale >= 0 && op.Scale <= 18, "scale")
	check(op.Rollover == nil || op.Rollover.good() && !op.Expires.Never, "rollover")
	check(slices.Contains([]string{"", "all", "latest"}, op.CatchUp), "catch_up")
	check(op.Source <= cl.SourceCommitment, "source")
	return bad
}

func (s Span) good() bool {
	return s.Count >= 1 && s.Count <= 1000 && slices.Contains([]string{"day", "week", "month", "year"}, s.Unit)
}

func (l Life) good() bool { return l.Span == Span{} || !l.Never && l.Span.good() }

func (r *Rollover) good() bool {
	if r.None {
		return true
	}
	percent := r.Percent == nil || r.Percent.Sign() >= 0 && r.Percent.Cmp(big.NewRat(100, 1)) <= 0
	return percent && (r.Max == nil || r.Max.Sign() >= 0) && r.MaxTimes >= 0 && r.Expires.good()
}

// fieldsOfNew is fields for what the library does not have.
func fieldsOfNew(op Operation, add func(string, any)) {
	number := func(name string, r *big.Rat) { add(name, Text(r)) }
	switch op := op.(type) {
	case SetAside:
		add("hold_id", op.HoldID)
		number("amount", op.Amount)
		add("until", op.Until)
		add("item_id", op.Item)
		add("price_id", op.Price)
		add("overdraft", op.Overdraft)
		number("overdraft_limit", op.Limit)
	case ExtendHold:
		add("hold_id", op.HoldID)
		number("amount", op.Amount)
		add("until", op.Until)
		add("overdraft", op.Overdraft)
		number("overdraft_limit", op.Limit)
	case Capture:
		add("hold_id", op.HoldID)
		number("amount", op.Amount)
		add("keep_open", op.KeepOpen)
		add("overdraft", op.Overdraft)
		number("overdraft_limit", op.Limit)
		add("after_lapse", op.Refuse)
	case Release:
		add("hold_id", op.HoldID)
	case Reverse:
		add("charge", op.Charge)
		add("entry", op.Entry)
		number("amount", op.Amount)
	case Schedule:
		fieldsOfSchedule(op, add)
	case ChangeSchedule:
		add("schedule_id", op.ScheduleID)
		number("amount", op.Amount)
		add("rollover", op.Rollover.text())
		add("expires", fmt.Sprint(op.Expires != nil, op.Expires))
		add("when", op.Now)
		changes := map[string]string{}
		for k, v := range op.Change {
			changes[k] = "null"
			if v != nil {
				changes[k] = fmt.Sprintf("%q", *v)
			}
		}
		add("metadata", fmt.Sprint(op.Clear, changes))
	case EndSchedule:
		add("schedule_id", op.ScheduleID)
		add("void_blocks", op.VoidBlocks)
		add("void_reason", op.Reason)
	case Transfer:
		number("amount", op.Amount)
		add("block_id", op.BlockID)
	}
}

func fieldsOfSchedule(op Schedule, add func(string, any)) {
	zone := ""
	if op.Zone != nil {
		zone = op.Zone.String()
	}
	orElse := func(s, usual string) string {
		if s == "" {
			return usual
		}
		return s
	}
	add("schedule_id", op.ScheduleID)
	add("amount", Text(op.Amount))
	add("anchor", op.Anchor)
	add("every", op.Every)
	add("timezone", zone)
	add("start", op.Start)
	add("end", op.End)
	add("count", op.Count)
	add("expires", op.Expires)
	add("first", orElse(op.First, "full"))
	add("scale", op.Scale)
	add("rollover", op.Rollover.text())
	add("catch_up", orElse(op.CatchUp, "all"))
	cost := "none"
	if op.CostBasis.IsSet() {
		cost = Text(rat(op.CostBasis.String()))
	}
	add("per_unit_cost_basis", cost)
	add("priority", op.Priority)
	add("filters", fmt.Sprintf("%q", op.Filters))
	add("source", op.Source)
	add("require_payment", op.RequirePayment)
}

func (r *Rollover) text() string {
	if r == nil || r.None {
		return fmt.Sprint("none", r != nil)
	}
	percent := big.NewRat(100, 1)
	if r.Percent != nil {
		percent = r.Percent
	}
	return fmt.Sprint(Text(percent), Text(r.Max), max(r.MaxTimes, 1), r.Expires)
}
