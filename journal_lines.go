package creditledger

import (
	"encoding/binary"
	"slices"
)

// Line is an entry as the journal keeps it: only what does not follow from the operation,
// the block or the lines before. Rule: docs/format.md, "Journal record".
type Line struct {
	Type       EntryType
	At         Instant // created_at
	Block      uint64  // number of the block
	Amount     Amount
	Starting   Amount
	Ending     Amount
	VoidAmount Amount  // void_initiated, void
	NewBlock   uint64  // expiration_change: number of the block made
	NewExpiry  Instant // expiration_change, void_initiated
	Reverses   uint64  // amendment, increment of a reversal: the entry taken back; 0: none
}

// Effect is what one operation did.
type Effect struct {
	Lines      []Line
	NewBlockID string        // of the first block it made, if any
	Charge     uint64        // reverse: the record of the charge that it takes back
	Lost       Amount        // reverse: what no block could take back
	hold       *effectOnHold // how the operation left the hold that it names; nil: it names none

	schedule *effectOnSchedule // how the operation left the schedule that it names; nil: it names none
}

// expires reports whether the record has entries of expiries.
func (e *Effect) expires() bool {
	for i := range e.Lines {
		if e.Lines[i].Type == EntryCreditBlockExpiry {
			return true
		}
	}
	return false
}

// refills reports whether an entry of a grant repays a debt. The last entry of a grant is
// that of the block that it makes; all others repay.
func refills(e *Effect, j int) bool { return j < len(e.Lines)-1 || e.NewBlockID == "" }

// lineCodec writes and reads the lines of a record. What follows from the line
// before (the starting balance, the instant) is left out, and the ending balance is
// one bit: whether the amount counted in the total.
type lineCodec struct {
	at    Instant
	prev  Amount // ending balance of the line before
	begun bool
}

const (
	lineTypeMask = 0x07
	lineCounted  = 0x08
	lineHasAt    = 0x10
	lineHasStart = 0x20
	lineHasMore  = 0x40 // a list of fields ends the line: from record format 3 on
	lineKnown    = lineTypeMask | lineCounted | lineHasAt | lineHasStart | lineHasMore
)

func (c *lineCodec) append(dst []byte, e *Effect) []byte {
	dst = appendText(dst, e.NewBlockID)
	dst = binary.AppendUvarint(dst, uint64(len(e.Lines)))
	for i := range e.Lines {
		l := &e.Lines[i]
		head := byte(l.Type)
		if l.Starting.Cmp(l.Ending) != 0 {
			head |= lineCounted
		}
		if l.At != c.at {
			head |= lineHasAt
		}
		if !c.begun || l.Starting.Cmp(c.prev) != 0 {
			head |= lineHasStart
		}
		if l.Reverses != 0 {
			head |= lineHasMore
		}
		dst = append(dst, head)
		if head&lineHasAt != 0 {
			dst = binary.AppendUvarint(dst, uint64(l.At))
		}
		dst = binary.AppendUvarint(dst, l.Block)
		dst = appendAmount(dst, l.Amount)
		if head&lineHasStart != 0 {
			dst = appendAmount(dst, l.Starting)
		}
		switch l.Type {
		case EntryExpirationChange:
			dst = binary.AppendUvarint(dst, l.NewBlock)
			dst = binary.AppendUvarint(dst, uint64(l.NewExpiry))
		case EntryVoidInitiated, EntryVoid:
			dst = appendAmount(dst, l.VoidAmount)
		}
		if head&lineHasMore != 0 {
			list := beginFields(dst)
			list.tag(fieldReverses)
			dst = binary.AppendUvarint(list.dst, l.Reverses)
		}
		c.prev, c.begun = l.Ending, true
	}
	return dst
}

func (c *lineCodec) read(r *reader, e *Effect) {
	*e = Effect{Lines: e.Lines, NewBlockID: r.text()}
	n := r.count()
	e.Lines = slices.Grow(e.Lines[:0], n)[:n]
	clear(e.Lines)
	for i := range e.Lines {
		c.readLine(r, &e.Lines[i])
		if r.err != "" {
			return
		}
	}
}

func (c *lineCodec) readLine(r *reader, l *Line) {
	head := r.byte()
	l.Type = EntryType(head & lineTypeMask)
	if r.err == "" && (head&^lineKnown != 0 || l.Type == 0) {
		r.fail("unknown entry code %d", head)
	}
	l.At = c.at
	if head&lineHasAt != 0 {
		if l.At = r.someInstant(); l.At == c.at {
			r.fail("instant repeated")
		}
	}
	l.Block = r.uvarint()
	l.Amount = r.amount()
	l.Starting = c.prev
	if head&lineHasStart != 0 {
		l.Starting = r.amount()
		if c.begun && l.Starting.Cmp(c.prev) == 0 {
			r.fail("balance repeated")
		}
	} else if !c.begun {
		r.fail("starting balance missing")
	}
	switch l.Type {
	case EntryExpirationChange:
		l.NewBlock = r.uvarint()
		l.NewExpiry = r.instant()
	case EntryVoidInitiated:
		l.VoidAmount = r.amount()
		l.NewExpiry = l.At
	case EntryVoid:
		l.VoidAmount = r.amount()
	}
	if head&lineHasMore != 0 {
		l.readFields(r)
	}
	l.Ending = l.Starting
	if head&lineCounted != 0 {
		var err error
		if l.Ending, err = counted(l.Type, l.Starting, l.Amount); err != nil || l.Ending.Cmp(l.Starting) == 0 {
			r.fail("impossible ending balance")
		}
	}
	c.prev, c.begun = l.Ending, true
}

func (l *Line) readFields(r *reader) {
	for tag := range r.fields() {
		switch tag {
		case fieldReverses:
			l.Reverses = r.uvarint()
		default:
			r.unknownField(tag)
		}
	}
	if r.err == "" && l.Reverses == 0 {
		r.fail("a list of no fields")
	}
}

// counted returns the total after an entry whose block counts. Rule: docs/semantics.md,
// "Entries".
func counted(t EntryType, total, amount Amount) (Amount, error) {
	switch t {
	case EntryIncrement, EntryAmendment:
		return total.Add(amount)
	case EntryDecrement, EntryCreditBlockExpiry, EntryVoid:
		return total.Sub(amount)
	}
	return total, nil
}

// effect adds what a line did to the balances of its blocks. With undo it subtracts the
// same. Rule: docs/semantics.md, "Invariants" 1.
func (l *Line) effect(balances map[uint64]Amount, undo bool) error {
	give, take := Amount.Add, Amount.Sub
	if undo {
		give, take = take, give
	}
	var err error
	move := func(block uint64, change func(a, b Amount) (Amount, error)) {
		if err == nil {
			balances[block], err = change(balances[block], l.Amount)
		}
	}
	switch l.Type {
	case EntryIncrement, EntryAmendment:
		move(l.Block, give)
	case EntryDecrement, EntryCreditBlockExpiry, EntryVoid:
		move(l.Block, take)
	case EntryExpirationChange:
		move(l.NewBlock, give)
		move(l.Block, take)
	}
	return err
}
