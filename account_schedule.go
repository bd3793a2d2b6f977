package creditledger

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// MaxSchedules bounds the schedules of an account that have a grant to come.
const MaxSchedules = 100

// schedule is a schedule as its account keeps it. Its instants follow from the calendar
// once, when they are decided, and stand in the journal from then on: rules about time
// zones change, and what was granted does not.
type schedule struct {
	id        string
	number    uint64 // of its creation: that of the record, times maxMade, and its place there
	calendar  recurrence
	zone      string  // its name; the calendar's is nil until somebody has to look it up
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
	payment   bool // each block waits for it
	repay     Repay
	filters   []Filter
	scheduleState
}

// scheduleState is what can change about a schedule.
type scheduleState struct {
	amount      Amount
	expires     GrantExpiry
	rollover    Rollover
	description string
	metadata    map[string]string
	period      int64   // the last that began: granted, or not; at first the one before the first
	begin       Instant // of that period
	until       Instant // its end
	next        Instant // of the next grant; none: it has ended
	granted     int64   // how many periods were granted
	level       Amount  // the most that the period was granted on; 0: it was not
	topUps      int     // in that period
	carriedAt   Instant // when credits were carried last
	since       uint64  // version of the account that wrote it as it is
}

// last is the number of the last period; 0: there is none.
func (s *schedule) last() int64 {
	if s.count == 0 {
		return 0
	}
	return s.first + s.count - 1
}

// owns reports whether a block is one of the schedule's: granted by it, or carried from
// such. Its id tells: nobody else may give a block an id that begins like that.
func (s *schedule) owns(b *block) bool {
	return len(b.ID) > len(s.id) && b.ID[len(s.id)] == '/' && strings.HasPrefix(b.ID, s.id)
}

// carriedMark stands in the id of a carried block, between that of the granted block that
// the credits are from and how often they were carried.
const carriedMark = "/r"

// carriedFrom is the id of the granted block that a schedule's block comes from, and how
// often its credits were carried.
func carriedFrom(id string) (root string, times int) {
	root, number, carried := strings.Cut(id[strings.IndexByte(id, '/')+1:], carriedMark)
	if !carried {
		return id, 0
	}
	times, _ = strconv.Atoi(number)
	return id[:strings.IndexByte(id, '/')+1] + root, times
}

// info is the schedule as callers know it.
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

// schedules are the schedules of an account. One that never had any has none of this.
type schedules struct {
	live  []*schedule          // with a grant to come, in the order of their creation
	ended map[string]*schedule // at hand: just ended, or fetched for an operation
	taken []string             // ids, with a slash, that blocks in the store begin with
}

// nextGrant is the earliest instant at which a schedule grants; none when none does.
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

// grantsBy reports whether anything is to be granted by an instant.
func (a *account) grantsBy(t Instant) bool {
	next := a.nextGrant()
	return next != 0 && next <= t
}

// saysBy reports whether a schedule that grants by an instant has a description or metadata.
func (a *account) saysBy(t Instant) bool {
	if !a.grantsBy(t) {
		return false
	}
	return slices.ContainsFunc(a.schedules.live, func(s *schedule) bool {
		return s.next <= t && (s.description != "" || len(s.metadata) > 0)
	})
}

// granting lists the schedules that grant at an instant.
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

// schedule finds a schedule at hand by its id, nil when there is none.
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

// info is the schedule as the edit leaves it, whatever changed it since.
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

// effectOnSchedule is what a record says of the change, once it is applied; nil for an
// operation on no schedule.
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

// set gives a schedule a state and puts it where that wants it.
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

// drop takes a schedule out, wherever it is.
func (l *schedules) drop(s *schedule) {
	l.live = removeSorted(l.live, s, byCreation)
	if l.ended[s.id] == s {
		delete(l.ended, s.id)
	}
}

func byCreation(a, b *schedule) int { return cmp.Compare(a.number, b.number) }

// forgetSchedules lets go of ended schedules that the store has, as it holds the given
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

// reserve notes with which texts ids of stored blocks begin, of those that an operation asks
// for.
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

// dropSchedules lets go of the schedules of an account that has none at hand.
func (a *account) dropSchedules() {
	if l := a.schedules; l != nil && len(l.live)+len(l.ended)+len(l.taken) == 0 {
		a.schedules = nil
	}
}

// maxMade is more than the schedules that one record makes.
const maxMade = 1 << 10

// nextSchedule is the number of the next schedule.
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

// weight is that of the live schedules, in blocks.
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
