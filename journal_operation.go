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
	opReverse          = 8
	opErase            = 19
	opLoss             = 20 // an erase of texts that damage took
	opHold             = 9
	opExtendHold       = 10
	opCapture          = 11
	opRelease          = 12
	opSend             = 17
	opArrive           = 18
	opSchedule         = 13
	opChangeSchedule   = 14
	opEndSchedule      = 15
	opDue              = 21
	opBegin            = 22 // in opDue alone
	opCarry            = 23 // in opDue alone
	opVoidLapsed       = 24
)

const (
	incrementRequiresPayment = 1 << iota
	incrementHasCostBasis
)

// operationCodec writes and reads the operation of a record. In formats 1 and 2 the bytes
// of an operation end with its description and its metadata. From format 3 on they end
// with a list of fields, one of which is a digest of these texts.
type operationCodec struct {
	format byte
	texts  []SealedText // one for each operation; nil when none has a text
	n      int          // index of the operation
}

// append appends the canonical bytes of an operation whose dates are resolved and whose
// defaults are filled in.
func (c *operationCodec) append(dst []byte, op Operation) []byte {
	switch op := op.(type) {
	case expire:
		return append(dst, opExpire)
	case Increment:
		return c.end(appendIncrement(append(dst, opIncrement), &op), op.Description, op.Metadata)
	case Decrement:
		return c.end(appendDecrement(append(dst, opDecrement), &op), op.Description, op.Metadata)
	case ExpirationChange:
		dst = appendText(append(dst, opExpirationChange), op.BlockID)
		dst = appendWhen(dst, op.ExpiresAt)
		dst = appendWhen(dst, op.Target)
		dst = appendAmount(dst, op.Amount)
		dst = appendText(dst, op.NewBlockID)
		return c.end(dst, op.Description, op.Metadata)
	case Void:
		return c.end(appendVoid(dst, &op), op.Description, op.Metadata)
	case Amendment:
		dst = appendText(append(dst, opAmendment), op.BlockID)
		dst = appendAmount(dst, op.Amount)
		return c.end(dst, op.Description, op.Metadata)
	case Activation:
		dst = appendText(append(dst, opActivation), op.BlockID)
		return c.end(dst, op.Description, op.Metadata)
	case erase:
		code := byte(opErase)
		if op.Lost {
			code = opLoss
		}
		return c.appendErase(append(dst, code), &op)
	case Reverse:
		dst = appendText(append(dst, opReverse), string(op.Charge))
		dst = binary.AppendUvarint(dst, op.Entry)
		dst = appendAmount(dst, op.Amount)
		return c.end(dst, op.Description, op.Metadata)
	case Hold:
		return c.end(appendHoldOperation(append(dst, opHold), &op), op.Description, op.Metadata)
	case ExtendHold:
		return c.end(appendExtendHold(append(dst, opExtendHold), &op), op.Description, op.Metadata)
	case Capture:
		return c.end(appendCapture(append(dst, opCapture), &op), op.Description, op.Metadata)
	case Release:
		return c.end(appendText(append(dst, opRelease), op.HoldID), op.Description, op.Metadata)
	case send:
		return c.end(appendSend(append(dst, opSend), &op), op.Description, op.Metadata)
	case arrive:
		return c.end(appendArrive(append(dst, opArrive), &op), op.Description, op.Metadata)
	case Schedule:
		return c.end(appendSchedule(append(dst, opSchedule), &op), op.Description, op.Metadata)
	case ChangeSchedule:
		return c.end(appendChangeSchedule(append(dst, opChangeSchedule), &op), op.Description, nil)
	case EndSchedule:
		return c.end(appendEndSchedule(append(dst, opEndSchedule), &op), op.Description, op.Metadata)
	case fallenDue:
		return c.appendDue(append(dst, opDue), op)
	case Batch:
		dst = binary.AppendUvarint(append(dst, opBatch), uint64(len(op)))
		for _, o := range op {
			dst = c.append(dst, o)
		}
		return dst
	}
	panic("creditledger: operation without a code") // unreachable: Operation is sealed by its unexported method
}

