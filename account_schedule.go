package creditledger

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// MaxSchedules bounds the schedules of an account that have a grant to come.
const MaxSchedules = 100

// schedule is a schedule as its account keeps it. Its instants are worked out from the
// calendar once, when they are decided, and stand in the journal from then on. So a grant
// stays as it was when the rules of a time zone change.
type schedule struct {
	id        string
	number    uint64 // of its creation: that of the record, times maxMade, and its place there
	calendar  recurrence
	zone      string  // its name; the zone of the calendar is nil until it is needed
	start     Instant // of the first grant
	first     int64   // the period that start is in
	firstOf   FirstPeriod
	end       Instant // exclusive; none: no end
	count     int64   // of periods; 0: no end
	scale     int
	catchUp   CatchUp
	costBasis CostBasis
	priority  int32
	source    Source
	payment   bool // each block waits for its payment
	repay     Repay
	filters   []Filter
	scheduleState
}

// scheduleState has the fields of a schedule that can change.
type scheduleState struct {
	amount      Amount
	expires     GrantExpiry
	rollover    Rollover
	description string
	metadata    map[string]string
	period      int64   // the last that began, granted or not; at first the one before the first
	begin       Instant // of that period
	until       Instant // its end
	next        Instant // of the next grant; none: it has ended
	granted     int64   // number of granted periods
	level       Amount  // the largest amount that the period was granted on; 0: it was not granted
	topUps      int     // in that period
	carriedAt   Instant // when credits were last carried on into a period
	since       uint64  // version of the account that wrote this state
}

// last returns the number of the last period; 0 if the schedule has no end.
func (s *schedule) last() int64 {
	if s.count == 0 {
		return 0
	}
	return s.first + s.count - 1
}

// owns reports whether the schedule granted a block, or carried its credits on. The
// block's id tells, because nobody else may give a block an id that begins like that.
func (s *schedule) owns(b *block) bool {
	return len(b.ID) > len(s.id) && b.ID[len(s.id)] == '/' && strings.HasPrefix(b.ID, s.id)
}

// carriedMark stands in the id of a carried block: behind the id of the granted block
// that its credits come from, and before the number of times that they were carried.
const carriedMark = "/r"

// carriedFrom returns the id of the granted block that the credits of a schedule's block
// come from, and how often they were carried.
func carriedFrom(id string) (root string, times int) {
	root, number, carried := strings.Cut(id[strings.IndexByte(id, '/')+1:], carriedMark)
	if !carried {
		return id, 0
	}
	times, _ = strconv.Atoi(number)
	return id[:strings.IndexByte(id, '/')+1] + root, times
}

// info returns the schedule in the form that callers know.
func (s *schedule) info() ScheduleInfo {
	i := ScheduleInfo{
		ID: s.id, Amount: s.amount, Anchor: s.calendar.anchor, Every: s.calendar.every, Timezone: s.zone,
		NextDue: s.next, Granted: s.granted,
	}
	if s.next == 0 {
		i.State = ScheduleEnded
	}
	return i
}

// schedules has the schedules of an account. An account that never had one has nil.
type schedules struct {
	live  []*schedule          // schedules with a grant to come, in the order of their creation
	ended map[string]*schedule // schedules that ended just now, or were fetched for an operation
	taken []string             // ids of schedules, with a slash, that ids of stored blocks begin with
}

// nextGrant returns the earliest instant at which a schedule grants; none if no schedule
// does.
func (a *account) nextGrant() (next Instant) {
	if a.schedules == nil {
		return 0
	}
	for _, s := range a.schedules.live {
		if next == 0 || s.next < next {
			next = s.next
		}
	}
	return next
}

// grantsBy reports whether a schedule grants at or before an instant.
func (a *account) grantsBy(t Instant) bool {
	next := a.nextGrant()
	return next != 0 && next <= t
}

// saysBy reports whether a schedule that grants at or before an instant has a description
// or metadata.
func (a *account) saysBy(t Instant) bool {
	if !a.grantsBy(t) {
		return false
	}
	return slices.ContainsFunc(a.schedules.live, func(s *schedule) bool {
		return s.next <= t && (s.description != "" || len(s.metadata) > 0)
	})
}

// granting returns the schedules that grant at an instant.
func (a *account) granting(at Instant) (list []*schedule) {
	if a.schedules == nil {
		return nil
	}
	for _, s := range a.schedules.live {
		if s.next == at {
			list = append(list, s)
		}
	}
	return list
}

// schedule returns a schedule in memory by its id; nil if it is not there.
func (a *account) schedule(id string) *schedule {
	if a.schedules == nil {
		return nil
	}
	for _, s := range a.schedules.live {
		if s.id == id {
			return s
		}
	}
	return a.schedules.ended[id]
}

// scheduleEdit is one schedule before and after.
type scheduleEdit struct {
	schedule *schedule
	was, now scheduleState
	new      bool
}

