package creditledger

// EntryType is what an entry did.
type EntryType uint8

// The seven entry types.
const (
	EntryIncrement         EntryType = 1 + iota // credits were granted, or a debt refilled
	EntryDecrement                              // credits were spent
	EntryExpirationChange                       // credits moved to a new block with another expiry
	EntryCreditBlockExpiry                      // what a block still held when it expired is gone
	EntryVoidInitiated                          // a void was asked for; always followed by EntryVoid
	EntryVoid                                   // credits were taken back
	EntryAmendment                              // credits a decrement took were given back
)

// String returns the name used in operations files.
func (t EntryType) String() string { return name(entryTypeNames, t) }

// ParseEntryType reads an entry type by its name.
func ParseEntryType(text string) (EntryType, error) {
	return parseName(entryTypeNames, EntryType(1), "entry_type", text)
}

// MarshalText gives the name, and nothing for no type.
func (t EntryType) MarshalText() ([]byte, error) {
	return marshalName(entryTypeNames, EntryIncrement, "entry_type", t)
}

// UnmarshalText reads what MarshalText writes.
func (t *EntryType) UnmarshalText(text []byte) error {
	return unmarshalName(t, entryTypeNames, EntryIncrement, "entry_type", text)
}

var entryTypeNames = []string{"", "increment", "decrement", "expiration_change", "credit_block_expiry", "void_initiated", "void", "amendment"}

// EntryStatus tells whether the grace period of an entry is over.
type EntryStatus uint8

// The statuses of an entry.
const (
	EntryCommitted EntryStatus = 1 + iota // now ≥ created_at + grace period
	EntryPending
)

// String returns the name used in operations files.
func (s EntryStatus) String() string { return name(entryStatusNames, s) }

// ParseEntryStatus reads a status by its name.
func ParseEntryStatus(text string) (EntryStatus, error) {
	return parseName(entryStatusNames, EntryStatus(1), "entry_status", text)
}

// MarshalText gives the name, and nothing for no status.
func (s EntryStatus) MarshalText() ([]byte, error) {
	return marshalName(entryStatusNames, EntryCommitted, "entry_status", s)
}

// UnmarshalText reads what MarshalText writes.
func (s *EntryStatus) UnmarshalText(text []byte) error {
	return unmarshalName(s, entryStatusNames, EntryCommitted, "entry_status", text)
}

var entryStatusNames = []string{"", "committed", "pending"}

// Entry is one immutable line of an account's ledger. Amounts are in credits of the
// account's currency and never negative in Amount and VoidAmount; the direction is
// in the type. An Entry that the ledger returns is the caller's own; its maps and
// slices must not be changed. Rule: docs/semantics.md, "Entries".
type Entry struct {
	ID        string
	Account   AccountID
	Seq       uint64 // from 1, dense within the account
	CreatedAt Instant
	Type      EntryType
	Status    EntryStatus
	Amount    Amount
	Starting  Amount // the account's total before
	Ending    Amount // and after
	Block     EntryBlock

	Description    string
	Metadata       map[string]string
	Erased         bool // it had a description or metadata, and has none any more (Ledger.Erase, Ledger.NoteLoss)
	IdempotencyKey Key  // the caller's; or one that the ledger made and told before it decided again; else empty

	CreatedInvoices []string // increment

	ItemID, PriceID, InvoiceID string // decrement
	HoldID                     string // decrement of a capture

	UsageAt          Instant   // of a decrement that had it: the decrements, and the amendments that restored what they drew
	Reverses         uint64    // of a reversal: the sequence number of the decrement that the amendment or increment takes back
	GrantedCostBasis CostBasis // increment that repaid a debt: that of its own grant, not of the block it went to

	NewBlockExpiry Instant // expiration_change (none: never), void_initiated
	NewBlockID     string  // expiration_change
	VoidAmount     Amount  // void_initiated, void
	VoidReason     string  // void_initiated, void
}

// EntryBlock is the block of an entry, as far as an entry shows it.
type EntryBlock struct {
	ID        string
	Number    uint64
	ExpiresAt Instant
	CostBasis CostBasis
	Filters   []Filter
}
