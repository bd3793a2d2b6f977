package model

import (
	"math/big"
	"strconv"
	"strings"

	cl "creditledger"
)

// Plan is a schedule at work.
type Plan struct {
	Schedule
	Wall     Wall       // of the anchor
	From     cl.Instant // start
	Until    cl.Instant // end; 0 for none
	FirstK   int        // the period that From lies in
	K        int        // the next period to come
	Granted  int        // periods
	ByHand   bool       // ended
	LastK    int        // the last period granted
	Level    *big.Rat   // the most that period was granted on
	TopUps   int        // of that period
	instants map[int]cl.Instant
}

// Period is the beginning of a period; 0 beyond the calendar.
func (p *Plan) Period(k int) cl.Instant { return p.at(k) }

// at is the beginning of a period, counted from the anchor; 0 beyond the calendar.
func (p *Plan) at(k int) cl.Instant {
	if i, ok := p.instants[k]; ok {
		return i
	}
	i := p.Wall.after(k-1, p.Every).At(p.Zone)
	p.instants[k] = i
	return i
}

// Next is when the next period is granted; 0 if there is none.
func (p *Plan) Next() cl.Instant {
	if p.ByHand || p.Count > 0 && p.K >= p.FirstK+p.Count {
		return 0
	}
	next := p.at(p.K)
	if p.K == p.FirstK {
		next = max(next, p.From)
	}
	if next == 0 || p.at(p.K+1) == 0 || p.Until != 0 && next >= p.Until {
		return 0
	}
	return next
}

// State is active or ended.
func (p *Plan) State() string {
	if p.Next() == 0 {
		return "ended"
	}
	return "active"
}

func (p *Plan) copy() *Plan {
	c := *p
	return &c
}

// comesTo goes past the periods that grant nothing at an instant, and tells whether there
// is one that does. Missed periods are passed all at once, at the beginning of the first.
func (p *Plan) comesTo(at, by cl.Instant) bool {
	missed := func() bool { return p.CatchUp == "latest" && p.at(p.K+1) <= by }
	for p.Next() == at {
		switch {
		case missed():
			for p.Next() != 0 && missed() {
				p.K++
			}
		case p.at(p.K+1) > at && p.comes().Sign() > 0:
			return true
		default:
			p.K++
		}
	}
	return false
}

// comes is the amount of the next period.
func (p *Plan) comes() *big.Rat {
	from, to := p.at(p.K), p.at(p.K+1)
	if p.K != p.FirstK || p.From <= from || p.First != "prorated" {
		return p.Amount
	}
	return p.part(p.Amount, p.From, from, to)
}

// part is the share of an amount for the rest of a period, from an instant on.
func (p *Plan) part(amount *big.Rat, at, from, to cl.Instant) *big.Rat {
	share := big.NewRat(int64(to-at), int64(to-from))
	return cut(share.Mul(share, amount), p.Scale)
}

// cut keeps some digits after the decimal point, and drops the rest.
func cut(r *big.Rat, digits int) *big.Rat {
	text := r.FloatString(60) // of a share of a period or a hundredth: never so close to the next digit
	point := strings.IndexByte(text, '.')
	return rat(strings.TrimSuffix(text[:point+1+digits], "."))
}

// lives is when credits expire that a period brings at an instant; 0 for never.
func (p *Plan) lives(l Life, k int, at cl.Instant) cl.Instant {
	switch {
	case l.Never:
		return 0
	case l.Span.Count > 0:
		return WallOf(at, p.Zone).after(1, l.Span).At(p.Zone)
	}
	return p.at(k + 1)
}

// fits tells whether the account can bear the next grant once all that expires with it is gone.
func (s *State) fits(p *Plan) bool {
	if s.bears(p) {
		return true
	}
	after := s.clone()
	after.expireFreed(&Result{}, nil)
	if after.bears(p) {
		return true
	}
	p.K++
	return false
}

// bears tells whether the account can bear the next grant as it is. A debt that it repays
// makes room.
func (s *State) bears(p *Plan) bool {
	if new(big.Rat).Add(s.weight(), p.comes()).Cmp(tooMuch) < 0 {
		return true
	}
	after := s.clone()
	after.grantBlock(p, p.comes(), p.K, "", Texts{}, &Result{})
	return after.weight().Cmp(tooMuch) < 0
}

// grantOf grants the next period, or passes it over.
func (s *State) grantOf(p *Plan, r *Result) {
	if !s.bears(p) {
		p.K++
		return
	}
	s.grantBlock(p, p.comes(), p.K, strconv.Itoa(p.K), p.Texts, r)
	p.Granted, p.LastK, p.Level, p.TopUps = p.Granted+1, p.K, p.Amount, 0
	p.K++
}

func (s *State) grantBlock(p *Plan, amount *big.Rat, k int, name string, texts Texts, r *Result) {
	b := s.grant(grant{
		op: texts, amount: amount, id: p.ScheduleID + "/" + name, effective: s.now, expires: p.lives(p.Expires, k, s.now), cost: p.CostBasis,
		priority: p.Priority, filters: p.Filters, source: p.Source, metadata: p.Metadata, gated: p.RequirePayment,
	}, r)
	if b != nil {
		b.Plan, b.Root = p.ScheduleID, b.ID
	}
}

// rollOver carries what is free on those blocks of the schedule that expire now.
func (s *State) rollOver(p *Plan) {
	ro := p.Rollover
	if ro == nil || ro.None {
		return
	}
	percent := ro.Percent
	if percent == nil {
		percent = big.NewRat(100, 1)
	}
	mayGo := func(b *Block) bool {
		return b.Plan == p.ScheduleID && b.ExpiresAt == s.now && (b.Carried == 0 || b.Carried < max(ro.MaxTimes, 1))
	}
	for _, from := range s.ordered(mayGo) {
		carry := new(big.Rat).Mul(s.free(from), percent)
		carry = cut(carry.Quo(carry, big.NewRat(100, 1)), p.Scale)
		if ro.Max != nil {
			room := new(big.Rat).Set(ro.Max)
			for _, b := range s.Blocks {
				if b.Plan == p.ScheduleID && b.Carried > 0 && !b.Expired(s.now) {
					room.Sub(room, notNegative(b.Balance)) // a debt makes no room
				}
			}
			carry = least(carry, room)
		}
		if carry.Sign() > 0 {
			s.carry(p, from, carry)
		}
	}
}

func (s *State) carry(p *Plan, from *Block, amount *big.Rat) {
	to := &Block{
		EffectiveAt: from.EffectiveAt, ExpiresAt: p.lives(p.Rollover.Expires, p.K, s.now), ActivatedAt: from.ActivatedAt, Gated: from.Gated,
		Initial: amount, Balance: new(big.Rat), Cost: from.Cost, Priority: from.Priority, Filters: from.Filters, InvoiceID: from.InvoiceID,
		ParentID: from.ID, Metadata: from.Metadata, Plan: p.ScheduleID, Root: from.Root, Carried: from.Carried + 1,
	}
	r := &Result{}
	to = s.make(r, to, from.Root+"/r"+strconv.Itoa(to.Carried))
	s.write(r, p.Texts, &Entry{Type: cl.EntryExpirationChange, Block: from, Amount: amount, New: to, NewExpiry: to.ExpiresAt}, func() {
		from.takeOut(amount)
		from.Gone = new(big.Rat).Add(from.Gone, amount)
		to.move(amount)
	})
}
