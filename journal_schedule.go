package creditledger

import (
	"encoding/binary"
	"slices"
)

// This file has the bytes of operations on schedules and of what schedules do by
// themselves. Rule: docs/format/schedules.md.

// scheduleDates has what an operation on a schedule works out from the calendar. It
// stands in the journal, with what the operation did.
type scheduleDates struct {
	anchor  LocalTime // what periods are counted from
	start   Instant   // of the first grant
	end     Instant   // exclusive; none: no end
	first   int64     // the period that start is in
	period  int64     // the period before the first one that is granted
	next    Instant   // of the first grant; none: there is none
	onset   onset     // the grant that came at once; Period 0: none
	expires Instant   // change_schedule: the expiry of what it granted

	costBasis CostBasis // of what was granted at once
}

// effectOnSchedule says how an operation left the schedule that it names, and which dates
// it worked out.
type effectOnSchedule struct {
	dates *scheduleDates // nil: the operation needed none
	info  ScheduleInfo
}

// result returns the schedule in the form that callers know.
func (e *effectOnSchedule) result() *ScheduleInfo {
	if e == nil {
		return nil
	}
	return cloned(&e.info)
}

// onSchedule reports whether an operation is on a schedule.
func onSchedule(op Operation) bool {
	switch op.(type) {
	case Schedule, ChangeSchedule, EndSchedule:
		return true
	}
	return false
}

func appendEffectOnSchedule(dst []byte, e *effectOnSchedule) []byte {
	dst = append(dst, boolByte(e.dates != nil))
	if d := e.dates; d != nil {
		dst = appendLocalTime(dst, d.anchor)
		dst = appendInstant(appendInstant(dst, d.start), d.end)
		dst = binary.AppendUvarint(binary.AppendUvarint(dst, uint64(d.first)), uint64(d.period))
		dst = appendOnset(appendInstant(dst, d.next), &d.onset)
		dst = appendGrantBasis(appendInstant(dst, d.expires), d.costBasis)
	}
	return appendScheduleInfo(dst, &e.info)
}

func (r *reader) effectOnSchedule() *effectOnSchedule {
	e := &effectOnSchedule{}
	if r.bool() {
		d := &scheduleDates{anchor: r.localTime()}
		d.start, d.end, d.first, d.period, d.next = r.instant(), r.instant(), r.period(), r.period(), r.instant()
		d.onset, d.expires = r.onset(), r.instant()
		d.costBasis = r.grantBasis()
		e.dates = d
	}
	e.info = r.scheduleInfo()
	return e
}

func appendScheduleInfo(dst []byte, i *ScheduleInfo) []byte {
	dst = appendText(dst, i.ID)
	dst = appendAmount(dst, i.Amount)
	dst = appendLocalTime(dst, i.Anchor)
	dst = appendInterval(dst, i.Every)
	dst = appendText(dst, i.Timezone)
	dst = appendInstant(dst, i.NextDue)
	return binary.AppendUvarint(dst, uint64(i.Granted))
}

func (r *reader) scheduleInfo() ScheduleInfo {
	i := ScheduleInfo{
		ID: r.text(), Amount: r.amount(), Anchor: r.localTime(), Every: r.interval(), Timezone: r.text(),
		NextDue: r.instant(), Granted: r.period(),
	}
	if i.NextDue == 0 {
		i.State = ScheduleEnded
	}
	return i
}

const (
	schedulePays         = 1 << iota // its blocks wait for payment
	scheduleHasCostBasis             // it has a cost basis
	scheduleOwnZone                  // nobody named the zone: it is the customer's
	scheduleFlags        = schedulePays | scheduleHasCostBasis | scheduleOwnZone
)

