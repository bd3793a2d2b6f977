package invoice

import (
	"creditledger"
)

// operation is a ledger operation as this package stores it: by its name, with the
// fields that it has.
type operation struct {
	Op             string                 `json:"op"`
	Amount         creditledger.Amount    `json:"amount"`
	BlockID        string                 `json:"block_id,omitempty"`
	EffectiveAt    string                 `json:"effective_date,omitempty"`
	ExpiresAt      string                 `json:"expiry_date,omitempty"`
	Target         string                 `json:"target_expiry_date,omitempty"`
	NewBlockID     string                 `json:"new_block_id,omitempty"`
	CostBasis      creditledger.CostBasis `json:"per_unit_cost_basis"`
	Priority       int32                  `json:"priority,omitempty"`
	Filters        []filter               `json:"filters,omitempty"`
	Source         creditledger.Source    `json:"source,omitempty"`
	RequirePayment bool                   `json:"require_payment,omitempty"`
	Repay          creditledger.Repay     `json:"repay,omitempty"`
	InvoiceID      string                 `json:"invoice_id,omitempty"`
	ItemID         string                 `json:"item_id,omitempty"`
	PriceID        string                 `json:"price_id,omitempty"`
	Overdraft      creditledger.Overdraft `json:"overdraft,omitempty"`
	Limit          *creditledger.Amount   `json:"overdraft_limit,omitempty"`
	EligibleBefore creditledger.Instant   `json:"eligible_before,omitzero"`
	Reason         string                 `json:"void_reason,omitempty"`
	Description    string                 `json:"description,omitempty"`
	Metadata       map[string]string      `json:"metadata,omitempty"`
}

type filter struct {
	Field    creditledger.FilterField    `json:"field"`
	Operator creditledger.FilterOperator `json:"operator"`
	Values   []string                    `json:"values"`
}

// operationOf is the stored form of an operation.
func operationOf(op creditledger.Operation) operation {
	switch op := op.(type) {
	case creditledger.Increment:
		o := operation{
			Op: op.Name(), Amount: op.Amount, BlockID: op.BlockID, EffectiveAt: op.EffectiveAt.String(), ExpiresAt: op.ExpiresAt.String(),
			CostBasis: op.CostBasis, Priority: op.Priority, Source: op.Source, RequirePayment: op.RequirePayment, Repay: op.Repay,
			InvoiceID: op.InvoiceID, Description: op.Description, Metadata: op.Metadata,
		}
		for _, f := range op.Filters {
			o.Filters = append(o.Filters, filter(f))
		}
		return o
	case creditledger.Decrement:
		o := operation{
			Op: op.Name(), Amount: op.Amount, ItemID: op.ItemID, PriceID: op.PriceID, InvoiceID: op.InvoiceID,
			Overdraft: op.Overdraft, EligibleBefore: op.EligibleBefore, Description: op.Description, Metadata: op.Metadata,
		}
		if limit, ok := op.Limit.Amount(); ok {
			o.Limit = &limit
		}
		return o
	case creditledger.ExpirationChange:
		return operation{
			Op: op.Name(), Amount: op.Amount, BlockID: op.BlockID, ExpiresAt: op.ExpiresAt.String(), Target: op.Target.String(),
			NewBlockID: op.NewBlockID, Description: op.Description, Metadata: op.Metadata,
		}
	case creditledger.Void:
		return operation{Op: op.Name(), Amount: op.Amount, BlockID: op.BlockID, Reason: op.Reason, Description: op.Description, Metadata: op.Metadata}
	case creditledger.Amendment:
		return operation{Op: op.Name(), Amount: op.Amount, BlockID: op.BlockID, Description: op.Description, Metadata: op.Metadata}
	case creditledger.Activation:
		return operation{Op: op.Name(), BlockID: op.BlockID, Description: op.Description, Metadata: op.Metadata}
	}
	return operation{}
}

// operation gives the operation back.
func (o *operation) operation() (creditledger.Operation, error) {
	dates := make([]creditledger.When, 3)
	for i, text := range []string{o.EffectiveAt, o.ExpiresAt, o.Target} {
		var err error
		if dates[i], err = parseWhen(text); err != nil {
			return nil, err
		}
	}
	switch o.Op {
	case "increment":
		op := creditledger.Increment{
			Amount: o.Amount, BlockID: o.BlockID, EffectiveAt: dates[0], ExpiresAt: dates[1], CostBasis: o.CostBasis, Priority: o.Priority,
			Source: o.Source, RequirePayment: o.RequirePayment, Repay: o.Repay, InvoiceID: o.InvoiceID, Description: o.Description, Metadata: o.Metadata,
		}
		for _, f := range o.Filters {
			op.Filters = append(op.Filters, creditledger.Filter(f))
		}
		return op, nil
	case "decrement":
		op := creditledger.Decrement{
			Amount: o.Amount, ItemID: o.ItemID, PriceID: o.PriceID, InvoiceID: o.InvoiceID,
			Overdraft: o.Overdraft, EligibleBefore: o.EligibleBefore, Description: o.Description, Metadata: o.Metadata,
		}
		if o.Limit != nil {
			op.Limit = creditledger.LimitOf(*o.Limit)
		}
		return op, nil
	case "expiration_change":
		return creditledger.ExpirationChange{
			Amount: o.Amount, BlockID: o.BlockID, ExpiresAt: dates[1], Target: dates[2], NewBlockID: o.NewBlockID,
			Description: o.Description, Metadata: o.Metadata,
		}, nil
	case "void":
		return creditledger.Void{Amount: o.Amount, BlockID: o.BlockID, Reason: o.Reason, Description: o.Description, Metadata: o.Metadata}, nil
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
