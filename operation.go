package creditledger

import (
	"fmt"
)

// Operation is what a caller asks of an account: Increment, Decrement,
// ExpirationChange, Void, Amendment, Activation, Hold, ExtendHold, Capture, Release,
// Schedule, ChangeSchedule, EndSchedule, or a Batch of them. An Operation is not changed or kept by the ledger beyond the call that takes it.
type Operation interface {
	// Name is the operation's name in operations files.
	Name() string
	// check refuses what the operation alone shows to be wrong.
	check() error
}

// Repay says whether an increment first refills debts.
type Repay uint8

// The repayment rules. RepayDefault stands for the ledger's setting.
const (
	RepayDefault Repay = iota
	RepayFirst         // refill eligible negative unfiltered blocks, oldest first, then create a block with the rest
	RepayNever         // always create a block with the whole amount ("NewBlockOnly")
)

// String returns the name used in operations files.
func (r Repay) String() string { return name(repayNames, r) }

// ParseRepay reads a repayment rule by its name.
func ParseRepay(text string) (Repay, error) { return parseName(repayNames, RepayFirst, "repay", text) }

// repayBySetting marks a rule that the ledger took from its settings, in its own copy of
// an operation. So a retry is recognised even if the setting has changed.
const repayBySetting Repay = 0x80

// rule returns r without its mark.
func (r Repay) rule() Repay { return r &^ repayBySetting }

// same reports whether two callers may have meant the same.
func (r Repay) same(o Repay) bool {
	return r.rule() == o.rule() || (r|o)&repayBySetting != 0
}

// MarshalText gives the name, and nothing for RepayDefault.
func (r Repay) MarshalText() ([]byte, error) { return marshalName(repayNames, RepayFirst, "repay", r) }

// UnmarshalText reads what MarshalText writes.
func (r *Repay) UnmarshalText(text []byte) error {
	return unmarshalName(r, repayNames, RepayFirst, "repay", text)
}

var repayNames = []string{"default", "first", "never"}

// Increment grants credits: it creates one block, or under RepayFirst refills debts
// first. Only Amount is required. Rule: docs/semantics.md, "Increment".
type Increment struct {
	Amount         Amount // positive
	BlockID        string // id of the new block; empty: a UUID is made
	EffectiveAt    When   // default: the instant of the operation
	ExpiresAt      When   // default: never
	CostBasis      CostBasis
	Priority       int32
	Filters        []Filter
	Source         Source
	RequirePayment bool // the block waits for Activation
	Repay          Repay
	InvoiceID      string // stands on the block and on the last entry's created invoices
	Description    string
	Metadata       map[string]string // on the entries and on the new block
}

// Decrement spends credits: it drains the eligible matching blocks in drawdown
// order, one entry per block. Rule: docs/semantics.md, "Decrement".
type Decrement struct {
	Amount         Amount // positive
	ItemID         string
	PriceID        string
	InvoiceID      string
	Overdraft      Overdraft
	OverdraftLimit OverdraftLimit // with OverdraftAllow only
	Description    string
	Metadata       map[string]string
	// UsageAt, unless none, is when the usage happened that is reported only now: the
	// blocks that were effective and had not expired then pay for it, with what they hold
	// or, if they have expired since, with what they lost. For the usage of a whole period
	// it is the period's last microsecond.
	UsageAt Instant

	eligibleBefore Instant // of records of format 2; blocks that were not eligible before it do not pay
}

// ExpirationChange moves credits of one block to a new block with another expiry.
// The source is named by BlockID, by its current expiry, or by both.
// Rule: docs/semantics.md, "Expiration change".
type ExpirationChange struct {
	BlockID     string
	ExpiresAt   When   // the source's current expiry
	Target      When   // required; Never() for none
	Amount      Amount // zero: all that remains
	NewBlockID  string // empty: a UUID is made
	Description string
	Metadata    map[string]string // on the entries; the new block keeps its source's
}

// Void takes back what a block still holds, up to Amount, and lowers its capacity by
// the whole of it. Rule: docs/semantics.md, "Void".
type Void struct {
	BlockID     string
	Amount      Amount // positive
	Reason      string // "refund" or empty
	Description string
	Metadata    map[string]string
	Lapsed      bool // also take what the block lost to its expiry, so that late usage cannot draw on it
}