// end appends what every operation ends with.
func (c *operationCodec) end(dst []byte, description string, metadata map[string]string) []byte {
	if c.format < recordFormat3 {
		return appendNote(dst, description, metadata)
	}
	list := beginFields(dst)
	if c.texts != nil && c.texts[c.n].Digest != (Seal{}) {
		list.tag(fieldTexts)
		list.dst = append(list.dst, c.texts[c.n].Digest[:]...)
	}
	c.n++
	return list.dst
}

// readEnd reads what end appends. It puts the digest into texts. The texts themselves lie
// beside the record.
func (c *operationCodec) readEnd(r *reader) (description string, metadata map[string]string) {
	if c.format < recordFormat3 {
		return r.text(), r.metadata()
	}
	for tag := range r.fields() {
		switch tag {
		case fieldTexts:
			c.digest(r)
		default:
			r.unknownField(tag)
		}
	}
	c.n++
	return "", nil
}

// digest reads the digest of the operation's texts.
func (c *operationCodec) digest(r *reader) {
	digest := r.seal()
	if digest == (Seal{}) {
		r.fail("an empty digest")
		return
	}
	for len(c.texts) <= c.n {
		c.texts = append(c.texts, SealedText{})
	}
	c.texts[c.n].Digest = digest
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
	return appendText(dst, op.InvoiceID)
}

const (
	decrementHasLimit  = 0x80
	decrementHasBefore = 0x40 // from record format 2 on
	decrementHasUsage  = 0x20 // from record format 3 on
)

// saysEligibleBefore reports whether an operation, or one in a batch, has a field that
// format 1 has no room for.
func saysEligibleBefore(op Operation) bool {
	switch op := op.(type) {
	case Decrement:
		return op.eligibleBefore != 0
	case Batch:
		for i := range op {
			if saysEligibleBefore(op[i]) {
				return true
			}
		}
	}
	return false
}

func appendDecrement(dst []byte, op *Decrement) []byte {
	policy := op.Overdraft.code()
	limit, bounded := op.OverdraftLimit.Amount()
	if bounded {
		policy |= decrementHasLimit
	}
	if op.eligibleBefore != 0 {
		policy |= decrementHasBefore
	}
	if op.UsageAt != 0 {
		policy |= decrementHasUsage
	}
	dst = append(dst, policy)
	if bounded {
		dst = appendAmount(dst, limit)
	}
	if op.eligibleBefore != 0 {
		dst = appendInstant(dst, op.eligibleBefore)
	}
	if op.UsageAt != 0 {
		dst = appendInstant(dst, op.UsageAt)
	}
	dst = appendAmount(dst, op.Amount)
	dst = appendText(dst, op.ItemID)
	dst = appendText(dst, op.PriceID)
	return appendText(dst, op.InvoiceID)
}

// read reads the operation of a record.
func (c *operationCodec) read(r *reader) Operation {
	op := c.operation(r, false)
	var one [1]Operation
	if op != nil && c.texts != nil {
		c.texts = append(c.texts, make([]SealedText, len(operations(op, &one))-len(c.texts))...)
	}
	return op
}

