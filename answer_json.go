package creditledger

import (
	"bytes"
	"encoding/json"
)

// What the ledger returns writes itself in the words of the answers to operations files,
// and reads what it wrote: docs/operations/answers.md. The order of the fields of an
// object is the order of the keys; a pointer that is nil stands for an absent value, null.
// Keys that are not known are passed over: later versions may add some.

type entryObject struct {
	ID          string            `json:"id"`
	Type        EntryType         `json:"entry_type"`
	Status      EntryStatus       `json:"entry_status"`
	Seq         uint64            `json:"ledger_sequence_number"`
	CreatedAt   Instant           `json:"created_at"`
	Amount      Amount            `json:"amount"`
	Starting    Amount            `json:"starting_balance"`
	Ending      Amount            `json:"ending_balance"`
	Currency    string            `json:"currency"`
	Customer    string            `json:"customer_id"`
	Description *string           `json:"description"`
	Metadata    map[string]string `json:"metadata"`
	Erased      bool              `json:"erased,omitempty"`
	Block       creditBlockObject `json:"credit_block"`

	// Only fields that belong to the entry's type are written.
	*chargeObject
	*newExpiryObject
	*newBlockObjectID
	*voidObject

	UsageAt  *Instant `json:"usage_at"`
	Reverses *uint64  `json:"reverses"`

	*grantObject

	IdempotencyKey  Key      `json:"idempotency_key,omitempty"`
	CreatedInvoices []string `json:"created_invoices,omitempty"`
}

type creditBlockObject struct {
	ID        string    `json:"id"`
	ExpiresAt *Instant  `json:"expiry_date"`
	CostBasis CostBasis `json:"per_unit_cost_basis"`
	Filters   []Filter  `json:"filters"`
	Number    uint64    `json:"number"`
}

type chargeObject struct {
	ItemID    *string `json:"item_id"`
	PriceID   *string `json:"price_id"`
	InvoiceID *string `json:"invoice_id"`
	HoldID    *string `json:"hold_id"`
}

type newExpiryObject struct {
	Expiry *Instant `json:"new_block_expiry_date"`
}

type newBlockObjectID struct {
	ID *string `json:"new_block_id"`
}

type grantObject struct {
	CostBasis CostBasis `json:"granted_cost_basis"`
}

type voidObject struct {
	Amount Amount  `json:"void_amount"`
	Reason *string `json:"void_reason"`
}

func newEntryObject(e *Entry) entryObject {
	o := entryObject{
		ID:          e.ID,
		Type:        e.Type,
		Status:      e.Status,
		Seq:         e.Seq,
		CreatedAt:   e.CreatedAt,
		Amount:      e.Amount,
		Starting:    e.Starting,
		Ending:      e.Ending,
		Currency:    e.Account.Currency,
		Customer:    e.Account.Customer,
		Description: optional(e.Description),
		Metadata:    listed(e.Metadata),
		Erased:      e.Erased,
		Block: creditBlockObject{
			ID:        e.Block.ID,
			ExpiresAt: optional(e.Block.ExpiresAt),
			CostBasis: e.Block.CostBasis,
			Filters:   append([]Filter{}, e.Block.Filters...),
			Number:    e.Block.Number,
		},
		UsageAt: optional(e.UsageAt), Reverses: optional(e.Reverses),
		IdempotencyKey: e.IdempotencyKey, CreatedInvoices: e.CreatedInvoices,
	}
	switch e.Type {
	case EntryIncrement:
		o.grantObject = &grantObject{e.GrantedCostBasis}
	case EntryDecrement:
		o.chargeObject = &chargeObject{optional(e.ItemID), optional(e.PriceID), optional(e.InvoiceID), optional(e.HoldID)}
	case EntryExpirationChange:
		o.newExpiryObject = &newExpiryObject{optional(e.NewBlockExpiry)}
		o.newBlockObjectID = &newBlockObjectID{optional(e.NewBlockID)}
	case EntryVoidInitiated:
		o.newExpiryObject = &newExpiryObject{optional(e.NewBlockExpiry)}
		o.voidObject = &voidObject{e.VoidAmount, optional(e.VoidReason)}
	case EntryVoid:
		o.voidObject = &voidObject{e.VoidAmount, optional(e.VoidReason)}
	}
	return o
}

