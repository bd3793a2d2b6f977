package creditledger

import "encoding/binary"

// The codes of operations in the journal. They are never reused.
const (
	opExpire           = 0
	opIncrement        = 1
	opDecrement        = 2
	opExpirationChange = 3
	opVoid             = 4
	opAmendment        = 5
	opActivation       = 6
	opBatch            = 7
)

const (
	incrementRequiresPayment = 1 << iota
	incrementHasCostBasis
)

// appendOperation appends the canonical bytes of an operation whose dates are
// resolved and whose defaults are filled in.
func appendOperation(dst []byte, op Operation) []byte {
	switch op := op.(type) {
	case expire:
		return append(dst, opExpire)
	case Increment:
		return appendIncrement(append(dst, opIncrement), &op)
	case Decrement:
		return appendDecrement(append(dst, opDecrement), &op)
	case ExpirationChange:
		dst = appendText(append(dst, opExpirationChange), op.BlockID)
		dst = appendWhen(dst, op.ExpiresAt)
		dst = appendWhen(dst, op.Target)
		dst = appendAmount(dst, op.Amount)
		dst = appendText(dst, op.NewBlockID)
		return appendNote(dst, op.Description, op.Metadata)
	case Void:
		dst = appendText(append(dst, opVoid), op.BlockID)
		dst = appendAmount(dst, op.Amount)
		dst = appendText(dst, op.Reason)
		return appendNote(dst, op.Description, op.Metadata)
	case Amendment:
		dst = appendText(append(dst, opAmendment), op.BlockID)
		dst = appendAmount(dst, op.Amount)
		return appendNote(dst, op.Description, op.Metadata)
	case Activation:
		dst = appendText(append(dst, opActivation), op.BlockID)
		return appendNote(dst, op.Description, op.Metadata)
	case Batch:
		dst = binary.AppendUvarint(append(dst, opBatch), uint64(len(op)))
		for _, o := range op {
			dst = appendOperation(dst, o)
		}
		return dst
	}
	panic("creditledger: operation without a code") // unreachable: Operation is sealed by its unexported method
}

func appendIncrement(dst []byte, op *Increment) []byte {
	var flags byte
	if op.RequirePayment {
		flags |= incrementRequiresPayment
	}
	if op.CostBasis.IsSet() {
		flags |= incrementHasCostBasis
	}
	dst = append(dst, flags, byte(op.Source), byte(op.Repay.rule()))
	dst = appendAmount(dst, op.Amount)
	dst = appendText(dst, op.BlockID)
	dst = appendWhen(dst, op.EffectiveAt)
	dst = appendWhen(dst, op.ExpiresAt)
	if op.CostBasis.IsSet() {
		dst = appendCostBasis(dst, op.CostBasis)
	}
	dst = binary.AppendVarint(dst, int64(op.Priority))
	dst = appendFilters(dst, op.Filters)
	dst = appendText(dst, op.InvoiceID)
	return appendNote(dst, op.Description, op.Metadata)
}

const (
	decrementHasLimit  = 0x80
	decrementHasBefore = 0x40 // from record format 2 on
)

// recordFormatOf is the first record format that has room for an operation: the one
// it is written in, so that a record has one form and releases that know no later
// format read all they can.
func recordFormatOf(op Operation) byte {
	switch op := op.(type) {
	case Decrement:
		if op.EligibleBefore != 0 {
			return recordFormat2
		}
	case Batch:
		for i := range op {
			if recordFormatOf(op[i]) == recordFormat2 {
				return recordFormat2
			}
		}
	}
	return recordFormat1
}

func appendDecrement(dst []byte, op *Decrement) []byte {
	policy := byte(op.Overdraft)
	limit, bounded := op.Limit.Amount()
	if bounded {
		policy |= decrementHasLimit
	}
	if op.EligibleBefore != 0 {
		policy |= decrementHasBefore
	}
	dst = append(dst, policy)
	if bounded {
		dst = appendAmount(dst, limit)
	}
	if op.EligibleBefore != 0 {
		dst = appendInstant(dst, op.EligibleBefore)
	}
	dst = appendAmount(dst, op.Amount)
	dst = appendText(dst, op.ItemID)
	dst = appendText(dst, op.PriceID)
	dst = appendText(dst, op.InvoiceID)
	return appendNote(dst, op.Description, op.Metadata)
}

func appendNote(dst []byte, description string, metadata map[string]string) []byte {
	return appendMetadata(appendText(dst, description), metadata)
}

func (r *reader) operation(inBatch bool) Operation {
	code := r.byte()
	switch {
	case r.err != "":
		return nil
	case code == opExpire && !inBatch:
		return expire{}
	case code == opIncrement:
		return r.increment()
	case code == opDecrement:
		return r.decrement()
	case code == opExpirationChange:
		return ExpirationChange{
			BlockID: r.text(), ExpiresAt: r.when(), Target: r.when(), Amount: r.amount(),
			NewBlockID: r.text(), Description: r.text(), Metadata: r.metadata(),
		}
	case code == opVoid:
		return Void{BlockID: r.text(), Amount: r.amount(), Reason: r.text(), Description: r.text(), Metadata: r.metadata()}
	case code == opAmendment:
		return Amendment{BlockID: r.text(), Amount: r.amount(), Description: r.text(), Metadata: r.metadata()}
	case code == opActivation:
		return Activation{BlockID: r.text(), Description: r.text(), Metadata: r.metadata()}
	case code == opBatch && !inBatch:
		return r.batch()
	}
	r.fail("unknown operation code %d", code)
	return nil
}

func (r *reader) batch() Operation {
	n := r.count()
	if n == 0 || n > MaxBatch {
		r.fail("batch of %d operations", n)
		return nil
	}
	b := make(Batch, n)
	for i := range b {
		if b[i] = r.operation(true); b[i] == nil {
			return nil
		}
	}
	return b
}

func (r *reader) increment() Operation {
	flags := r.byte()
	if flags&^(incrementRequiresPayment|incrementHasCostBasis) != 0 {
		r.fail("unknown flags")
	}
	op := Increment{
		RequirePayment: flags&incrementRequiresPayment != 0,
		Source:         Source(r.enum(sourceNames, 0)),
		Repay:          Repay(r.enum(repayNames, byte(RepayFirst))),
		Amount:         r.amount(),
		BlockID:        r.text(),
		EffectiveAt:    r.when(),
		ExpiresAt:      r.when(),
	}
	if flags&incrementHasCostBasis != 0 {
		op.CostBasis = r.costBasis()
	}
	op.Priority = r.int32()
	op.Filters = r.filters()
	op.InvoiceID = r.text()
	op.Description = r.text()
	op.Metadata = r.metadata()
	return op
}

func (r *reader) decrement() Operation {
	policy := r.byte()
	op := Decrement{Overdraft: Overdraft(policy &^ (decrementHasLimit | decrementHasBefore))}
	if int(op.Overdraft) >= len(overdraftNames) {
		r.fail("unknown code %d", policy)
	}
	if policy&decrementHasLimit != 0 {
		op.Limit = LimitOf(r.amount())
	}
	if policy&decrementHasBefore != 0 {
		op.EligibleBefore = r.someInstant()
	}
	op.Amount = r.amount()
	op.ItemID = r.text()
	op.PriceID = r.text()
	op.InvoiceID = r.text()
	op.Description = r.text()
	op.Metadata = r.metadata()
	return op
}
