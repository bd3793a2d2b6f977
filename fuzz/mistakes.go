package fuzz

import (
	"slices"
	"strings"
	"time"

	cl "creditledger"
)

// spoil puts exactly one mistake into an operation, one that the operation alone shows.
func (g *generator) spoil(op cl.Operation) cl.Operation {
	n := g.below(8, "fault")
	switch op := op.(type) {
	case cl.Increment:
		return g.spoilIncrement(op, n)
	case cl.Decrement:
		return spoilDecrement(op, n)
	case cl.ExpirationChange:
		faults := []func(){
			func() { op.BlockID, op.ExpiresAt = "", cl.When{} },
			func() { op.ExpiresAt = cl.Never() },
			func() { op.Target = cl.When{} },
			func() { op.Amount = cl.AmountOf(-1) },
			func() { op.NewBlockID = "\xff" },
		}
		faults[n%5]()
		return op
	case cl.Void:
		faults := []func(){func() { op.BlockID = "" }, func() { op.Amount = cl.Amount{} }, func() { op.Reason = "gift" }}
		faults[n%3]()
		return op
	case cl.Amendment:
		faults := []func(){func() { op.BlockID = "" }, func() { op.Amount = cl.AmountOf(-1) }}
		faults[n%2]()
		return op
	case cl.Activation:
		op.BlockID = ""
		return op
	case cl.Reverse:
		faults := []func(){
			func() { op.Charge, op.Entry = "", 0 },
			func() { op.Charge, op.Entry = "k1", 1 },
			func() { op.Amount = cl.AmountOf(-1) },
		}
		faults[n%3]()
		return op
	case cl.Hold, cl.ExtendHold, cl.Capture, cl.Release:
		return g.spoilOnHold(op, n)
	case cl.Schedule, cl.ChangeSchedule, cl.EndSchedule:
		return g.spoilOnSchedule(op, n)
	case cl.Batch:
		switch n % 4 {
		case 0:
			return cl.Batch{}
		case 1:
			return append(slices.Clone(op), cl.Batch{op[0]})
		case 2:
			return append(slices.Clone(op), nil)
		}
		op = slices.Clone(op)
		op[len(op)-1] = g.spoil(op[len(op)-1])
		return op
	}
	return nil
}

// spoilIncrement is spoil of a grant, with the n-th fault of 8.
func (g *generator) spoilIncrement(op cl.Increment, n int) cl.Operation {
	faults := []func(){
		func() { op.Amount = cl.Amount{} },
		func() { op.BlockID = strings.Repeat("x", 256) },
		func() { op.EffectiveAt, op.ExpiresAt = cl.Never(), cl.When{} },
		func() { op.EffectiveAt, op.ExpiresAt = cl.AtInstant(g.at), cl.AtInstant(g.at) },
		func() { op.Filters = []cl.Filter{{Field: cl.FilterFieldItem}} },
		func() { op.Filters = []cl.Filter{{Field: cl.FilterFieldPrice, Values: []string{"p"}}} },
		func() { op.Source = 9 },
		func() { op.ExpiresAt = cl.On(0) },
	}
	faults[n]()
	return op
}

// spoilDecrement is spoil of a charge, with the n-th fault of 8.
func spoilDecrement(op cl.Decrement, n int) cl.Operation {
	faults := []func(){
		func() { op.Amount = op.Amount.Neg() },
		func() { op.ItemID = "a\x00b" },
		func() { op.Overdraft, op.OverdraftLimit = 7, cl.OverdraftLimit{} },
		func() { op.Overdraft, op.OverdraftLimit = cl.OverdraftReject, cl.OverdraftLimitOf(cl.AmountOf(1)) },
		func() { op.Overdraft, op.OverdraftLimit = cl.OverdraftAllow, cl.OverdraftLimitOf(cl.AmountOf(-1)) },
		func() { op.Metadata = map[string]string{strings.Repeat("k", 41): "v"} },
		func() { op.Metadata = map[string]string{"": "v"} },
		func() { op.Description = strings.Repeat("d", 5001) },
	}
	faults[n]()
	return op
}