func (c *operationCodec) operation(r *reader, inBatch bool) Operation {
	code := r.byte()
	switch {
	case r.err != "":
		return nil
	case code == opExpire && !inBatch:
		return expire{}
	case code == opIncrement:
		return c.increment(r)
	case code == opDecrement:
		return c.decrement(r)
	case code == opExpirationChange:
		op := ExpirationChange{BlockID: r.text(), ExpiresAt: r.when(), Target: r.when(), Amount: r.amount(), NewBlockID: r.text()}
		op.Description, op.Metadata = c.readEnd(r)
		return op
	case code == opVoid, code == opVoidLapsed:
		op := Void{BlockID: r.text(), Amount: r.amount(), Reason: r.text(), Lapsed: code == opVoidLapsed}
		op.Description, op.Metadata = c.readEnd(r)
		return op
	case code == opAmendment:
		op := Amendment{BlockID: r.text(), Amount: r.amount()}
		op.Description, op.Metadata = c.readEnd(r)
		return op
	case code == opActivation:
		op := Activation{BlockID: r.text()}
		op.Description, op.Metadata = c.readEnd(r)
		return op
	case (code == opErase || code == opLoss) && !inBatch && c.format >= recordFormat3:
		return c.readErase(r, code == opLoss)
	case code == opReverse:
		op := Reverse{Charge: Key(r.text()), Entry: r.uvarint(), Amount: r.amount()}
		op.Description, op.Metadata = c.readEnd(r)
		return op
	case code >= opHold && code <= opRelease && c.format >= recordFormat3:
		return c.onHold(r, code)
	case (code == opSend || code == opArrive) && !inBatch && c.format >= recordFormat3:
		return c.transfer(r, code)
	case code >= opSchedule && code <= opEndSchedule && c.format >= recordFormat3:
		return c.onSchedule(r, code)
	case code == opDue && !inBatch && c.format >= recordFormat3:
		return c.due(r)
	case code == opBatch && !inBatch:
		return c.batch(r)
	}
	r.fail("unknown operation code %d", code)
	return nil
}

func (c *operationCodec) batch(r *reader) Operation {
	n := r.count()
	if n == 0 || n > MaxBatch {
		r.fail("batch of %d operations", n)
		return nil
	}
	b := make(Batch, n)
	for i := range b {
		if b[i] = c.operation(r, true); b[i] == nil {
			return nil
		}
	}
	return b
}

func (c *operationCodec) increment(r *reader) Operation {
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
	op.Description, op.Metadata = c.readEnd(r)
	return op
}

func (c *operationCodec) decrement(r *reader) Operation {
	policy := r.byte()
	op := Decrement{Overdraft: OverdraftAllow + Overdraft(policy&^(decrementHasLimit|decrementHasBefore|decrementHasUsage))}
	if int(op.Overdraft) >= len(overdraftNames) {
		r.fail("unknown code %d", policy)
	}
	if policy&decrementHasLimit != 0 {
		op.OverdraftLimit = OverdraftLimitOf(r.amount())
	}
	if policy&decrementHasBefore != 0 {
		op.eligibleBefore = r.someInstant()
	}
	if policy&decrementHasUsage != 0 {
		op.UsageAt = r.someInstant()
	}
	op.Amount = r.amount()
	op.ItemID = r.text()
	op.PriceID = r.text()
	op.InvoiceID = r.text()
	op.Description, op.Metadata = c.readEnd(r)
	return op
}

func (c *operationCodec) appendErase(dst []byte, op *erase) []byte {
	for _, n := range []uint64{op.From, op.To, op.Operation, op.Operations, uint64(len(op.Blocks))} {
		dst = binary.AppendUvarint(dst, n)
	}
	for _, id := range op.Blocks {
		dst = appendText(dst, id)
	}
	c.n++
	list := beginFields(dst)
	if len(op.Schedules) > 0 {
		list.tag(fieldSchedules)
		list.dst = binary.AppendUvarint(list.dst, uint64(len(op.Schedules)))
		for _, id := range op.Schedules {
			list.dst = appendText(list.dst, id)
		}
	}
	return list.dst
}

func (c *operationCodec) readErase(r *reader, lost bool) Operation {
	op := erase{Lost: lost, From: r.uvarint(), To: r.uvarint(), Operation: r.uvarint(), Operations: r.uvarint()}
	n := r.count()
	for range n {
		op.Blocks = append(op.Blocks, r.text())
		if r.err != "" {
			break
		}
	}
	for tag := range r.fields() {
		if tag != fieldSchedules {
			r.unknownField(tag)
			break
		}
		n := r.count()
		if n == 0 {
			r.fail("a list of no schedules")
		}
		for i := 0; i < n && r.err == ""; i++ {
			op.Schedules = append(op.Schedules, r.text())
		}
	}
	c.n++
	return op
}
