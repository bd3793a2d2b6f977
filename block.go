package creditledger

// BlockStatus tells whether the credits of a block may be used at all.
type BlockStatus uint8

// The statuses of a block.
const (
	BlockActive         BlockStatus = iota // may be drawn while effective and not expired
	BlockPendingPayment                    // waits for its invoice to be paid
)

// String returns the name used in operations files.
func (s BlockStatus) String() string { return name(blockStatusNames, s) }

// MarshalText gives the name.
func (s BlockStatus) MarshalText() ([]byte, error) {
	return marshalName(blockStatusNames, BlockActive, "status", s)
}

// UnmarshalText reads what MarshalText writes.
func (s *BlockStatus) UnmarshalText(text []byte) error {
	return unmarshalName(s, blockStatusNames, BlockActive, "status", text)
}

// Source tells where a block came from.
type Source uint8

// The sources of a block.
const (
	SourceManual Source = iota
	SourceAllocation
	SourceTopUp
	SourceCommitment
)

// String returns the name used in operations files.
func (s Source) String() string { return name(sourceNames, s) }

// ParseSource reads a source by its name.
func ParseSource(text string) (Source, error) {
	return parseName(sourceNames, Source(0), "source", text)
}

// MarshalText gives the name.
func (s Source) MarshalText() ([]byte, error) {
	return marshalName(sourceNames, SourceManual, "source", s)
}

// UnmarshalText reads what MarshalText writes.
func (s *Source) UnmarshalText(text []byte) error {
	return unmarshalName(s, sourceNames, SourceManual, "source", text)
}

var (
	blockStatusNames = []string{"active", "pending_payment"}
	sourceNames      = []string{"manual", "allocation", "top_up", "commitment"}
)

// Block is an amount of credits granted together. Amounts are in credits of the
// account's currency, instants in UTC. A Block that the ledger returns is the
// caller's own; its Filters and Metadata must not be changed.
// Rule: docs/semantics.md, "Blocks".
type Block struct {
	ID          string
	Number      uint64 // creation sequence, dense within the account, from 1
	CreatedAt   Instant
	EffectiveAt Instant
	ExpiresAt   Instant // none: never
	ActivatedAt Instant // when it became active; none while BlockPendingPayment
	Initial     Amount  // maximum initial balance; meaningless when Overdraft
	Balance     Amount
	Capacity    Amount // Initial less everything voided and transferred out; meaningless when Overdraft
	CostBasis   CostBasis
	Priority    int32 // smaller is drawn first
	Status      BlockStatus
	Source      Source
	Overdraft   bool // made by a decrement to hold a debt; it has no initial amount
	Filters     []Filter
	InvoiceID   string
	ParentID    string // the block an expiration change took its credits from
	Metadata    map[string]string
	Paid        bool    // it waited for payment, until ActivatedAt
	Lapsed      Amount  // lost to its own expiry, less what usage reported late has drawn of it
	Refill      *Refill // what grants have repaid of its debt; nil: nothing. It must not be changed
	Held        Amount  // what open holds keep of it; no store keeps it, and DecodeBlock leaves it 0
}

// Refill is what later grants have repaid of a block's debt, and the terms of the last of
// them: credits come back on these when a charge is taken back that made the debt.
// Rule: docs/semantics.md, "Reverse".
type Refill struct {
	Repaid      Amount    `json:"repaid"` // what has not come back yet; positive
	EffectiveAt Instant   `json:"effective_date"`
	ExpiresAt   Instant   `json:"expiry_date,omitzero"` // none: never
	CostBasis   CostBasis `json:"per_unit_cost_basis"`
	Priority    int32     `json:"priority"`
	Source      Source    `json:"source"`
}

// Eligible reports whether b may be drawn at t.
func (b *Block) Eligible(t Instant) bool { return eligibleAt(b.Status, b.EffectiveAt, b.ExpiresAt, t) }

func eligibleAt(status BlockStatus, effective, expires, t Instant) bool {
	return status == BlockActive && effective <= t && !expiredAt(expires, t)
}

// Expired reports whether b is gone at t: expiry is exclusive.
func (b *Block) Expired(t Instant) bool { return expiredAt(b.ExpiresAt, t) }

func expiredAt(expires, t Instant) bool { return expires != 0 && expires <= t }

// Matches reports whether every filter of b lets the charge through.
func (b *Block) Matches(c Charge) bool { return matches(b.Filters, c) }
