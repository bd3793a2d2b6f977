package field

import (
	"errors"
	"testing"
	"time"

	cl "creditledger"
)

const micro = time.Microsecond

// openmeter#4252, #4278, #1408, #4511: a grant came twice where two events met at one
// instant.
func TestField_48_EqualInstants(t *testing.T) {
	moment := begin.Add(time.Hour)
	events := map[string]cl.Increment{
		"expires":           {Amount: cl.AmountOf(1), BlockID: "e", ExpiresAt: cl.At(moment)},
		"becomes effective": {Amount: cl.AmountOf(10), BlockID: "f", EffectiveAt: cl.At(moment)},
		"another expires":   {Amount: cl.AmountOf(100), BlockID: "x", ExpiresAt: cl.At(moment)},
		"pending expires":   {Amount: cl.AmountOf(1000), BlockID: "p", RequirePayment: true, ExpiresAt: cl.At(moment)},
	}
	left := map[string]int64{"becomes effective": 10}
	for a, first := range events {
		for b, second := range events {
			if a == b {
				continue
			}
			t.Run(a+", "+b, func(t *testing.T) {
				each(t, func(p *place) {
					p.must(first)
					p.must(second)
					p.at(moment)
					p.must(cl.Increment{Amount: cl.AmountOf(7)})
					p.must(cl.Increment{Amount: cl.AmountOf(7)})
					want := cl.AmountOf(14 + left[a] + left[b])
					p.total(want.String())
					p.totalAt(moment, want.String())
					expiries := 0
					for _, e := range p.entries() {
						if e.Type == cl.EntryCreditBlockExpiry {
							expiries++
						}
					}
					if expiries != 2-len(left)*btoi(a == "becomes effective" || b == "becomes effective") {
						p.t.Errorf("%d expiries", expiries)
					}
				})
			})
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// openmeter#2955, @32bf5fb2b, #1071: a bound counted on the wrong side, the last minute
// was missing.
func TestField_49_AroundEveryBound(t *testing.T) {
	from, to := begin.Add(time.Hour), begin.Add(2*time.Hour)
	each(t, func(p *place) {
		p.must(cl.Increment{Amount: cl.AmountOf(5), EffectiveAt: cl.At(from), ExpiresAt: cl.At(to)})
		steps := []struct {
			at   time.Time
			want string
		}{{from.Add(-micro), "0"}, {from.Add(-1), "0"}, {from, "5"}, {from.Add(micro), "5"}, {to.Add(-micro), "5"}, {to.Add(-1), "5"}, {to, "0"}, {to.Add(micro), "0"}}
		for _, s := range steps {
			p.at(s.at)
			p.total(s.want)
			if _, err := p.Preview(ctx, on, rejecting(5), ""); (err == nil) != (s.want == "5") {
				p.t.Errorf("at %s: %v", s.at, err)
			}
		}
		for _, s := range steps {
			p.totalAt(s.at, s.want)
		}
	})
}

// openmeter#4649: usage of a closed period ate credits that were granted later.
func TestField_50_LaterGrantsDoNotReachBack(t *testing.T) {
	each(t, func(p *place) {
		p.must(grant("a", 10))
		p.at(begin.Add(time.Hour))
		p.must(spend(4))
		p.at(begin.Add(2 * time.Hour))
		p.must(cl.Increment{Amount: cl.AmountOf(100), EffectiveAt: cl.At(begin.Add(-time.Hour))})
		p.at(begin.Add(3 * time.Hour))
		p.must(spend(50))
		for hour, want := range []string{"10", "6", "106", "56"} {
			p.totalAt(begin.Add(time.Duration(hour)*time.Hour), want)
		}
		p.totalAt(begin.Add(-micro), "0")
	})
}

// openmeter#4845, #4846, #4726, #1180: a balance from a snapshot was not that from zero.
func TestField_51_FromAnySnapshot(t *testing.T) {
	each(t, func(p *place) {
		for i, op := range everyKind() {
			p.at(begin.Add(time.Duration(i) * time.Hour))
			p.must(op)
			fresh := newPlace(p.t, p.store)
			fresh.at(begin.Add(time.Duration(i) * time.Hour))
			b, err := p.Balance(ctx, on, cl.BalanceQuery{})
			if err != nil {
				p.t.Fatal(err)
			}
			fresh.total(b.Total.String())
		}
		v, err := p.Verify(ctx, on, nil)
		if err != nil || v.Violation != nil {
			p.t.Error(v.Violation, err)
		}
	})
}

// openmeter#3831, @54ee8762c: a date overflowed; a monotonic reading made equal times
// differ.
func TestField_52_EndsOfTheCalendar(t *testing.T) {
	each(t, func(p *place) {
		last := time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)
		p.must(until(grant("b", 10), last))
		p.must(cl.Increment{Amount: one, EffectiveAt: cl.At(time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC))})
		for _, bad := range []time.Time{last.Add(1), time.Date(0, 12, 31, 23, 59, 59, 0, time.UTC), time.Unix(1<<62, 0)} {
			p.refused(cl.Increment{Amount: one, EffectiveAt: cl.At(bad)}, "", cl.ErrInvalid)
			p.refused(cl.ExpirationChange{BlockID: "b", Target: cl.At(bad)}, "", cl.ErrInvalid)
		}
		if b, err := p.Block(ctx, on, "b"); err != nil || b.ExpiresAt.String() != "9999-12-31T23:59:59.999999Z" {
			p.t.Errorf("it expires %s (%v)", b.ExpiresAt, err)
		}
		p.at(last)
		p.total("1")
	})
	now := time.Now() // with a monotonic reading
	if cl.At(now) != cl.At(now.Round(0)) || cl.At(now) != cl.At(now.In(time.FixedZone("x", 3600))) || cl.InstantOf(now).Time() != now.UTC().Truncate(micro) {
		t.Error("one moment is two instants")
	}
}

// flexprice#2671: expiry was counted in UTC, periods in the customer's zone: three days
// early; and days of 24 hours over a change of clocks.
func TestField_53_DaysOfTheCustomer(t *testing.T) {
	for zone, want := range map[string]string{
		"America/Los_Angeles": "2026-03-09T07:00:00Z", "Asia/Tokyo": "2026-03-08T15:00:00Z", "Pacific/Kiritimati": "2026-03-08T10:00:00Z", "Pacific/Pago_Pago": "2026-03-09T11:00:00Z", "UTC": "2026-03-09T00:00:00Z",
	} {
		each(t, func(p *place) {
			if _, err := p.PutCustomer(ctx, cl.CustomerUpdate{ID: on.Customer, Timezone: &zone}); err != nil {
				p.t.Fatal(err)
			}
			p.must(cl.Increment{Amount: one, BlockID: "b", ExpiresAt: cl.On(cl.DateOf(2026, 3, 9))}) // the day after clocks change in America
			if b, err := p.Block(ctx, on, "b"); err != nil || b.ExpiresAt.String() != want {
				p.t.Errorf("in %s it expires %s, not %s (%v)", zone, b.ExpiresAt, want, err)
			}
		})
	}
}

// lago-api#5879: objects that were over could still be changed.
func TestField_63_OverIsOver(t *testing.T) {
	each(t, func(p *place) {
		p.must(until(grant("e", 10), begin.Add(time.Hour)))
		p.must(cl.Increment{Amount: one, BlockID: "p", RequirePayment: true, ExpiresAt: cl.At(begin.Add(time.Hour))})
		p.must(grant("v", 10))
		p.must(cl.Void{BlockID: "v", Amount: cl.AmountOf(10)})
		p.at(begin.Add(time.Hour))
		for _, written := range []bool{false, true} { // before the expiry is written down, and after
			for _, id := range []string{"e", "p", "v"} {
				p.refused(cl.Void{BlockID: id, Amount: one}, "", cl.ErrConstraint)
				p.refused(cl.Amendment{BlockID: id, Amount: one}, "", cl.ErrConstraint)
				p.refused(cl.ExpirationChange{BlockID: id, Target: cl.Never()}, "", cl.ErrConstraint)
				p.refused(cl.Activation{BlockID: id}, "", cl.ErrConstraint)
			}
			if res, err := p.Sweep(ctx); err != nil || res.Entries != 2*btoi(!written) {
				p.t.Errorf("%+v, %v", res, err)
			}
		}
		p.refused(rejecting(1), "", cl.ErrInsufficientCredits)
		if _, err := p.Do(ctx, on, grant("e", 1), ""); !errors.Is(err, cl.ErrDuplicate) {
			p.t.Errorf("the id of an expired block was taken: %v", err)
		}
	})
}