// info returns the schedule as this edit leaves it, even if a later edit changed it.
func (e *scheduleEdit) info() ScheduleInfo {
	left := *e.schedule
	left.scheduleState = e.now
	return left.info()
}

// editSchedule notes a new state for a schedule; it has at most one edit in a change.
func (c *change) editSchedule(s *schedule) *scheduleState {
	for i := range c.schedules {
		if c.schedules[i].schedule == s {
			return &c.schedules[i].now
		}
	}
	c.schedules = append(c.schedules, scheduleEdit{schedule: s, was: s.scheduleState, now: s.scheduleState})
	return &c.schedules[len(c.schedules)-1].now
}

// applySchedules gives schedules their new states.
func (a *account) applySchedules(c *change) {
	if a.schedules == nil {
		a.schedules = &schedules{}
	}
	for i := range c.schedules {
		e := &c.schedules[i]
		e.now.since = a.head.Version + 1
		a.schedules.set(e.schedule, e.now)
		c.rows = append(c.rows, StoredRow{
			Row:  Row{Kind: RowSchedule, Key: e.schedule.id, Value: appendScheduleRow(nil, e.schedule)},
			Open: e.now.next != 0, New: e.new,
		})
	}
}

// revertSchedules is the opposite of applySchedules.
func (a *account) revertSchedules(c *change) {
	for i := range slices.Backward(c.schedules) {
		e := &c.schedules[i]
		if e.new {
			a.schedules.drop(e.schedule)
			e.schedule.scheduleState = e.was
			continue
		}
		a.schedules.set(e.schedule, e.was)
	}
	a.dropSchedules()
}

// effectOnSchedule returns what a record says about the change of a schedule, once it is
// applied; nil if the operation names no schedule.
func (c *change) effectOnSchedule(op Operation) *effectOnSchedule {
	if !onSchedule(op) {
		return nil
	}
	e := &effectOnSchedule{info: c.schedules[0].info()}
	switch op.(type) {
	case Schedule:
		e.dates = c.dates
	case ChangeSchedule:
		if len(c.lines) > 0 {
			e.dates = c.dates
		}
	}
	return e
}

// same reports whether a record says the same.
func (e *effectOnSchedule) same(stored *effectOnSchedule) bool {
	if e == nil || stored == nil {
		return e == stored
	}
	return e.info == stored.info && (e.dates != nil) == (stored.dates != nil)
}

// set gives a schedule a state, and puts it into the list that it then belongs to.
func (l *schedules) set(s *schedule, state scheduleState) {
	l.drop(s)
	s.scheduleState = state
	if s.next != 0 {
		l.live = insertSorted(l.live, s, byCreation)
		return
	}
	if l.ended == nil {
		l.ended = map[string]*schedule{}
	}
	l.ended[s.id] = s
}

// drop removes a schedule from whichever list it is in.
func (l *schedules) drop(s *schedule) {
	l.live = removeSorted(l.live, s, byCreation)
	if l.ended[s.id] == s {
		delete(l.ended, s.id)
	}
}

func byCreation(a, b *schedule) int { return cmp.Compare(a.number, b.number) }

// forgetSchedules drops ended schedules that are stored, once the store has reached a
// version.
func (a *account) forgetSchedules(durable uint64) {
	if a.schedules == nil {
		return
	}
	for id, s := range a.schedules.ended {
		if s.since <= durable {
			delete(a.schedules.ended, id)
		}
	}
	if len(a.schedules.ended) == 0 {
		a.schedules.ended = nil
	}
	a.dropSchedules()
}

// reserve notes which prefixes, among those that an operation asks about, ids of stored
// blocks begin with.
func (a *account) reserve(taken []string) {
	if a.schedules == nil && len(taken) == 0 {
		return
	}
	if a.schedules == nil {
		a.schedules = &schedules{}
	}
	a.schedules.taken = taken
	a.dropSchedules()
}

// dropSchedules frees the memory for schedules of an account that has none in memory.
func (a *account) dropSchedules() {
	if l := a.schedules; l != nil && len(l.live)+len(l.ended)+len(l.taken) == 0 {
		a.schedules = nil
	}
}

// maxMade is larger than the number of schedules that one record can make.
const maxMade = 1 << 10

// nextSchedule returns the number of the next schedule.
func (a *account) nextSchedule() uint64 {
	number := (a.head.Version + 1) * maxMade
	if a.schedules == nil {
		return number
	}
	for _, s := range a.schedules.live {
		number = max(number, s.number+1)
	}
	for _, s := range a.schedules.ended {
		number = max(number, s.number+1)
	}
	return number
}

// weight returns the weight of the live schedules, in blocks.
func (l *schedules) weight() (weight int) {
	if l == nil {
		return 0
	}
	for _, s := range l.live {
		size := textSize(s.id) + filtersSize(s.filters) + textSize(s.description) + metadataSize(s.metadata)
		weight += 1 + size/weightUnit
	}
	return weight
}
