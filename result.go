package creditledger

// Result is what an operation did. It is the caller's own.
type Result struct {
	Key      Key     // the caller's, or the one the ledger made
	At       Instant // the instant of the operation
	Replayed bool    // the key was known: this is the first result again
	// Entries are those of the operation, in order; of a Batch, those of all its
	// operations. Expiries materialised on the way are not among them.
	Entries    []Entry
	Overage    Amount    // OverdraftStopAtZero: what was not covered
	Consumed   Amount    // void: requested credits that were already used; their revenue is to be reversed
	NewBlockID string    // the first block made, empty when none was
	Hold       *HoldInfo // hold, extend_hold, capture, release: the hold afterwards
	Late       bool      // capture: its hold had lapsed
	// Schedule, ChangeSchedule, EndSchedule: the schedule afterwards.
	Schedule *ScheduleInfo
	// Reverse: what was taken off the charge in all; Lapsed of it went to blocks that have
	// expired, and Lost to none, because they could not take it any more.
	Reversed, Lapsed, Lost Amount
	Results                []Result // Batch: one per operation, without Key and Replayed
}
