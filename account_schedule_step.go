package creditledger

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// dates works out the dates of a new schedule that is made at an instant. It returns an
// InvalidError if the schedule cannot begin then.
func (op *Schedule) dates(at Instant, s *schedule) (*scheduleDates, error) {
	zone := s.calendar.zone
	d := &scheduleDates{anchor: op.Anchor.localIn(zone), start: op.Start.in(zone), end: op.End.in(zone)}
	if d.anchor.IsZero() {
		d.anchor = LocalTimeOf(at.Time(), zone)
	}
	s.calendar.anchor = d.anchor
	anchored := s.calendar.at(1)
	if anchored == 0 || !d.start.Valid() || !d.end.Valid() {
		return nil, invalid("anchor", "is outside the years 0001 to 9999")
	}
	anchored = max(anchored, op.Anchor.instant) // where clocks show the anchor's time twice, it may mean the second
	if d.start == 0 {
		d.start = max(anchored, at)
	}
	switch {
	case d.start < anchored:
		return nil, invalid("start", "%s is before the anchor, %s", d.start, anchored)
	case d.start < at:
		return nil, invalid("start", "%s has passed: it is %s", d.start, at)
	case d.end != 0 && d.end <= d.start:
		return nil, invalid("end", "%s is not after the start, %s: nothing would be granted", d.end, d.start)
	}
	d.first = s.calendar.period(d.start)
	d.period, d.next = d.first-1, d.start
	s.start, s.end, s.first = d.start, d.end, d.first
	switch {
	case op.First == FirstSkip && d.start > s.begins(d.first):
		d.period, d.next = d.first, s.after(d.first)
	case s.calendar.at(d.first+1) == 0:
		d.next = 0
	}
	return d, nil
}

// stepSchedule makes a schedule. A grant that is due at that instant comes at once.
func stepSchedule(a *account, op *Schedule, c *change) error {
	s := op.schedule(a.nextSchedule())
	if c.dates == nil {
		dates, err := op.dates(a.at, s)
		if err != nil {
			return err
		}
		c.dates = dates
	} else if err := op.checkDates(c.dates, a.at); err != nil {
		return err
	}
	switch {
	case a.schedule(op.ScheduleID) != nil:
		return &DuplicateError{Kind: "schedule", ID: op.ScheduleID}
	case a.hasBlockBelow(op.ScheduleID):
		return &DuplicateError{Kind: "schedule", ID: op.ScheduleID}
	case a.schedules != nil && len(a.schedules.live) >= MaxSchedules:
		return constraint("the account has %d schedules with a grant to come, as many as there may be: end one first", MaxSchedules)
	}
	s.date(c.dates)
	now := c.editSchedule(s)
	c.schedules[len(c.schedules)-1].new = true
	if now.next == 0 {
		now.description, now.metadata = "", nil
	}
	if s.next == 0 || s.next != a.at {
		return nil
	}
	if s.calendar.zone != nil { // the schedule is decided, not replayed
		c.dates.onset, c.dates.costBasis = s.upcoming(a.at), s.costBasis
	}
	if t := &c.dates.onset; t.Period <= s.period || t.Next == a.at {
		return constraint("period %d comes after period %d", t.Period, s.period)
	}
	return stepBegin(a, s, &c.dates.onset, op.Metadata, c)
}

// checkDates refuses dates in a record that no time zone whatsoever could give at an
// instant.
func (op *Schedule) checkDates(d *scheduleDates, at Instant) error {
	skipped := op.First == FirstSkip && d.period == d.first
	now := op.Start.IsZero() && op.Anchor.IsZero()
	switch {
	case d.anchor.IsZero() || d.first < 1 || !skipped && d.period != d.first-1:
		return invalid("anchor", "period %d comes after period %d", d.first, d.period)
	case d.start < at || now && d.start != at || op.Start.instant != 0 && d.start != op.Start.instant:
		return invalid("start", "%s is not when it starts", d.start)
	case op.End.IsZero() != (d.end == 0) || op.End.instant != 0 && d.end != op.End.instant || d.end != 0 && d.end <= d.start:
		return invalid("end", "%s is not when it ends", d.end)
	case d.next != 0 && (skipped && d.next <= d.start || !skipped && d.next != d.start):
		return invalid("start", "%s is not when it grants first", d.next)
	}
	return nil
}

// schedule returns the schedule that an operation asks for, without its dates.
func (op *Schedule) schedule(number uint64) *schedule {
	return &schedule{
		id: op.ScheduleID, number: number, calendar: recurrence{every: op.Every, zone: op.zone}, zone: op.Timezone,
		firstOf: op.First, count: int64(op.Count), scale: op.Scale, catchUp: op.CatchUp,
		costBasis: op.CostBasis, priority: op.Priority, source: op.Source.Source(), payment: op.RequirePayment,
		repay: op.repay.rule(), filters: op.Filters,
		scheduleState: scheduleState{
			amount: op.Amount, expires: op.Expires, rollover: op.Rollover, description: op.Description, metadata: op.Metadata,
		},
	}
}

// date gives a new schedule its dates.
func (s *schedule) date(d *scheduleDates) {
	s.calendar.anchor, s.start, s.end, s.first, s.period, s.next = d.anchor, d.start, d.end, d.first, d.period, d.next
}