// spoilOnHold is spoil of an operation on a hold, with the n-th fault.
func (g *generator) spoilOnHold(op cl.Operation, n int) cl.Operation {
	switch op := op.(type) {
	case cl.Hold:
		faults := []func(){
			func() { op.HoldID = "" },
			func() { op.Amount = cl.Amount{} },
			func() { op.Until = g.at },
			func() { op.Until = g.at.Add(24*time.Hour + time.Microsecond) },
			func() { op.Overdraft, op.OverdraftLimit = cl.OverdraftReject, cl.OverdraftLimitOf(cl.AmountOf(1)) },
			func() { op.Overdraft = 7 },
			func() { op.ItemID = "a\x00b" },
			func() { op.HoldID = strings.Repeat("x", 256) },
		}
		faults[n]()
		return op
	case cl.ExtendHold:
		faults := []func(){func() { op.HoldID = "" }, func() { op.Amount = cl.AmountOf(-1) }, func() { op.Until = g.at - 1 }}
		faults[n%3]()
		return op
	case cl.Capture:
		faults := []func(){
			func() { op.HoldID = "" },
			func() { op.Amount = cl.AmountOf(-1) },
			func() { op.Amount, op.KeepOpen = cl.Amount{}, true },
			func() { op.AfterLapse = 3 },
		}
		faults[n%4]()
		return op
	case cl.Release:
		op.HoldID = ""
		return op
	}
	return nil
}

// reworded says the same operation in other words.
func (g *generator) reworded(op cl.Operation) cl.Operation {
	more := func(a cl.Amount) cl.Amount {
		for _, text := range []string{a.String() + ".0", a.String() + "0", a.String() + "e0"} {
			if b, err := cl.ParseAmount(text); err == nil && b.Cmp(a) == 0 && g.chance(2, "reworded") {
				return b
			}
		}
		return a
	}
	none := func(m map[string]string) map[string]string {
		if len(m) == 0 && g.chance(2, "empty") {
			return map[string]string{}
		}
		return m
	}
	switch op := op.(type) {
	case cl.Increment:
		op.Amount, op.Metadata = more(op.Amount), none(op.Metadata)
		switch {
		case op.ExpiresAt.IsZero():
			op.ExpiresAt = cl.Never()
		case op.ExpiresAt.IsNever():
			op.ExpiresAt = cl.When{}
		case op.ExpiresAt.Date() == 0:
			op.ExpiresAt = cl.At(op.ExpiresAt.Instant().Time().In(time.FixedZone("", 3600)))
		}
		if text := op.CostBasis.String(); op.CostBasis.IsSet() && strings.Contains(text, ".") && len(text) < 19 {
			op.CostBasis = cl.MustCostBasis(text + "0")
		}
		if op.Repay == g.m.repay {
			op.Repay = cl.RepayDefault
		}
		return op
	case cl.Decrement:
		op.Amount, op.Metadata = more(op.Amount), none(op.Metadata)
		return op
	case cl.Void:
		op.Amount, op.Metadata = more(op.Amount), none(op.Metadata)
		return op
	case cl.Hold:
		op.Amount, op.Metadata = more(op.Amount), none(op.Metadata)
		if op.Overdraft == cl.OverdraftDefault {
			op.Overdraft = cl.OverdraftReject
		}
		return op
	case cl.Schedule:
		op.Amount, op.Metadata = more(op.Amount), none(op.Metadata)
		if op.Source == (cl.GrantSource{}) {
			op.Source = cl.GrantsFrom(cl.SourceAllocation)
		}
		if op.Timezone == "" && g.chance(2, "its zone") {
			op.Timezone = g.m.zone(g.on.id.Customer).String()
		}
		return op
	case cl.Capture:
		op.Amount, op.Metadata = more(op.Amount), none(op.Metadata)
		if op.Overdraft == cl.OverdraftDefault {
			op.Overdraft = cl.OverdraftStopAtZero
		}
		return op
	case cl.Batch:
		batch := slices.Clone(op)
		for i := range batch {
			batch[i] = g.reworded(batch[i])
		}
		return batch
	}
	return op
}

