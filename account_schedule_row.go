package creditledger

import (
	"encoding/binary"
	"fmt"
)

// scheduleFormat is the format of a schedule's row. Rule: docs/format/schedules.md.
const scheduleFormat = 1

// appendScheduleRow appends what a store keeps of a schedule. The id is left out, because
// it is the row's key.
func appendScheduleRow(dst []byte, s *schedule) []byte {
	op := Schedule{
		ScheduleID: s.id, Amount: s.amount, Every: s.calendar.every, Timezone: s.zone, Count: int(s.count), Expires: s.expires,
		First: s.firstOf, Scale: s.scale, Rollover: s.rollover, CatchUp: s.catchUp, CostBasis: s.costBasis, Priority: s.priority,
		Filters: s.filters, Source: GrantsFrom(s.source), RequirePayment: s.payment, repay: s.repay,
	}
	dst = binary.AppendUvarint(append(dst, scheduleFormat), s.number)
	dst = appendSchedule(dst, &op)
	dst = appendLocalTime(dst, s.calendar.anchor)
	dst = appendInstant(appendInstant(dst, s.start), s.end)
	dst = binary.AppendUvarint(dst, uint64(s.first))
	dst = appendOnset(dst, &onset{Period: s.period, Begin: s.begin, Until: s.until, Next: s.next})
	dst = binary.AppendUvarint(dst, uint64(s.granted))
	dst = appendAmount(dst, s.level)
	dst = binary.AppendUvarint(dst, uint64(s.topUps))
	dst = appendInstant(dst, s.carriedAt)
	return appendNote(dst, s.description, s.metadata)
}

// readScheduleRow reads what appendScheduleRow wrote. It refuses anything else with a
// CorruptError.
func readScheduleRow(id AccountID, row *Row) (*schedule, error) {
	r := reader{data: row.Value}
	r.version(scheduleFormat, scheduleFormat)
	number, op := r.uvarint(), r.schedule()
	s := op.schedule(number)
	s.calendar.anchor = r.localTime()
	s.start, s.end, s.first = r.someInstant(), r.instant(), r.period()
	t := r.onset()
	s.period, s.begin, s.until, s.next = t.Period, t.Begin, t.Until, t.Next
	s.granted, s.level, s.topUps, s.carriedAt = r.period(), r.amount(), int(r.uint31()), r.instant()
	s.description, s.metadata = r.text(), r.metadata()
	if r.err == "" && (s.id != row.Key || s.calendar.anchor.IsZero()) {
		r.fail("it is that of schedule %s", quote(s.id))
	}
	return s, r.finish(fmt.Sprintf("schedule %s of %s", quote(row.Key), id))
}

// loadSchedules loads those of an account's rows that are schedules with a grant to come.
func (a *account) loadSchedules(rows []Row) error {
	for i := range rows {
		if rows[i].Kind != RowSchedule {
			continue
		}
		s, err := readScheduleRow(a.id, &rows[i])
		if err == nil && (s.next == 0 || s.next < a.head.LastAt || a.schedule(s.id) != nil) {
			err = &CorruptError{Where: "schedule " + quote(s.id) + " of " + a.id.String(), Reason: fmt.Sprintf("it is listed with a grant to come, %s", s.next)}
		}
		if err != nil {
			return err
		}
		if a.schedules == nil {
			a.schedules = &schedules{}
		}
		s.since = a.head.Version
		a.schedules.live = insertSorted(a.schedules.live, s, byCreation)
	}
	return nil
}

// missingSchedules lists the schedules that are not in memory and that an operation
// names, by their own ids or by ids of blocks that only they may give.
func (a *account) missingSchedules(op Operation) (ids []string) {
	if a.head.Rows == 0 {
		return nil
	}
	for _, id := range namedSchedules(op, nil) {
		if a.schedule(id) == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// admitSchedule loads an ended schedule from its row. It ignores the row of a schedule
// with a grant to come: the stored account has changed since, and will be read again.
func (a *account) admitSchedule(row *Row) error {
	s, err := readScheduleRow(a.id, row)
	if err != nil || s.next != 0 {
		return err
	}
	if a.schedules == nil {
		a.schedules = &schedules{}
	}
	s.since = a.head.Version
	a.schedules.set(s, s.scheduleState)
	return nil
}