// hasBlockBelow reports whether a block has an id that only a schedule with the given id
// may give.
func (a *account) hasBlockBelow(id string) bool {
	below := id + "/"
	for _, b := range a.open.all() {
		if strings.HasPrefix(b.ID, below) {
			return true
		}
	}
	for other := range a.closed {
		if strings.HasPrefix(other, below) {
			return true
		}
	}
	return a.schedules != nil && slices.Contains(a.schedules.taken, below)
}

// inSchedule reports whether only a schedule of the account may give a block this id.
func (a *account) inSchedule(id string) bool {
	if a.schedules == nil {
		return false
	}
	schedule, _, slash := strings.Cut(id, "/")
	return slash && a.schedule(schedule) != nil
}

// activeSchedule returns the schedule that an operation names, or an error if it has no
// grant to come.
func activeSchedule(a *account, id string) (*schedule, error) {
	s := a.schedule(id)
	switch {
	case s == nil:
		return nil, &NotFoundError{Kind: "schedule", ID: id}
	case s.next == 0:
		return nil, constraint("schedule %s has ended", quote(id))
	}
	return s, nil
}

// stepChangeSchedule changes what a schedule grants. A larger amount that counts at once
// grants the difference for the rest of the period. The difference is to the largest
// amount that the period was ever granted on, so that going down and up again gains
// nothing.
func stepChangeSchedule(a *account, op *ChangeSchedule, c *change) error {
	s, err := activeSchedule(a, op.ScheduleID)
	if err != nil {
		return err
	}
	now := c.editSchedule(s)
	if !op.Amount.IsZero() {
		now.amount = op.Amount
	}
	if op.Rollover != nil {
		now.rollover = *op.Rollover
	}
	if op.Expires != nil {
		now.expires = *op.Expires
	}
	if !op.recorded {
		op.merged = op.merge(s.metadata)
	}
	if now.metadata = op.merged; len(now.metadata) > MaxMetadataPairs {
		return invalid("metadata", "would have %d pairs, more than %d", len(now.metadata), MaxMetadataPairs)
	}
	if op.When != ChangeNow || op.Amount.IsZero() || s.level.IsZero() || now.amount.Cmp(s.level) <= 0 {
		return nil
	}
	more := mustAmount(now.amount.Sub(s.level)).prorated(a.at, s.begin, s.until, s.scale)
	if more.IsZero() {
		return nil
	}
	if c.dates == nil {
		zone, err := s.zoneFor(now.expires)
		if err != nil {
			return err
		}
		c.dates = &scheduleDates{expires: now.expires.of(a.at, s.until, zone), costBasis: s.costBasis}
	}
	now.topUps, now.level = s.topUps+1, now.amount
	id := s.id + "/" + strconv.FormatInt(s.period, 10) + "+" + strconv.Itoa(now.topUps)
	return s.grants(a, id, more, c.dates.expires, now.metadata, c)
}

// zoneFor returns the zone that an expiry is counted in; nil if it needs none.
func (s *schedule) zoneFor(e GrantExpiry) (*time.Location, error) {
	if e.after.IsZero() {
		return nil, nil
	}
	err := s.locate()
	return s.calendar.zone, err
}

// stepEndSchedule ends a schedule. If it is asked to, it also voids the free parts of the
// schedule's blocks.
func stepEndSchedule(a *account, op *EndSchedule, c *change) error {
	s, err := activeSchedule(a, op.ScheduleID)
	if err != nil {
		return err
	}
	now := c.editSchedule(s)
	now.next, now.description, now.metadata = 0, "", nil
	if !op.VoidBlocks {
		return nil
	}
	total := a.total
	for _, b := range a.open.all() {
		free := b.free()
		if !s.owns(b) || free.Sign() <= 0 || b.Expired(a.at) {
			continue
		}
		if len(c.lines) > MaxEntries-2 {
			return &LimitError{Entries: len(c.lines) + 2}
		}
		if err := c.void(a, b, b.Balance, free, free, &total); err != nil {
			return err
		}
	}
	return nil
}

// stepBegin begins a period at the instant a.at. Nobody can refuse a grant that comes
// due, so a grant that would bring the balances beyond their limit does not happen.
func stepBegin(a *account, s *schedule, t *onset, metadata map[string]string, c *change) error {
	now := c.editSchedule(s)
	now.period, now.begin, now.until, now.next = t.Period, t.Begin, t.Until, t.Next
	now.level, now.topUps = Amount{}, 0
	if now.next == 0 { // no later grant will say them
		now.description, now.metadata = "", nil
	}
	if t.Empty {
		c.gross = a.gross
		return nil
	}
	id := s.id + "/" + strconv.FormatInt(t.Period, 10)
	if err := s.grants(a, id, s.share(t), t.Expires, metadata, c); err != nil || c.fits(a) != nil {
		c.lines, c.blocks, c.edits, c.created, c.gross = nil, nil, nil, nil, a.gross
		return nil
	}
	now.granted++
	now.level = now.amount
	return nil
}

// grants makes the increment of a schedule.
func (s *schedule) grants(a *account, id string, amount Amount, expires Instant, metadata map[string]string, c *change) error {
	op := Increment{
		Amount: amount, BlockID: id, ExpiresAt: AtInstant(expires), CostBasis: s.costBasis, Priority: s.priority,
		Filters: s.filters, Source: s.source, RequirePayment: s.payment, Repay: s.repay, Metadata: metadata,
	}
	if a.debts.len() >= MaxEntries { // a grant that comes due is never refused
		op.Repay = RepayNever
	}
	return increase(a, &op, c)
}
