package creditledger

import (
	"encoding/binary"
	"slices"
	"time"
)

// storedHold is a hold in the form that is written: in its row, and in the record of
// every operation on it. Slices name their blocks by number.
type storedHold struct {
	state                      HoldState
	createdAt, until           Instant
	amount, captured, unbacked Amount
	slices                     []storedSlice
	itemID, priceID            string
	last                       uint64 // record of the last operation on the hold; inside that record, of the operation before
}

type storedSlice struct {
	block  uint64
	amount Amount
}

// effectOnHold says how an operation left the hold that it names.
type effectOnHold struct {
	storedHold
	late bool // a capture after it had lapsed
}

// lapsedSince names a hold that lapsed since the record before, and the record of the
// last operation on it. So the history tells what was held at every instant.
type lapsedSince struct {
	id   string
	last uint64
}

const (
	holdFormat    = 1
	holdStateMask = 0x07
	holdLate      = 0x08
)

// namesHold reports whether an operation is on a hold.
func namesHold(op Operation) bool {
	switch op.(type) {
	case Hold, ExtendHold, Capture, Release:
		return true
	}
	return false
}

// needsFormat3 reports whether formats 1 and 2 have no code for an operation, or for one
// in a batch.
func needsFormat3(op Operation) bool {
	switch op := op.(type) {
	case Batch:
		return slices.ContainsFunc(op, needsFormat3)
	case erase, fallenDue:
		return true
	case Void:
		return op.Lapsed
	}
	return namesHold(op) || onSchedule(op) || isPartOfTransfer(op)
}

// operationAt returns the operation of a record's i-th effect.
func operationAt(op Operation, i int) Operation {
	switch op := op.(type) {
	case Batch:
		return op[i]
	case fallenDue:
		return op[i]
	}
	return op
}

// appendHold appends the canonical bytes of a hold, as they stand in a record and in a
// row.
func appendHold(dst []byte, h *storedHold, flags byte) []byte {
	dst = append(dst, byte(h.state)|flags)
	dst = appendInstant(dst, h.createdAt)
	dst = appendInstant(dst, h.until)
	dst = appendAmount(dst, h.amount)
	dst = appendAmount(dst, h.captured)
	dst = appendAmount(dst, h.unbacked)
	dst = binary.AppendUvarint(dst, uint64(len(h.slices)))
	for i := range h.slices {
		dst = binary.AppendUvarint(dst, h.slices[i].block)
		dst = appendAmount(dst, h.slices[i].amount)
	}
	dst = appendText(dst, h.itemID)
	dst = appendText(dst, h.priceID)
	return binary.AppendUvarint(dst, h.last)
}

func (r *reader) hold(known byte) (h storedHold, flags byte) {
	head := r.byte()
	if h.state = HoldState(head & holdStateMask); int(h.state) >= len(holdStateNames) || head&^(holdStateMask|known) != 0 {
		r.fail("unknown code %d of a hold", head)
	}
	h.createdAt, h.until = r.someInstant(), r.someInstant()
	h.amount, h.captured, h.unbacked = r.amount(), r.amount(), r.amount()
	if n := r.count(); n > 0 {
		h.slices = make([]storedSlice, n)
	}
	for i := range h.slices {
		h.slices[i] = storedSlice{block: r.uvarint(), amount: r.amount()}
	}
	h.itemID, h.priceID = r.text(), r.text()
	h.last = r.uvarint()
	return h, head & known
}

// appendHoldRow appends the value of a hold's row.
func appendHoldRow(dst []byte, h *storedHold) []byte {
	return appendHold(append(dst, holdFormat), h, 0)
}

func decodeHoldRow(data []byte) (storedHold, error) {
	r := reader{data: data}
	r.version(holdFormat, holdFormat)
	h, _ := r.hold(0)
	return h, r.finish("hold")
}

func appendEffectOnHold(dst []byte, e *effectOnHold) []byte {
	var flags byte
	if e.late {
		flags = holdLate
	}
	return appendHold(dst, &e.storedHold, flags)
}

func (r *reader) effectOnHold() *effectOnHold {
	h, flags := r.hold(holdLate)
	return &effectOnHold{storedHold: h, late: flags != 0}
}

func appendLapses(dst []byte, lapses []lapsedSince) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(lapses)))
	for i := range lapses {
		dst = appendText(dst, lapses[i].id)
		dst = binary.AppendUvarint(dst, lapses[i].last)
	}
	return dst
}

func (r *reader) lapses() []lapsedSince {
	n := r.count()
	if n == 0 {
		r.fail("a list of no holds")
		return nil
	}
	lapses := make([]lapsedSince, n)
	for i := range lapses {
		lapses[i] = lapsedSince{id: r.text(), last: r.uvarint()}
	}
	return lapses
}

