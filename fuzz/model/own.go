package model

import (
	"math/big"
	"time"

	cl "creditledger"
)

// own is the model's own form of an operation of the library.
func own(op Operation) Operation {
	switch op := op.(type) {
	case cl.Reverse:
		m := Reverse{Charge: op.Charge, Entry: int(op.Entry), Texts: Texts{op.Description, op.Metadata}}
		if !op.Amount.IsZero() {
			m.Amount = Rat(op.Amount)
		}
		return m
	case cl.Hold:
		return SetAside{
			HoldID: op.HoldID, Amount: Rat(op.Amount), Until: op.Until, Item: op.ItemID, Price: op.PriceID,
			Overdraft: policyOr(op.Overdraft, Reject), Limit: limitOf(op.OverdraftLimit), Texts: Texts{op.Description, op.Metadata},
		}
	case cl.ExtendHold:
		return ExtendHold{
			HoldID: op.HoldID, Amount: Rat(op.Amount), Until: op.Until,
			Overdraft: policyOr(op.Overdraft, Reject), Limit: limitOf(op.OverdraftLimit), Texts: Texts{op.Description, op.Metadata},
		}
	case cl.Capture:
		return Capture{
			HoldID: op.HoldID, Amount: Rat(op.Amount), KeepOpen: op.KeepOpen, Overdraft: policyOr(op.Overdraft, StopAtZero),
			Limit: limitOf(op.OverdraftLimit), Refuse: op.AfterLapse == cl.AfterLapseRefuse, Texts: Texts{op.Description, op.Metadata},
		}
	case cl.Release:
		return Release{HoldID: op.HoldID, Texts: Texts{op.Description, op.Metadata}}
	case cl.Schedule, cl.ChangeSchedule, cl.EndSchedule:
		return ownOnSchedule(op)
	}
	return op
}

// ownOnSchedule is own for an operation on a schedule.
func ownOnSchedule(op Operation) Operation {
	switch op := op.(type) {
	case cl.Schedule:
		m := Schedule{
			ScheduleID: op.ScheduleID, Amount: Rat(op.Amount), Anchor: momentOf(op.Anchor), Every: spanOf(op.Every), Start: momentOf(op.Start), End: momentOf(op.End),
			Count: op.Count, Expires: lifeOf(op.Expires), First: op.First.String(), Scale: op.Scale, Rollover: rolloverOf(op.Rollover), CatchUp: op.CatchUp.String(),
			CostBasis: op.CostBasis, Priority: op.Priority, Filters: op.Filters, Source: op.Source.Source(), RequirePayment: op.RequirePayment,
			Texts: Texts{op.Description, op.Metadata},
		}
		if op.Timezone != "" {
			m.Zone, _ = time.LoadLocation(op.Timezone)
		}
		return m
	case cl.ChangeSchedule:
		m := ChangeSchedule{ScheduleID: op.ScheduleID, Change: op.Metadata, Clear: op.ClearMetadata, Now: op.When == cl.ChangeNow, Description: op.Description}
		if len(op.Metadata) == 0 {
			m.Change = nil
		}
		if !op.Amount.IsZero() {
			m.Amount = Rat(op.Amount)
		}
		if op.Rollover != nil {
			if m.Rollover = rolloverOf(*op.Rollover); m.Rollover == nil {
				m.Rollover = &Rollover{None: true}
			}
		}
		if op.Expires != nil {
			life := lifeOf(*op.Expires)
			m.Expires = &life
		}
		return m
	case cl.EndSchedule:
		return EndSchedule{ScheduleID: op.ScheduleID, VoidBlocks: op.VoidBlocks, Reason: op.VoidReason, Texts: Texts{op.Description, op.Metadata}}
	}
	return op
}

// momentOf reads a point of the calendar by its text. A point that does not exist is read
// as none.
func momentOf(c cl.CalendarTime) Moment {
	text := c.String()
	if t, err := time.Parse("2006-01-02T15:04:05", text); err == nil {
		return Moment{Wall: WallOf(cl.InstantOf(t), time.UTC)}
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return Moment{Instant: cl.InstantOf(t)}
	}
	return Moment{}
}

func spanOf(v cl.Interval) Span {
	if v.IsZero() {
		return Span{}
	}
	return Span{Count: v.Count, Unit: v.Unit.String()}
}

func lifeOf(e cl.GrantExpiry) Life { return Life{Never: e.IsNever(), Span: spanOf(e.After())} }

// rolloverOf is nil for none.
func rolloverOf(r cl.Rollover) *Rollover {
	if r.IsZero() {
		return nil
	}
	m := &Rollover{Percent: Rat(r.Percent), MaxTimes: r.MaxTimes, Expires: lifeOf(r.Expires)}
	if r.MaxTimes == 0 {
		m.MaxTimes = -1 // it has to be said
	}
	if !r.Max.IsZero() {
		m.Max = Rat(r.Max)
	}
	return m
}

// policyOr is the overdraft policy, or the usual one where none is said.
func policyOr(o cl.Overdraft, usual string) string {
	if o == cl.OverdraftDefault {
		return usual
	}
	return o.String()
}

// limitOf is nil for none.
func limitOf(l cl.OverdraftLimit) *big.Rat {
	if limit, limited := l.Amount(); limited {
		return Rat(limit)
	}
	return nil
}