// VoidRefund is the one reason a void may have.
const VoidRefund = "refund"

// Amendment gives back credits that a decrement took from a block.
// Rule: docs/semantics.md, "Amendment".
type Amendment struct {
	BlockID     string
	Amount      Amount // positive
	Description string
	Metadata    map[string]string
}

// Activation makes a block that waited for payment active. It writes no entry.
// Rule: docs/semantics.md, "Activation".
type Activation struct {
	BlockID     string
	Description string
	Metadata    map[string]string
}

// Reverse takes back what a charge drew, in whole or in part: credits go back to the
// blocks they came from. It names either the charge, by the key that the charge was made
// under, the caller's or the one the ledger made, or one of its decrement entries.
// Rule: docs/semantics.md, "Reverse".
type Reverse struct {
	Charge      Key    // all decrement entries of that operation, the last drawn first
	Entry       uint64 // the sequence number of one decrement entry
	Amount      Amount // zero: all that is left of it
	Description string
	Metadata    map[string]string
}

// Batch is several operations on one account, all or none, in order, under one key and at
// one instant. It is not empty, holds no Batch, and holds at most MaxBatch operations.
type Batch []Operation

// expire is an operation of the ledger's own, which nobody can ask for: it writes what
// expired.
type expire struct{}

// Name returns "increment".
func (Increment) Name() string { return "increment" }

// Name returns "decrement".
func (Decrement) Name() string { return "decrement" }

// Name returns "expiration_change".
func (ExpirationChange) Name() string { return "expiration_change" }

// Name returns "void".
func (Void) Name() string { return "void" }

// Name returns "amendment".
func (Amendment) Name() string { return "amendment" }

// Name returns "activate".
func (Activation) Name() string { return "activate" }

// Name returns "reverse".
func (Reverse) Name() string { return "reverse" }

// Name returns "batch".
func (Batch) Name() string { return "batch" }

// Name returns "expire".
func (expire) Name() string { return "expire" }

// describe returns an operation in a few words, for a message.
func describe(op Operation) string {
	switch op := op.(type) {
	case nil:
		return "operation"
	case Increment:
		return op.Name() + " " + op.Amount.String()
	case Decrement:
		return op.Name() + " " + op.Amount.String()
	case ExpirationChange:
		switch {
		case op.BlockID == "" && op.ExpiresAt.IsZero():
			return op.Name()
		case op.BlockID == "":
			return op.Name() + " of the block that expires " + op.ExpiresAt.String()
		}
		return op.Name() + " of block " + quote(op.BlockID)
	case Void:
		return op.Name() + " " + op.Amount.String() + " of block " + quote(op.BlockID)
	case Amendment:
		return op.Name() + " " + op.Amount.String() + " of block " + quote(op.BlockID)
	case Reverse:
		if op.Charge == "" {
			return fmt.Sprintf("%s entry %d", op.Name(), op.Entry)
		}
		return op.Name() + " charge " + quote(string(op.Charge))
	case Activation:
		return op.Name() + " block " + quote(op.BlockID)
	case Hold:
		return op.Name() + " " + quote(op.HoldID) + " of " + op.Amount.String()
	case ExtendHold:
		return op.Name() + " " + quote(op.HoldID) + " by " + op.Amount.String()
	case Capture:
		return op.Name() + " " + op.Amount.String() + " of hold " + quote(op.HoldID)
	case Release:
		return op.Name() + " of hold " + quote(op.HoldID)
	case send:
		return op.describe()
	case arrive:
		return op.Name() + " from " + plainOrQuoted(op.From.Customer)
	case Schedule:
		return op.Name() + " " + quote(op.ScheduleID) + " of " + op.Amount.String()
	case ChangeSchedule:
		return op.Name() + " " + quote(op.ScheduleID)
	case EndSchedule:
		return op.Name() + " " + quote(op.ScheduleID)
	case Batch:
		if len(op) == 1 {
			return op.Name() + " of one operation"
		}
		return fmt.Sprintf("%s of %d operations", op.Name(), len(op))
	}
	return "operation"
}
