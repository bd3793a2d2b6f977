package opsfile

import "creditledger"

// The JSON objects of docs/operations.md. The order of the fields is the order of the
// keys; a pointer that is nil stands for an absent value, null.

type entryObject struct {
	ID          string            `json:"id"`
	Type        string            `json:"entry_type"`
	Status      string            `json:"entry_status"`
	Seq         uint64            `json:"ledger_sequence_number"`
	CreatedAt   string            `json:"created_at"`
	Amount      string            `json:"amount"`
	Starting    string            `json:"starting_balance"`
	Ending      string            `json:"ending_balance"`
	Currency    string            `json:"currency"`
	Customer    string            `json:"customer_id"`
	Description *string           `json:"description"`
	Metadata    map[string]string `json:"metadata"`
	Erased      bool              `json:"erased,omitempty"`
	Block       creditBlockObject `json:"credit_block"`

	// By type: what does not belong to the type is left out.
	*chargeObject
	*newExpiryObject
	*newBlockObjectID
	*voidObject

	UsageAt  *string `json:"usage_at"`
	Reverses *uint64 `json:"reverses"`

	*grantObject
}

type creditBlockObject struct {
	ID        string         `json:"id"`
	ExpiresAt *string        `json:"expiry_date"`
	CostBasis *string        `json:"per_unit_cost_basis"`
	Filters   []filterObject `json:"filters"`
}

type chargeObject struct {
	ItemID    *string `json:"item_id"`
	PriceID   *string `json:"price_id"`
	InvoiceID *string `json:"invoice_id"`
}

type newExpiryObject struct {
	Expiry *string `json:"new_block_expiry_date"`
}

type newBlockObjectID struct {
	ID *string `json:"new_block_id"`
}

type grantObject struct {
	CostBasis *string `json:"granted_cost_basis"`
}

type voidObject struct {
	Amount string  `json:"void_amount"`
	Reason *string `json:"void_reason"`
}

func newEntryObject(e *creditledger.Entry) entryObject {
	o := entryObject{
		ID:          e.ID,
		Type:        e.Type.String(),
		Status:      e.Status.String(),
		Seq:         e.Seq,
		CreatedAt:   e.CreatedAt.String(),
		Amount:      e.Amount.String(),
		Starting:    e.Starting.String(),
		Ending:      e.Ending.String(),
		Currency:    e.Account.Currency,
		Customer:    e.Account.Customer,
		Description: optional(e.Description),
		Metadata:    pairs(e.Metadata),
		Erased:      e.Erased,
		Block: creditBlockObject{
			ID:        e.Block.ID,
			ExpiresAt: optionalInstant(e.Block.ExpiresAt),
			CostBasis: optional(e.Block.CostBasis.String()),
			Filters:   list(e.Block.Filters, newFilterObject),
		},
		UsageAt: optionalInstant(e.UsageAt),
	}
	if e.Reverses != 0 {
		o.Reverses = &e.Reverses
	}
	switch e.Type {
	case creditledger.EntryIncrement:
		o.grantObject = &grantObject{optional(e.GrantedCostBasis.String())}
	case creditledger.EntryDecrement:
		o.chargeObject = &chargeObject{optional(e.ItemID), optional(e.PriceID), optional(e.InvoiceID)}
	case creditledger.EntryExpirationChange:
		o.newExpiryObject = &newExpiryObject{optionalInstant(e.NewBlockExpiry)}
		o.newBlockObjectID = &newBlockObjectID{optional(e.NewBlockID)}
	case creditledger.EntryVoidInitiated:
		o.newExpiryObject = &newExpiryObject{optionalInstant(e.NewBlockExpiry)}
		o.voidObject = &voidObject{e.VoidAmount.String(), optional(e.VoidReason)}
	case creditledger.EntryVoid:
		o.voidObject = &voidObject{e.VoidAmount.String(), optional(e.VoidReason)}
	}
	return o
}

type blockObject struct {
	ID          string            `json:"id"`
	Balance     string            `json:"balance"`
	Initial     *string           `json:"maximum_initial_balance"`
	EffectiveAt string            `json:"effective_date"`
	ExpiresAt   *string           `json:"expiry_date"`
	CostBasis   *string           `json:"per_unit_cost_basis"`
	Priority    int32             `json:"priority"`
	Filters     []filterObject    `json:"filters"`
	Status      string            `json:"status"`
	Source      string            `json:"source"`
	Parent      *string           `json:"parent_block_id"`
	Metadata    map[string]string `json:"metadata"`
	CreatedAt   string            `json:"created_at"`
	Lapsed      string            `json:"lapsed"`
}

func newBlockObject(b *creditledger.Block) blockObject {
	o := blockObject{
		ID:          b.ID,
		Balance:     b.Balance.String(),
		EffectiveAt: b.EffectiveAt.String(),
		ExpiresAt:   optionalInstant(b.ExpiresAt),
		CostBasis:   optional(b.CostBasis.String()),
		Priority:    b.Priority,
		Filters:     list(b.Filters, newFilterObject),
		Status:      b.Status.String(),
		Source:      b.Source.String(),
		Parent:      optional(b.ParentID),
		Metadata:    pairs(b.Metadata),
		CreatedAt:   b.CreatedAt.String(),
		Lapsed:      b.Lapsed.String(),
	}
	if !b.Overdraft {
		initial := b.Initial.String()
		o.Initial = &initial
	}
	return o
}

type filterObject struct {
	Field    string   `json:"field"`
	Operator string   `json:"operator"`
	Values   []string `json:"values"`
}

func newFilterObject(f *creditledger.Filter) filterObject {
	return filterObject{f.Field.String(), f.Operator.String(), f.Values}
}

type balanceObject struct {
	Balance   string `json:"balance"`
	Available string `json:"available"`
	AsOf      string `json:"as_of"`
}

func newBalanceObject(b creditledger.Balance) balanceObject {
	return balanceObject{b.Total.String(), b.Available.String(), b.AsOf.String()}
}

type explainedObject struct {
	ID     string `json:"id"`
	Use    string `json:"use"`
	Reason string `json:"reason"`
}

func newExplainedObject(b *creditledger.ExplainedBlock) explainedObject {
	return explainedObject{b.Block.ID, b.Use.String(), b.Reason.String()}
}

type erasedObject struct {
	Accounts   int    `json:"accounts"`
	Operations uint64 `json:"operations"`
	Blocks     uint64 `json:"blocks"`
	Customer   bool   `json:"customer"`
	Kept       uint64 `json:"kept,omitempty"`
}

type verifyObject struct {
	OK        bool    `json:"ok"`
	Entries   uint64  `json:"entries"`
	Blocks    uint64  `json:"blocks"`
	Erased    uint64  `json:"erased,omitempty"`
	Violation *string `json:"violation,omitempty"`
}

func newVerifyObject(v creditledger.Verification) verifyObject {
	o := verifyObject{OK: v.OK, Entries: v.Entries, Blocks: v.Blocks, Erased: v.Erased}
	if v.Violation != nil {
		o.Violation = optional(v.Violation.String())
	}
	return o
}

// list turns every element into its object; an empty list is [], not null.
func list[T, O any](in []T, object func(*T) O) []O {
	out := make([]O, len(in))
	for i := range in {
		out[i] = object(&in[i])
	}
	return out
}

// pairs returns metadata as an object, {} when there is none.
func pairs(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func optionalInstant(i creditledger.Instant) *string {
	if i.IsZero() {
		return nil
	}
	return optional(i.String())
}

func unlessZero(a creditledger.Amount) *string {
	if a.IsZero() {
		return nil
	}
	return optional(a.String())
}