func appendSchedule(dst []byte, op *Schedule) []byte {
	var flags byte
	if op.RequirePayment {
		flags |= schedulePays
	}
	if op.CostBasis.IsSet() {
		flags |= scheduleHasCostBasis
	}
	if op.ownZone {
		flags |= scheduleOwnZone
	}
	dst = append(dst, flags, byte(op.Source.Source()), byte(op.repay.rule()), byte(op.First), byte(op.CatchUp), byte(op.Scale))
	dst = appendText(dst, op.ScheduleID)
	dst = appendAmount(dst, op.Amount)
	dst = appendCalendarTime(dst, op.Anchor)
	dst = appendInterval(dst, op.Every)
	dst = appendText(dst, op.Timezone)
	dst = appendCalendarTime(dst, op.Start)
	dst = appendCalendarTime(dst, op.End)
	dst = binary.AppendUvarint(dst, uint64(op.Count))
	dst = appendGrantExpiry(dst, op.Expires)
	dst = appendRollover(dst, &op.Rollover)
	if op.CostBasis.IsSet() {
		dst = appendCostBasis(dst, op.CostBasis)
	}
	dst = binary.AppendVarint(dst, int64(op.Priority))
	return appendFilters(dst, op.Filters)
}

func (r *reader) schedule() Schedule {
	flags := r.byte()
	if flags&^scheduleFlags != 0 {
		r.fail("unknown flags")
	}
	op := Schedule{
		RequirePayment: flags&schedulePays != 0,
		ownZone:        flags&scheduleOwnZone != 0,
		Source:         GrantsFrom(Source(r.enum(sourceNames, 0))),
		repay:          Repay(r.enum(repayNames, byte(RepayFirst))),
		First:          FirstPeriod(r.enum(firstPeriodNames, 0)),
		CatchUp:        CatchUp(r.enum(catchUpNames, 0)),
		Scale:          int(r.byte()),
		ScheduleID:     r.text(),
		Amount:         r.amount(),
		Anchor:         r.calendarTime(),
		Every:          r.interval(),
		Timezone:       r.text(),
		Start:          r.calendarTime(),
		End:            r.calendarTime(),
		Count:          int(r.uint31()),
		Expires:        r.grantExpiry(),
		Rollover:       r.rollover(),
	}
	if flags&scheduleHasCostBasis != 0 {
		op.CostBasis = r.costBasis()
	}
	op.Priority = r.int32()
	op.Filters = r.filters()
	return op
}

const (
	changeHasRollover = 1 << iota
	changeHasExpires
	changeClears
	changeNow
	changeFlags = changeHasRollover | changeHasExpires | changeClears | changeNow
)

func appendChangeSchedule(dst []byte, op *ChangeSchedule) []byte {
	var flags byte
	if op.Rollover != nil {
		flags |= changeHasRollover
	}
	if op.Expires != nil {
		flags |= changeHasExpires
	}
	if op.ClearMetadata {
		flags |= changeClears
	}
	if op.When == ChangeNow {
		flags |= changeNow
	}
	dst = appendText(append(dst, flags), op.ScheduleID)
	dst = appendAmount(dst, op.Amount)
	if op.Rollover != nil {
		dst = appendRollover(dst, op.Rollover)
	}
	if op.Expires != nil {
		dst = appendGrantExpiry(dst, *op.Expires)
	}
	put, removed := op.counts()
	return binary.AppendUvarint(binary.AppendUvarint(dst, uint64(put)), uint64(removed))
}

func (r *reader) changeSchedule() ChangeSchedule {
	flags := r.byte()
	if flags&^changeFlags != 0 {
		r.fail("unknown flags")
	}
	op := ChangeSchedule{ScheduleID: r.text(), Amount: r.amount(), ClearMetadata: flags&changeClears != 0, recorded: true}
	if flags&changeNow != 0 {
		op.When = ChangeNow
	}
	if flags&changeHasRollover != 0 {
		rollover := r.rollover()
		op.Rollover = &rollover
	}
	if flags&changeHasExpires != 0 {
		expires := r.grantExpiry()
		op.Expires = &expires
	}
	op.put, op.removed = int(r.uint31()), int(r.uint31())
	return op
}

