package model

import (
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	cl "creditledger"
)

// Moment is a day, a local date-time, or an instant; the zero Moment is none.
type Moment struct {
	Wall    Wall // unless Year is 0
	Instant cl.Instant
}

func (m Moment) given() bool { return m != Moment{} }

func (m Moment) at(zone *time.Location) cl.Instant {
	if m.Wall.Year != 0 {
		return m.Wall.At(zone)
	}
	return m.Instant
}

// Life says how long credits live: for a span, for ever, or as long as the period.
type Life struct {
	Never bool
	Span  Span // unless Count is 0
}

// Rollover says what of a period's credits is carried into the next.
type Rollover struct {
	Percent  *big.Rat // nil for 100
	Max      *big.Rat // nil for none
	MaxTimes int      // 0 for 1
	Expires  Life

	None bool // nothing is carried: what a change may say
}

// Schedule grants credits again and again.
type Schedule struct {
	ScheduleID     string
	Amount         *big.Rat
	Anchor         Moment
	Every          Span
	Zone           *time.Location // nil for the customer's
	Start, End     Moment
	Count          int
	Expires        Life
	First          string // "full" if empty
	Scale          int
	Rollover       *Rollover
	CatchUp        string // "all" if empty
	CostBasis      cl.CostBasis
	Priority       int32
	Filters        []cl.Filter
	Source         cl.Source
	RequirePayment bool
	Texts
}

// ChangeSchedule changes what is given.
type ChangeSchedule struct {
	ScheduleID  string
	Amount      *big.Rat
	Rollover    *Rollover
	Expires     *Life
	Change      map[string]*string // of its metadata; nil removes
	Clear       bool               // all of its metadata
	Now         bool
	Description string
}

// EndSchedule ends it.
type EndSchedule struct {
	ScheduleID string
	VoidBlocks bool
	Reason     string
	Texts
}

// Name is the operation's name in operations files.
func (Schedule) Name() string { return "schedule" }

// Name is the operation's name in operations files.
func (ChangeSchedule) Name() string { return "change_schedule" }

// Name is the operation's name in operations files.
func (EndSchedule) Name() string { return "end_schedule" }

// zoneOf is the zone in which a schedule counts.
func (s *State) zoneOf(op Schedule) *time.Location {
	if op.Zone != nil {
		return op.Zone
	}
	return s.zone
}

// planOf works out when a schedule starts and ends.
func (s *State) planOf(op Schedule) *Plan {
	p := &Plan{Schedule: op, instants: map[int]cl.Instant{}, Level: new(big.Rat)}
	p.Zone = s.zoneOf(op)
	switch {
	case !op.Anchor.given():
		p.Wall = WallOf(s.now, p.Zone)
	case op.Anchor.Wall.Year != 0:
		p.Wall = op.Anchor.Wall
	default:
		p.Wall = WallOf(op.Anchor.Instant, p.Zone)
	}
	p.From, p.Until = op.Start.at(p.Zone), op.End.at(p.Zone)
	if p.From == 0 {
		p.From = max(p.at(1), s.now)
	}
	for p.FirstK = 1; p.at(p.FirstK+1) != 0 && p.at(p.FirstK+1) <= p.From; {
		p.FirstK++
	}
	if p.K = p.FirstK; op.First == "skip" && p.From > p.at(p.K) {
		p.K++
	}
	return p
}

func (s *State) untimelySchedule(op Schedule) string {
	p := s.planOf(op)
	switch {
	case op.Start.given() && (p.From < s.now || p.From < p.at(1)):
		return "start"
	case p.Until != 0 && p.Until <= p.From:
		return "end"
	}
	return ""
}

// PlanOf looks a schedule up.
func (s *State) PlanOf(id string) *Plan {
	for _, p := range s.Plans {
		if p.ScheduleID == id {
			return p
		}
	}
	return nil
}

func (s *State) schedule(op Schedule, r *Result) error {
	live := 0
	for _, p := range s.Plans {
		if p.Next() != 0 {
			live++
		}
	}
	within := func(b *Block) bool { return strings.HasPrefix(b.ID, op.ScheduleID+"/") }
	switch {
	case s.PlanOf(op.ScheduleID) != nil || slices.ContainsFunc(s.Blocks, within):
		return &Refusal{Kind: Duplicate, What: op.ScheduleID}
	case live >= 100:
		return &Refusal{Kind: Constraint}
	}
	p := s.planOf(op)
	s.Plans = append(s.Plans, p)
	if p.comesTo(s.now, s.now) && s.fits(p) {
		s.grantOf(p, r)
	}
	r.Plan = p.copy()
	return nil
}

func (s *State) changeSchedule(op ChangeSchedule, r *Result) error {
	p := s.PlanOf(op.ScheduleID)
	switch {
	case p == nil:
		return &Refusal{Kind: NotFound, What: op.ScheduleID}
	case p.Next() == 0:
		return &Refusal{Kind: Constraint}
	}
	if op.Rollover != nil {
		p.Rollover = op.Rollover
	}
	if op.Expires != nil {
		p.Expires = *op.Expires
	}
	texts := maps.Clone(p.Metadata)
	if op.Clear || texts == nil {
		texts = map[string]string{}
	}
	for k, v := range op.Change {
		if v == nil {
			delete(texts, k)
		} else {
			texts[k] = *v
		}
	}
	p.Metadata = texts
	if op.Amount != nil {
		p.Amount = op.Amount
		if op.Now {
			s.topUp(p, op.Description, r)
		}
	}
	r.Plan = p.copy()
	return nil
}

// topUp grants what the present period lacks of the new amount, for the rest of the period.
// It counts from the most that the period was granted on, so going up and down gains
// nothing.
func (s *State) topUp(p *Plan, description string, r *Result) {
	more := new(big.Rat).Sub(p.Amount, p.Level)
	if p.LastK == 0 || p.LastK != p.K-1 || more.Sign() <= 0 {
		return
	}
	from, to := p.at(p.LastK), p.at(p.K)
	amount := p.part(more, s.now, from, to)
	if amount.Sign() == 0 {
		return
	}
	p.TopUps, p.Level = p.TopUps+1, p.Amount
	name := strconv.Itoa(p.LastK) + "+" + strconv.Itoa(p.TopUps)
	s.grantBlock(p, amount, p.LastK, name, Texts{description, p.Metadata}, r)
}

func (s *State) endSchedule(op EndSchedule, r *Result) error {
	p := s.PlanOf(op.ScheduleID)
	switch {
	case p == nil:
		return &Refusal{Kind: NotFound, What: op.ScheduleID}
	case p.Next() == 0:
		return &Refusal{Kind: Constraint}
	}
	p.ByHand = true
	own := func(b *Block) bool { return b.Plan == p.ScheduleID && !b.Expired(s.now) && s.free(b).Sign() > 0 }
	if op.VoidBlocks {
		for _, b := range s.ordered(own) {
			s.takeBack(op, op.Reason, b, s.free(b), r)
		}
	}
	r.Plan = p.copy()
	return nil
}