// entry returns the entry that the object describes.
func (o *entryObject) entry() Entry {
	e := Entry{
		ID: o.ID, Account: AccountID{Customer: o.Customer, Currency: o.Currency}, Seq: o.Seq, CreatedAt: o.CreatedAt, Type: o.Type, Status: o.Status,
		Amount: o.Amount, Starting: o.Starting, Ending: o.Ending,
		Block: EntryBlock{
			ID: o.Block.ID, Number: o.Block.Number, ExpiresAt: orZero(o.Block.ExpiresAt), CostBasis: o.Block.CostBasis, Filters: orNone(o.Block.Filters),
		},
		Description: orZero(o.Description), Metadata: unlisted(o.Metadata), Erased: o.Erased,
		UsageAt: orZero(o.UsageAt), Reverses: orZero(o.Reverses),
		IdempotencyKey: o.IdempotencyKey, CreatedInvoices: orNone(o.CreatedInvoices),
	}
	if g := o.grantObject; g != nil {
		e.GrantedCostBasis = g.CostBasis
	}
	if c := o.chargeObject; c != nil {
		e.ItemID, e.PriceID, e.InvoiceID, e.HoldID = orZero(c.ItemID), orZero(c.PriceID), orZero(c.InvoiceID), orZero(c.HoldID)
	}
	if n := o.newExpiryObject; n != nil {
		e.NewBlockExpiry = orZero(n.Expiry)
	}
	if n := o.newBlockObjectID; n != nil {
		e.NewBlockID = orZero(n.ID)
	}
	if v := o.voidObject; v != nil {
		e.VoidAmount, e.VoidReason = v.Amount, orZero(v.Reason)
	}
	return e
}

// MarshalJSON writes the entry in the words of operations files.
func (e Entry) MarshalJSON() ([]byte, error) { return plainJSON(newEntryObject(&e)) }

// UnmarshalJSON reads what MarshalJSON writes, and an object with the names of the fields
// as keys, which documents of earlier versions hold. On an error e stays as it was.
func (e *Entry) UnmarshalJSON(data []byte) error {
	o := struct {
		entryObject
		Named *EntryType `json:"Type"`
	}{entryObject: entryObject{
		chargeObject: &chargeObject{}, newExpiryObject: &newExpiryObject{}, newBlockObjectID: &newBlockObjectID{}, voidObject: &voidObject{},
		grantObject: &grantObject{},
	}}
	if err := json.Unmarshal(data, &o); err != nil {
		return badJSON("entry", err)
	}
	if o.Named == nil {
		*e = o.entry()
		return nil
	}
	type named Entry
	var read named
	if err := json.Unmarshal(data, &read); err != nil {
		return badJSON("entry", err)
	}
	*e = Entry(read)
	return nil
}

type blockObject struct {
	ID          string            `json:"id"`
	Balance     Amount            `json:"balance"`
	Initial     *Amount           `json:"maximum_initial_balance"`
	EffectiveAt Instant           `json:"effective_date"`
	ExpiresAt   *Instant          `json:"expiry_date"`
	CostBasis   CostBasis         `json:"per_unit_cost_basis"`
	Priority    int32             `json:"priority"`
	Filters     []Filter          `json:"filters"`
	Status      BlockStatus       `json:"status"`
	Source      Source            `json:"source"`
	Parent      *string           `json:"parent_block_id"`
	Metadata    map[string]string `json:"metadata"`
	CreatedAt   Instant           `json:"created_at"`
	Held        Amount            `json:"held"`
	Lapsed      Amount            `json:"lapsed"`
	Number      uint64            `json:"number"`
	Capacity    *Amount           `json:"capacity"`
	ActivatedAt *Instant          `json:"activated_at"`
	InvoiceID   *string           `json:"invoice_id"`
	Paid        bool              `json:"paid,omitempty"`
	Refill      *Refill           `json:"refill,omitempty"`
}

func newBlockObject(b *Block) blockObject {
	o := blockObject{
		ID:          b.ID,
		Balance:     b.Balance,
		EffectiveAt: b.EffectiveAt,
		ExpiresAt:   optional(b.ExpiresAt),
		CostBasis:   b.CostBasis,
		Priority:    b.Priority,
		Filters:     append([]Filter{}, b.Filters...),
		Status:      b.Status,
		Source:      b.Source,
		Parent:      optional(b.ParentID),
		Metadata:    listed(b.Metadata),
		CreatedAt:   b.CreatedAt,
		Held:        b.Held,
		Lapsed:      b.Lapsed,
		Number:      b.Number,
		ActivatedAt: optional(b.ActivatedAt),
		InvoiceID:   optional(b.InvoiceID),
		Paid:        b.Paid,
		Refill:      b.Refill,
	}
	if !b.Overdraft {
		o.Initial, o.Capacity = &b.Initial, &b.Capacity
	}
	return o
}