func appendEndSchedule(dst []byte, op *EndSchedule) []byte {
	dst = append(dst, boolByte(op.VoidBlocks))
	return appendText(appendText(dst, op.ScheduleID), op.VoidReason)
}

func (r *reader) endSchedule() EndSchedule {
	return EndSchedule{VoidBlocks: r.bool(), ScheduleID: r.text(), VoidReason: r.text()}
}

func appendOnset(dst []byte, t *onset) []byte {
	dst = binary.AppendUvarint(append(dst, boolByte(t.Empty)), uint64(t.Period))
	for _, i := range []Instant{t.Begin, t.Until, t.Next, t.Expires} {
		dst = appendInstant(dst, i)
	}
	return dst
}

func (r *reader) onset() onset {
	return onset{Empty: r.bool(), Period: r.period(), Begin: r.instant(), Until: r.instant(), Next: r.instant(), Expires: r.instant()}
}

// onSchedule reads an operation on a schedule.
func (c *operationCodec) onSchedule(r *reader, code byte) Operation {
	switch code {
	case opSchedule:
		op := r.schedule()
		op.Description, op.Metadata = c.readEnd(r)
		return op
	case opChangeSchedule:
		op := r.changeSchedule()
		op.Description, op.merged = c.readEnd(r)
		return op
	}
	op := r.endSchedule()
	op.Description, op.Metadata = c.readEnd(r)
	return op
}

// appendDue appends what fell due. An expiry has no texts, but it has a place in the list
// of texts.
func (c *operationCodec) appendDue(dst []byte, due fallenDue) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(due)))
	for _, op := range due {
		switch op := op.(type) {
		case expire:
			dst = append(dst, opExpire)
			c.n++
		case begin:
			dst = appendText(append(dst, opBegin), op.ScheduleID)
			dst = appendGrantBasis(appendOnset(dst, &op.onset), op.CostBasis)
			dst = c.end(dst, op.Description, op.Metadata)
		case carry:
			dst = appendText(append(dst, opCarry), op.ScheduleID)
			dst = appendInstant(binary.AppendUvarint(dst, op.Block), op.Expires)
			dst = c.end(dst, op.Description, op.Metadata)
		}
	}
	return dst
}

func (c *operationCodec) due(r *reader) Operation {
	n := r.count()
	if n == 0 {
		r.fail("nothing fell due")
	}
	due := make(fallenDue, n)
	for i := range due {
		switch code := r.byte(); {
		case r.err != "":
			return nil
		case code == opExpire:
			due[i] = expire{}
			c.n++
		case code == opBegin:
			op := begin{ScheduleID: r.text(), onset: r.onset(), CostBasis: r.grantBasis()}
			op.Description, op.Metadata = c.readEnd(r)
			due[i] = op
		case code == opCarry:
			op := carry{ScheduleID: r.text(), Block: r.uvarint(), Expires: r.instant()}
			op.Description, op.Metadata = c.readEnd(r)
			due[i] = op
		default:
			r.fail("unknown code %d of what fell due", code)
			return nil
		}
	}
	if r.err != "" {
		return nil
	}
	return due
}

// A grant's cost basis is 0 (none), or 1 and the cost basis.
func appendGrantBasis(dst []byte, c CostBasis) []byte {
	if !c.IsSet() {
		return append(dst, 0)
	}
	return appendCostBasis(append(dst, 1), c)
}

func (r *reader) grantBasis() (c CostBasis) {
	if r.bool() {
		c = r.costBasis()
	}
	return c
}

// schedules appends to a list the ids of the schedules that got their texts from a record
// that the erasure covers.
func (op *erase) schedules(rec *OpRecord, ids []string) []string {
	var one [1]Operation
	for i, o := range operations(rec.Op, &one) {
		if !op.covers(rec.Seq, i) {
			continue
		}
		id := ""
		switch o := o.(type) {
		case Schedule:
			id = o.ScheduleID
		case ChangeSchedule:
			id = o.ScheduleID
		}
		if id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}
