package model_test

import (
	"encoding/json"
	"maps"
	"math/big"
	"strings"
	"time"

	cl "creditledger"
	"creditledger/fuzz/model"
)

// line is one line of an operations file, or an operation in it.
type line map[string]json.RawMessage

func read(text []byte) line {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		panic(err)
	}
	maps.DeleteFunc(l, func(_ string, v json.RawMessage) bool { return string(v) == "null" })
	return l
}

// bad is thrown for a value that cannot be read.
type bad struct{ field string }

func (l line) into(key string, v any) bool {
	raw, ok := l[key]
	if ok && json.Unmarshal(raw, v) != nil {
		panic(bad{key})
	}
	return ok
}

func (l line) text(key string) (s string) {
	l.into(key, &s)
	return s
}

func (l line) or(key, usual string) string {
	if _, ok := l[key]; !ok {
		return usual
	}
	return l.text(key)
}

func (l line) yes(key string) (b bool) {
	l.into(key, &b)
	return b
}

func (l line) whole(key string) (n int) {
	l.into(key, &n)
	return n
}

// number is nil where nothing is given.
func (l line) number(key string) *big.Rat {
	raw, ok := l[key]
	if !ok {
		return nil
	}
	a, err := cl.ParseAmount(strings.Trim(string(raw), `"`))
	if err != nil {
		panic(bad{key})
	}
	return model.Rat(a)
}

func (l line) orZero(key string) *big.Rat {
	if r := l.number(key); r != nil {
		return r
	}
	return new(big.Rat)
}

func (l line) instant(key string) cl.Instant {
	if _, ok := l[key]; !ok {
		return 0
	}
	i, err := cl.ParseInstant(l.text(key))
	if err != nil {
		panic(bad{key})
	}
	return i
}

func (l line) moment(key string) (m model.Moment) {
	if _, ok := l[key]; !ok {
		return m
	}
	text := l.text(key)
	if i, err := cl.ParseInstant(text); err == nil {
		return model.Moment{Instant: i}
	}
	for _, layout := range []string{"2006-01-02", "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil {
			return model.Moment{Wall: model.WallOf(cl.InstantOf(t), time.UTC)}
		}
	}
	panic(bad{key})
}

func (l line) texts() model.Texts {
	t := model.Texts{Description: l.text("description")}
	l.into("metadata", &t.Metadata)
	return t
}

func (l line) span(key string) (s model.Span) {
	if !l.into(key, &s) || !strings.Contains("day week month year", s.Unit) || s.Unit == "" {
		panic(bad{key})
	}
	return s
}

func (l line) life(key string) (life model.Life) {
	switch string(l[key]) {
	case "", `"period_end"`:
	case `"never"`:
		life.Never = true
	default:
		if life.Span = l.span(key); life.Span.Count == 0 {
			panic(bad{key})
		}
	}
	return life
}

func (l line) rollover() *model.Rollover {
	var inner line
	if !l.into("rollover", &inner) {
		return nil
	}
	return &model.Rollover{Percent: inner.number("percent"), Max: inner.number("max"), MaxTimes: inner.whole("max_times"), Expires: inner.life("expires")}
}

func (l line) zone(key string) *time.Location {
	name := l.text(key)
	if name == "" {
		return nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		panic(bad{key})
	}
	return zone
}

// own are the keys of a line that do not belong to its operation.
var own = []string{"customer_id", "currency", "idempotency_key"}

// operation turns a line into an operation of the model.
func (l line) operation() model.Operation {
	overdraft := func(usual string) string { return l.or("overdraft", usual) }
	switch l.text("op") {
	case "batch":
		return model.Batch(l.operations())
	case "decrement":
		usage := l.instant("usage_at")
		rest := maps.Clone(l)
		delete(rest, "usage_at")
		op := rest.known().(cl.Decrement)
		op.UsageAt = usage
		return op
	case "reverse":
		return model.Reverse{Charge: cl.Key(l.text("charge")), Entry: l.whole("entry"), Amount: l.number("amount"), Texts: l.texts()}
	case "hold":
		return model.SetAside{
			HoldID: l.text("hold_id"), Amount: l.number("amount"), Until: l.instant("until"), Item: l.text("item_id"), Price: l.text("price_id"),
			Overdraft: overdraft(model.Reject), Limit: l.number("overdraft_limit"), Texts: l.texts(),
		}
	case "extend_hold":
		return model.ExtendHold{
			HoldID: l.text("hold_id"), Amount: l.orZero("amount"), Until: l.instant("until"), Overdraft: overdraft(model.Reject),
			Limit: l.number("overdraft_limit"), Texts: l.texts(),
		}
	case "capture":
		return model.Capture{
			HoldID: l.text("hold_id"), Amount: l.number("amount"), KeepOpen: l.yes("keep_open"), Overdraft: overdraft(model.StopAtZero),
			Limit: l.number("overdraft_limit"), Refuse: l.text("after_lapse") == "refuse", Texts: l.texts(),
		}
	case "release":
		return model.Release{HoldID: l.text("hold_id"), Texts: l.texts()}
	case "schedule":
		return l.schedule()
	case "change_schedule":
		op := model.ChangeSchedule{ScheduleID: l.text("schedule_id"), Amount: l.number("amount"), Rollover: l.rollover(), Now: l.text("when") == "now", Description: l.text("description")}
		if _, ok := l["expires"]; ok {
			life := l.life("expires")
			op.Expires = &life
		}
		l.into("metadata", &op.Change)
		return op
	case "end_schedule":
		return model.EndSchedule{ScheduleID: l.text("schedule_id"), VoidBlocks: l.yes("void_blocks"), Reason: l.text("void_reason"), Texts: l.texts()}
	case "all", "transfer":
		panic(bad{"operation"})
	}
	return l.known()
}

func (l line) operations() (ops []model.Operation) {
	var inner []json.RawMessage
	l.into("operations", &inner)
	for _, raw := range inner {
		ops = append(ops, read(raw).operation())
	}
	return ops
}

func (l line) schedule() model.Schedule {
	op := model.Schedule{
		ScheduleID: l.text("schedule_id"), Amount: l.number("amount"), Anchor: l.moment("anchor"), Every: l.span("every"), Zone: l.zone("timezone"),
		Start: l.moment("start"), End: l.moment("end"), Count: l.whole("count"), Expires: l.life("expires"), First: l.text("first"), Scale: l.whole("scale"),
		Rollover: l.rollover(), CatchUp: l.text("catch_up"), Source: cl.SourceAllocation, RequirePayment: l.yes("require_payment"), Texts: l.texts(),
	}
	if string(l["count"]) == "0" {
		panic(bad{"count"})
	}
	l.into("per_unit_cost_basis", &op.CostBasis)
	l.into("priority", &op.Priority)
	return op
}

// known reads what the library can read.
func (l line) known() cl.Operation {
	rest := maps.Clone(l)
	for _, key := range own {
		delete(rest, key)
	}
	data, err := json.Marshal(rest)
	if err != nil {
		panic(err)
	}
	op, err := cl.UnmarshalOperation(data)
	if err != nil {
		panic(bad{err.Error()})
	}
	return op
}
