package model

import (
	"math/big"

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
	}
	return op
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
