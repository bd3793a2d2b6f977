package opsfile

import "creditledger"

// Operations on holds.

func readHold(f *fields) creditledger.Operation {
	op := creditledger.Hold{
		HoldID:      f.requiredID("hold_id"),
		Amount:      f.requiredAmount("amount"),
		Until:       f.instant("until"),
		ItemID:      f.id("item_id"),
		PriceID:     f.id("price_id"),
		Description: f.description(),
		Metadata:    f.metadata("metadata"),
	}
	op.Overdraft, op.OverdraftLimit = f.overdraft()
	return op
}

func readExtendHold(f *fields) creditledger.Operation {
	op := creditledger.ExtendHold{
		HoldID:      f.requiredID("hold_id"),
		Amount:      f.notNegative("amount"),
		Until:       f.instant("until"),
		Description: f.description(),
		Metadata:    f.metadata("metadata"),
	}
	op.Overdraft, op.OverdraftLimit = f.overdraft()
	return op
}

func readCapture(f *fields) creditledger.Operation {
	f.require("amount")
	op := creditledger.Capture{
		HoldID:      f.requiredID("hold_id"),
		Amount:      f.notNegative("amount"),
		KeepOpen:    f.flag("keep_open"),
		AfterLapse:  word(f, "after_lapse", creditledger.ParseAfterLapse),
		Description: f.description(),
		Metadata:    f.metadata("metadata"),
	}
	op.Overdraft, op.OverdraftLimit = f.overdraft()
	return op
}

func readRelease(f *fields) creditledger.Operation {
	return creditledger.Release{
		HoldID:      f.requiredID("hold_id"),
		Description: f.description(),
		Metadata:    f.metadata("metadata"),
	}
}

// overdraft reads a policy and its limit.
func (f *fields) overdraft() (creditledger.Overdraft, creditledger.OverdraftLimit) {
	policy := word(f, "overdraft", creditledger.ParseOverdraft)
	if limit, ok := f.amount("overdraft_limit"); ok {
		return policy, creditledger.OverdraftLimitOf(limit)
	}
	return policy, creditledger.OverdraftLimit{}
}

// notNegative returns an amount, 0 when absent.
func (f *fields) notNegative(key string) creditledger.Amount {
	a, ok := f.amount(key)
	if ok && a.Sign() < 0 {
		f.refuse(key, "%s is negative", a)
	}
	return a
}
