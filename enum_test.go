package creditledger

import "testing"

// TestNames: every value of a small enumeration has a name that reads back as it,
// and nothing else does.
func TestNames(t *testing.T) {
	checkNames(t, "BlockStatus", []BlockStatus{BlockActive, BlockPendingPayment}, nil, "active pending_payment")
	checkNames(t, "Source", []Source{SourceManual, SourceAllocation, SourceTopUp, SourceCommitment}, ParseSource, "manual allocation top_up commitment")
	checkNames(t, "FilterField", []FilterField{FilterFieldItem, FilterFieldPrice, FilterFieldPriceType, FilterFieldCurrency, FilterFieldPricingUnit},
		ParseFilterField, "item_id price_id price_type currency pricing_unit_id")
	checkNames(t, "FilterOperator", []FilterOperator{FilterIncludes, FilterExcludes}, ParseFilterOperator, "includes excludes")
	checkNames(t, "Repay", []Repay{RepayFirst, RepayNever}, ParseRepay, "first never")
	checkNames(t, "Overdraft", []Overdraft{OverdraftAllow, OverdraftReject, OverdraftStopAtZero}, ParseOverdraft, "allow reject stop_at_zero")
	checkNames(t, "AfterLapse", []AfterLapse{AfterLapseCharge, AfterLapseRefuse}, ParseAfterLapse, "charge refuse")
	checkNames(t, "IntervalUnit", []IntervalUnit{IntervalDay, IntervalWeek, IntervalMonth, IntervalYear}, ParseIntervalUnit, "day week month year")
	checkNames(t, "FirstPeriod", []FirstPeriod{FirstFull, FirstProrated, FirstSkip}, ParseFirstPeriod, "full prorated skip")
	checkNames(t, "CatchUp", []CatchUp{CatchUpAll, CatchUpLatest}, ParseCatchUp, "all latest")
	checkNames(t, "ChangeWhen", []ChangeWhen{ChangeNext, ChangeNow}, ParseChangeWhen, "next now")
	checkNames(t, "ScheduleState", []ScheduleState{ScheduleActive, ScheduleEnded}, nil, "active ended")
	checkNames(t, "EntryType", []EntryType{
		EntryIncrement, EntryDecrement, EntryExpirationChange, EntryCreditBlockExpiry,
		EntryVoidInitiated, EntryVoid, EntryAmendment,
	}, ParseEntryType, "increment decrement expiration_change credit_block_expiry void_initiated void amendment")
	checkNames(t, "EntryStatus", []EntryStatus{EntryCommitted, EntryPending}, ParseEntryStatus, "committed pending")
	checkNames(t, "Reason", []Reason{
		ReasonFiltered, ReasonNotEffective, ReasonExpired, ReasonPendingPayment, ReasonEmpty, ReasonUsed, ReasonNotNeeded,
	}, nil, "filtered not_effective expired pending_payment empty used not_needed")
	if got := EntryType(0).String(); got != "unknown(0)" {
		t.Errorf("the entry type that is none is called %s", got)
	}
	if got := RepayDefault.String(); got != "default" {
		t.Errorf("the default repayment is called %s", got)
	}
}