// alter changes one field of an operation, or none.
func (g *generator) alter(op cl.Operation) cl.Operation {
	n := g.below(12, "altered")
	other := g.amount()
	switch op := op.(type) {
	case cl.Increment:
		return g.alterIncrement(op, n, other)
	case cl.Decrement:
		switch n {
		case 5:
			op.Amount = other
		case 6:
			op.ItemID = oneOf(g, "item", items...)
		case 7:
			op.Overdraft, op.OverdraftLimit = cl.OverdraftStopAtZero, cl.OverdraftLimit{}
		case 8:
			op.Overdraft, op.OverdraftLimit = cl.OverdraftAllow, cl.OverdraftLimitOf(cl.Amount{})
		case 9:
			op.Metadata = map[string]string{"other": "1"}
		case 10:
			op.InvoiceID = "other"
		case 11:
			op.Overdraft, op.OverdraftLimit = cl.OverdraftReject, cl.OverdraftLimit{}
		}
		return op
	case cl.ExpirationChange:
		switch n {
		case 6:
			op.Target = cl.On(g.date())
		case 7:
			op.Amount = other
		case 8:
			op.NewBlockID += "x"
		case 9:
			op.BlockID = g.block(nil)
		}
		return op
	case cl.Void:
		switch n {
		case 6:
			op.Amount = other
		case 7:
			op.BlockID = g.block(nil)
		case 8:
			op.Description = "other"
		}
		return op
	case cl.Amendment:
		if n > 6 {
			op.Amount = other
		}
		return op
	case cl.Reverse, cl.Hold, cl.ExtendHold, cl.Capture, cl.Release:
		return g.alterNew(op, n, other)
	case cl.Schedule, cl.ChangeSchedule, cl.EndSchedule:
		return g.alterOnSchedule(op, n, other)
	case cl.Batch:
		op = slices.Clone(op)
		op[0] = g.alter(op[0])
		return op
	}
	if n > 8 {
		return g.single()
	}
	return op
}

func (g *generator) alterIncrement(op cl.Increment, n int, other cl.Amount) cl.Operation {
	switch n {
	case 4:
		op.Amount = other
	case 5:
		op.BlockID += "x"
	case 6:
		op.ExpiresAt = g.moment(false)
	case 7:
		op.CostBasis = cl.MustCostBasis(oneOf(g, "cost", costs[1:]...))
	case 8:
		op.Repay = oneOf(g, "repay", cl.RepayFirst, cl.RepayNever)
	case 9:
		op.Filters = oneOf(g, "filters", itemFilters...)
	case 10:
		op.Description, op.Priority = "other", op.Priority+1
	case 11:
		op.RequirePayment, op.Source = !op.RequirePayment, cl.SourceTopUp
	}
	return op
}

// alterNew is alter for what takes a charge back or is about a hold.
func (g *generator) alterNew(op cl.Operation, n int, other cl.Amount) cl.Operation {
	switch op := op.(type) {
	case cl.Reverse:
		switch n {
		case 7:
			op.Amount = other
		case 8:
			op.Charge += "x"
		}
		return op
	case cl.Hold:
		switch n {
		case 6:
			op.HoldID += "x"
		case 7:
			op.Amount = other
		case 8:
			op.Until = g.until()
		case 9:
			op.ItemID, op.PriceID = "other", "other"
		case 10:
			op.Overdraft, op.OverdraftLimit = g.policy()
		}
		return op
	case cl.ExtendHold:
		switch n {
		case 7:
			op.Amount = other
		case 8:
			op.Until = g.until()
		case 9:
			op.Overdraft, op.OverdraftLimit = g.policy()
		}
		return op
	case cl.Capture:
		switch n {
		case 6:
			op.Amount = other
		case 7:
			op.KeepOpen = !op.KeepOpen && !op.Amount.IsZero()
		case 8:
			op.Overdraft, op.OverdraftLimit = g.policy()
		case 9:
			op.AfterLapse = cl.AfterLapseRefuse
		}
		return op
	case cl.Release:
		switch n {
		case 7:
			op.HoldID += "x"
		case 8:
			op.Description += "x"
		}
		return op
	}
	return op
}