const (
	overdraftHasLimit = 0x80
	captureKeepsOpen  = 0x40
	captureRefuses    = 0x20
	holdHasUntil      = 0x40
	holdLasts         = 0x20
)

func appendHoldOperation(dst []byte, op *Hold) []byte {
	var flags byte
	if op.Until != 0 {
		flags |= holdHasUntil
	}
	if op.lasts != 0 {
		flags |= holdLasts
	}
	dst = appendPolicy(dst, op.Overdraft, op.OverdraftLimit, flags)
	dst = appendText(dst, op.HoldID)
	dst = appendAmount(dst, op.Amount)
	if op.Until != 0 {
		dst = appendInstant(dst, op.Until)
	}
	if op.lasts != 0 {
		dst = binary.AppendUvarint(dst, uint64(op.lasts))
	}
	dst = appendText(dst, op.ItemID)
	return appendText(dst, op.PriceID)
}

func (c *operationCodec) hold(r *reader) Operation {
	var op Hold
	var flags byte
	op.Overdraft, op.OverdraftLimit, flags = r.policy(holdHasUntil | holdLasts)
	op.HoldID, op.Amount = r.text(), r.amount()
	if flags&holdHasUntil != 0 {
		op.Until = r.someInstant()
	}
	if flags&holdLasts != 0 {
		if op.lasts = time.Duration(r.uvarint()); op.lasts <= 0 || op.lasts >= DefaultHold || flags&holdHasUntil != 0 {
			r.fail("a hold that lasts %s", op.lasts)
		}
	}
	op.ItemID, op.PriceID = r.text(), r.text()
	op.Description, op.Metadata = c.readEnd(r)
	return op
}

// onHold reads an operation on a hold.
func (c *operationCodec) onHold(r *reader, code byte) Operation {
	switch code {
	case opHold:
		return c.hold(r)
	case opExtendHold:
		return c.extendHold(r)
	case opCapture:
		return c.capture(r)
	}
	op := Release{HoldID: r.text()}
	op.Description, op.Metadata = c.readEnd(r)
	return op
}

func appendExtendHold(dst []byte, op *ExtendHold) []byte {
	var flags byte
	if op.Until != 0 {
		flags |= holdHasUntil
	}
	dst = appendPolicy(dst, op.Overdraft, op.OverdraftLimit, flags)
	dst = appendText(dst, op.HoldID)
	dst = appendAmount(dst, op.Amount)
	if op.Until != 0 {
		dst = appendInstant(dst, op.Until)
	}
	return dst
}

func (c *operationCodec) extendHold(r *reader) Operation {
	var op ExtendHold
	var flags byte
	op.Overdraft, op.OverdraftLimit, flags = r.policy(holdHasUntil)
	op.HoldID, op.Amount = r.text(), r.amount()
	if flags&holdHasUntil != 0 {
		op.Until = r.someInstant()
	}
	op.Description, op.Metadata = c.readEnd(r)
	return op
}

func appendCapture(dst []byte, op *Capture) []byte {
	var flags byte
	if op.KeepOpen {
		flags |= captureKeepsOpen
	}
	if op.AfterLapse == AfterLapseRefuse {
		flags |= captureRefuses
	}
	dst = appendPolicy(dst, op.Overdraft, op.OverdraftLimit, flags)
	return appendAmount(appendText(dst, op.HoldID), op.Amount)
}

func (c *operationCodec) capture(r *reader) Operation {
	var op Capture
	var flags byte
	op.Overdraft, op.OverdraftLimit, flags = r.policy(captureKeepsOpen | captureRefuses)
	op.KeepOpen = flags&captureKeepsOpen != 0
	if flags&captureRefuses != 0 {
		op.AfterLapse = AfterLapseRefuse
	}
	op.HoldID, op.Amount = r.text(), r.amount()
	op.Description, op.Metadata = c.readEnd(r)
	return op
}

// appendPolicy appends an overdraft policy, its limit, and flags in the same byte.
func appendPolicy(dst []byte, o Overdraft, l OverdraftLimit, flags byte) []byte {
	limit, bounded := l.Amount()
	if !bounded {
		return append(dst, o.code()|flags)
	}
	return appendAmount(append(dst, o.code()|flags|overdraftHasLimit), limit)
}

func (r *reader) policy(known byte) (o Overdraft, l OverdraftLimit, flags byte) {
	head := r.byte()
	o = OverdraftAllow + Overdraft(head&^(overdraftHasLimit|known))
	if int(o) >= len(overdraftNames) {
		r.fail("unknown code %d", head)
	}
	if head&overdraftHasLimit != 0 {
		l = OverdraftLimitOf(r.amount())
	}
	return o, l, head & known
}
