package invoice

import (
	"creditledger"
)

// operation is a ledger operation as this package stores and shows it: the names of
// operations files, and only what is not the default.
type operation struct {
	Op             string                 `json:"op"`
	Amount         creditledger.Amount    `json:"amount,omitzero"`
	BlockID        string                 `json:"block_id,omitempty"`
	EffectiveAt    string                 `json:"effective_date,omitempty"`
	ExpiresAt      string                 `json:"expiry_date,omitempty"`
	Target         string                 `json:"target_expiry_date,omitempty"`
	NewBlockID     string                 `json:"new_block_id,omitempty"`
	CostBasis      creditledger.CostBasis `json:"per_unit_cost_basis,omitzero"`
	Priority       int32                  `json:"priority,omitempty"`
	Filters        []filter               `json:"filters,omitempty"`
	Source         string                 `json:"source,omitempty"`
	RequirePayment bool                   `json:"require_payment,omitempty"`
	Repay          string                 `json:"repay,omitempty"`
	InvoiceID      string                 `json:"invoice_id,omitempty"`
	ItemID         string                 `json:"item_id,omitempty"`
	PriceID        string                 `json:"price_id,omitempty"`
	Overdraft      string                 `json:"overdraft,omitempty"`
	Limit          *creditledger.Amount   `json:"overdraft_limit,omitempty"`
	UsageAt        creditledger.Instant   `json:"usage_at,omitzero"`
	EligibleBefore creditledger.Instant   `json:"eligible_before,omitzero"` // of earlier releases: usage up to it
	Reason         string                 `json:"void_reason,omitempty"`
	Lapsed         bool                   `json:"lapsed,omitempty"`
	Description    string                 `json:"description,omitempty"`
	Metadata       map[string]string      `json:"metadata,omitempty"`
}

type filter struct {
	Field    string   `json:"field"`
	Operator string   `json:"operator"`
	Values   []string `json:"values"`
}

// word is the name of a choice, empty for the one that stands when none is made.
func word[T interface {
	comparable
	String() string
}](v T) string {
	var none T
	if v == none {
		return ""
	}
	return v.String()
}

// chosen reads what word wrote.
func chosen[T any](text string, parse func(string) (T, error), err *error) (v T) {
	if text == "" || *err != nil {
		return v
	}
	v, *err = parse(text)
	return v
}

// operationOf is the stored form of an operation.
func operationOf(op creditledger.Operation) operation {
	switch op := op.(type) {
	case creditledger.Increment:
		o := operation{
			Op: op.Name(), Amount: op.Amount, BlockID: op.BlockID, EffectiveAt: op.EffectiveAt.String(), ExpiresAt: op.ExpiresAt.String(),
			CostBasis: op.CostBasis, Priority: op.Priority, Source: word(op.Source), RequirePayment: op.RequirePayment, Repay: word(op.Repay),
			InvoiceID: op.InvoiceID, Description: op.Description, Metadata: op.Metadata,
		}
		for _, f := range op.Filters {
			o.Filters = append(o.Filters, filter{f.Field.String(), f.Operator.String(), f.Values})
		}
		return o
	case creditledger.Decrement:
		o := operation{
			Op: op.Name(), Amount: op.Amount, ItemID: op.ItemID, PriceID: op.PriceID, InvoiceID: op.InvoiceID,
			Overdraft: word(op.Overdraft), UsageAt: op.UsageAt, Description: op.Description, Metadata: op.Metadata,
		}
		if limit, ok := op.OverdraftLimit.Amount(); ok {
			o.Limit = &limit
		}
		return o
	case creditledger.ExpirationChange:
		return operation{
			Op: op.Name(), Amount: op.Amount, BlockID: op.BlockID, ExpiresAt: op.ExpiresAt.String(), Target: op.Target.String(),
			NewBlockID: op.NewBlockID, Description: op.Description, Metadata: op.Metadata,
		}
	case creditledger.Void:
		return operation{Op: op.Name(), Amount: op.Amount, BlockID: op.BlockID, Reason: op.Reason, Lapsed: op.Lapsed, Description: op.Description, Metadata: op.Metadata}
	case creditledger.Amendment:
		return operation{Op: op.Name(), Amount: op.Amount, BlockID: op.BlockID, Description: op.Description, Metadata: op.Metadata}
	case creditledger.Activation:
		return operation{Op: op.Name(), BlockID: op.BlockID, Description: op.Description, Metadata: op.Metadata}
	}
	return operation{}
}

// operation gives the operation back.
func (o *operation) operation() (creditledger.Operation, error) {
	var err error
	effective, expires, target := chosen(o.EffectiveAt, parseWhen, &err), chosen(o.ExpiresAt, parseWhen, &err), chosen(o.Target, parseWhen, &err)
	source, repay := chosen(o.Source, creditledger.ParseSource, &err), chosen(o.Repay, creditledger.ParseRepay, &err)
	overdraft := chosen(o.Overdraft, creditledger.ParseOverdraft, &err)
	var filters []creditledger.Filter
	for _, f := range o.Filters {
		field := chosen(f.Field, creditledger.ParseFilterField, &err)
		filters = append(filters, creditledger.Filter{Field: field, Operator: chosen(f.Operator, creditledger.ParseFilterOperator, &err), Values: f.Values})
	}
	if err != nil {
		return nil, err
	}
	switch o.Op {
	case "increment":
		return creditledger.Increment{
			Amount: o.Amount, BlockID: o.BlockID, EffectiveAt: effective, ExpiresAt: expires, CostBasis: o.CostBasis, Priority: o.Priority,
			Filters: filters, Source: source, RequirePayment: o.RequirePayment, Repay: repay, InvoiceID: o.InvoiceID,
			Description: o.Description, Metadata: o.Metadata,
		}, nil
	case "decrement":
		op := creditledger.Decrement{
			Amount: o.Amount, ItemID: o.ItemID, PriceID: o.PriceID, InvoiceID: o.InvoiceID,
			Overdraft: overdraft, UsageAt: o.UsageAt, Description: o.Description, Metadata: o.Metadata,
		}
		if o.EligibleBefore != 0 {
			op.UsageAt = o.EligibleBefore - 1
		}
		if o.Limit != nil {
			op.OverdraftLimit = creditledger.OverdraftLimitOf(*o.Limit)
		}
		return op, nil
	case "expiration_change":
		return creditledger.ExpirationChange{
			Amount: o.Amount, BlockID: o.BlockID, ExpiresAt: expires, Target: target, NewBlockID: o.NewBlockID,
			Description: o.Description, Metadata: o.Metadata,
		}, nil
	case "void":
		return creditledger.Void{Amount: o.Amount, BlockID: o.BlockID, Reason: o.Reason, Lapsed: o.Lapsed, Description: o.Description, Metadata: o.Metadata}, nil
	case "amendment":
		return creditledger.Amendment{Amount: o.Amount, BlockID: o.BlockID, Description: o.Description, Metadata: o.Metadata}, nil
	case "activate":
		return creditledger.Activation{BlockID: o.BlockID, Description: o.Description, Metadata: o.Metadata}, nil
	}
	return nil, invalid("op", "%q cannot stand in a pending change", clip(o.Op))
}

// parseWhen reads what When.String wrote.
func parseWhen(text string) (creditledger.When, error) {
	switch text {
	case "":
		return creditledger.When{}, nil
	case "never":
		return creditledger.Never(), nil
	}
	return creditledger.ParseWhen(text)
}
