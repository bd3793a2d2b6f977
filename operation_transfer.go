package creditledger

import "fmt"

// AccountOperation is an operation and the account that it is for: Ledger.DoAll.
type AccountOperation struct {
	Account   AccountID
	Operation Operation
}

// Transfer moves free credits of one account to another, in one act: Ledger.Transfer. They
// leave the sender in drawdown order and arrive as blocks of the same cost basis, expiry,
// effective date, priority and filters, one for each block that they came from. They
// repay no debt. Rule: docs/semantics/acts.md, "Transfer".
type Transfer struct {
	From        AccountID         `json:"from"` // two accounts of one currency
	To          AccountID         `json:"to"`
	Amount      Amount            `json:"amount,omitzero"`    // positive; or
	BlockID     string            `json:"block_id,omitempty"` // a block of the sender, all of it that is free
	Description string            `json:"description,omitempty"`
	Metadata    map[string]string `json:"metadata,omitempty"` // on the entries of both accounts, and on the blocks that arrive
}

// VoidTransfer is the reason that the entries of a transfer give on the sender's side.
const VoidTransfer = "transfer"

// check refuses what the transfer alone shows to be wrong.
func (t *Transfer) check() error {
	switch {
	case t.From == t.To:
		return invalid("to", "is the account that the credits come from")
	case t.From.Currency != t.To.Currency:
		return invalid("to", "has the currency %s, not %s", quote(t.To.Currency), quote(t.From.Currency))
	}
	return send{To: t.To, Amount: t.Amount, BlockID: t.BlockID, Description: t.Description, Metadata: t.Metadata}.check()
}

// parts returns the sender's and the receiver's part of the transfer. The receiver's is
// filled in once the sender's is decided.
func (t *Transfer) parts() []AccountOperation {
	metadata := cloneMetadata(t.Metadata)
	return []AccountOperation{
		{t.From, send{To: t.To, Amount: t.Amount, BlockID: t.BlockID, Description: t.Description, Metadata: metadata}},
		{t.To, arrive{From: t.From, Description: t.Description, Metadata: metadata}},
	}
}

// send is the sender's part of a transfer, as it stands in the journal.
type send struct {
	To          AccountID
	Amount      Amount // zero: all that is free of the block
	BlockID     string
	Description string
	Metadata    map[string]string
}

// arrive is the receiver's part of a transfer, as it stands in the journal.
type arrive struct {
	From        AccountID
	Parcels     []parcel
	Description string
	Metadata    map[string]string
}

// parcel is what arrives of one block, with its terms.
type parcel struct {
	BlockID     string
	Amount      Amount
	EffectiveAt Instant
	ExpiresAt   Instant
	CostBasis   CostBasis
	Priority    int32
	Filters     []Filter
}

// Name returns "transfer".
func (send) Name() string { return "transfer" }

// Name returns "transfer".
func (arrive) Name() string { return "transfer" }

func (op send) check() error {
	switch {
	case op.Amount.IsZero() && op.BlockID == "":
		return invalid("amount", "is missing: give an amount or a block_id")
	case !op.Amount.IsZero() && op.BlockID != "":
		return invalid("block_id", "goes without amount: a block is sent whole")
	case op.Amount.Sign() < 0:
		return invalid("amount", "%s is not positive", op.Amount)
	}
	return firstError(checkAccount(op.To), checkOptionalID("block_id", op.BlockID), checkNote(op.Description, op.Metadata))
}

func (op arrive) check() error {
	if len(op.Parcels) == 0 || len(op.Parcels) > MaxEntries {
		return invalid("op", "%d blocks arrive", len(op.Parcels))
	}
	for i := range op.Parcels {
		p := &op.Parcels[i]
		err := firstError(checkID("block_id", p.BlockID), checkPositive(p.Amount), checkFilters(p.Filters))
		if err != nil {
			return err
		}
	}
	return firstError(checkAccount(op.From), checkNote(op.Description, op.Metadata))
}

func (op send) describe() string {
	switch {
	case op.BlockID == "" && op.Amount.IsZero():
		return fmt.Sprintf("%s to %s", op.Name(), plainOrQuoted(op.To.Customer))
	case op.BlockID != "":
		return fmt.Sprintf("%s of block %s to %s", op.Name(), quote(op.BlockID), plainOrQuoted(op.To.Customer))
	}
	return fmt.Sprintf("%s of %s to %s", op.Name(), op.Amount, plainOrQuoted(op.To.Customer))
}

// isPartOfTransfer reports whether an operation exists only as a part of a transfer.
func isPartOfTransfer(op Operation) bool {
	switch op.(type) {
	case send, arrive:
		return true
	}
	return false
}