// block returns the block that the object describes.
func (o *blockObject) block() Block {
	return Block{
		ID: o.ID, Number: o.Number, CreatedAt: o.CreatedAt, EffectiveAt: o.EffectiveAt, ExpiresAt: orZero(o.ExpiresAt), ActivatedAt: orZero(o.ActivatedAt),
		Initial: orZero(o.Initial), Balance: o.Balance, Capacity: orZero(o.Capacity), CostBasis: o.CostBasis, Priority: o.Priority,
		Status: o.Status, Source: o.Source, Overdraft: o.Initial == nil, Filters: orNone(o.Filters), InvoiceID: orZero(o.InvoiceID),
		ParentID: orZero(o.Parent), Metadata: unlisted(o.Metadata), Held: o.Held, Lapsed: o.Lapsed, Paid: o.Paid, Refill: o.Refill,
	}
}

// MarshalJSON writes the block in the words of operations files.
func (b Block) MarshalJSON() ([]byte, error) { return plainJSON(newBlockObject(&b)) }

// UnmarshalJSON reads what MarshalJSON writes. On an error b stays as it was.
func (b *Block) UnmarshalJSON(data []byte) error {
	var o blockObject
	if err := json.Unmarshal(data, &o); err != nil {
		return badJSON("block", err)
	}
	*b = o.block()
	return nil
}

// resultObject is a result; those of the operations of a batch stand in place of entries.
type resultObject struct {
	Replayed   bool           `json:"replayed,omitempty"`
	Results    []resultObject `json:"results,omitempty"`
	Hold       *HoldInfo      `json:"hold,omitempty"`
	Schedule   *ScheduleInfo  `json:"schedule,omitempty"`
	Entries    *[]Entry       `json:"entries,omitempty"`
	Overage    *Amount        `json:"overage,omitempty"`
	Consumed   *Amount        `json:"consumed,omitempty"`
	Reversed   *Amount        `json:"reversed,omitempty"`
	Lapsed     *Amount        `json:"lapsed,omitempty"`
	Lost       *Amount        `json:"lost,omitempty"`
	Late       bool           `json:"late,omitempty"`
	NewBlockID string         `json:"new_block_id,omitempty"`
	Key        Key            `json:"idempotency_key,omitempty"`
	At         *Instant       `json:"at,omitempty"`
}

func newResultObject(r *Result, replayed bool) resultObject {
	o := resultObject{
		Replayed: replayed, Hold: r.Hold, Schedule: r.Schedule, Late: r.Late, Overage: optional(r.Overage), Consumed: optional(r.Consumed),
		NewBlockID: r.NewBlockID, Key: r.Key, At: optional(r.At),
	}
	if !r.Reversed.IsZero() { // a reversal always takes something back
		o.Reversed, o.Lapsed, o.Lost = &r.Reversed, &r.Lapsed, &r.Lost
	}
	for i := range r.Results {
		o.Results = append(o.Results, newResultObject(&r.Results[i], replayed))
	}
	if r.Results == nil {
		entries := append([]Entry{}, r.Entries...)
		o.Entries = &entries
	}
	return o
}

// result returns the result that the object describes. Only the result of the batch says
// that it is a replay, and not those of its operations.
func (o *resultObject) result() Result {
	r := Result{
		Key: o.Key, At: orZero(o.At), Replayed: o.Replayed, Entries: orNone(orZero(o.Entries)), Overage: orZero(o.Overage),
		Consumed: orZero(o.Consumed), Reversed: orZero(o.Reversed), Lapsed: orZero(o.Lapsed), Lost: orZero(o.Lost), NewBlockID: o.NewBlockID,
		Hold: o.Hold, Schedule: o.Schedule, Late: o.Late,
	}
	for i := range o.Results {
		part := o.Results[i].result()
		part.Replayed = false
		r.Results, r.Entries = append(r.Results, part), append(r.Entries, part.Entries...)
	}
	return r
}

// MarshalJSON writes the result in the words of operations files.
func (r Result) MarshalJSON() ([]byte, error) { return plainJSON(newResultObject(&r, r.Replayed)) }

// UnmarshalJSON reads what MarshalJSON writes. On an error r stays as it was.
func (r *Result) UnmarshalJSON(data []byte) error {
	var o resultObject
	if err := json.Unmarshal(data, &o); err != nil {
		return badJSON("result", err)
	}
	*r = o.result()
	return nil
}

// plainJSON returns v as JSON. It does not escape the special characters of HTML.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// optional returns nil for the zero value, which JSON then writes as null.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func orZero[T any](v *T) T {
	if v == nil {
		var zero T
		return zero
	}
	return *v
}

// orNone returns nil for an empty list, because the ledger never returns an empty one.
func orNone[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}

// listed returns metadata as an object, {} when there is none.
func listed(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

func unlisted(m map[string]string) map[string]string {
	if len(m) == 0 {
		return nil
	}
	return m
}
