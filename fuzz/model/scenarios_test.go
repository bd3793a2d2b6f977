package model_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	cl "creditledger"
	"creditledger/fuzz/model"
)

// made marks the ids that nobody chose.
const made = "\x00"

// world runs an operations file on the model.
type world struct {
	teller
	clock    cl.Instant
	accounts []*model.Account
	zones    map[string]*time.Location
	ids      int
}

func newWorld() *world {
	return &world{teller: teller{names: map[string]int{}}, zones: map[string]*time.Location{}, clock: cl.InstantOf(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))}
}

func (w *world) account(l line) *model.Account {
	id := cl.AccountID{Customer: l.text("customer_id"), Currency: l.or("currency", "credits")}
	for _, a := range w.accounts {
		if a.ID == id {
			return a
		}
	}
	a := &model.Account{ID: id, Repay: cl.RepayFirst}
	w.accounts = append(w.accounts, a)
	return a
}

func (w *world) request(a *model.Account, op model.Operation, key string) model.Request {
	zone := w.zones[a.ID.Customer]
	if zone == nil {
		zone = time.UTC
	}
	q := model.Request{Op: op, Key: cl.Key(key), Clock: w.clock, Zone: zone}
	for range 100 {
		w.ids++
		q.IDs = append(q.IDs, fmt.Sprintf("%sblock%d", made, w.ids))
	}
	return q
}

func of(a *model.Account) string { return a.ID.Customer + "\x00" + a.ID.Currency + "\x00" }

// run carries out a line, and says what became of it or why it was refused.
func (w *world) run(text string) (refused *model.Refusal) {
	w.lines = nil
	defer func() {
		if b, is := recover().(bad); is {
			refused = &model.Refusal{Kind: model.Invalid, What: b.field}
		}
	}()
	l := read([]byte(text))
	switch op := l.text("op"); op {
	case "clock":
		w.clock = l.instant("now")
		w.say(4, "done")
	case "customer":
		w.zones[l.text("id")] = l.zone("timezone")
		w.say(4, "done")
	case "sweep":
		w.sweep(l)
	case "verify":
		entries, blocks := 0, 0
		for _, a := range w.accounts {
			entries, blocks = entries+len(a.Now().Entries), blocks+len(a.Now().Blocks)
		}
		w.say(4, "ok true", fmt.Sprintf("entries %d", entries), fmt.Sprintf("blocks %d", blocks))
	case "balance", "blocks", "entries", "explain", "holds", "schedules":
		return w.look(op, l)
	case "preview":
		var inner line
		l.into("operation", &inner)
		a := w.account(l)
		q := w.request(a, inner.operation(), inner.text("idempotency_key"))
		r, replayed, err := a.Ask(q)
		if err != nil {
			return err.(*model.Refusal)
		}
		w.ids++
		w.result(4, fmt.Sprint("preview", w.ids), a.Trial(), r, replayed)
	case "all", "transfer":
		return w.act(op, l)
	default:
		a := w.account(l)
		q := w.request(a, l.operation(), l.text("idempotency_key"))
		r, replayed, err := a.Ask(q)
		if err != nil {
			return err.(*model.Refusal)
		}
		if !replayed {
			w.ids++
			key := q.Key
			if key == "" {
				key = cl.Key(fmt.Sprint("\x01", w.ids))
			}
			a.Accept(q, key)
			r = a.Now().Results[len(a.List)-1]
		}
		w.result(4, of(a), a.Now(), r, replayed)
	}
	return nil
}

func (w *world) sweep(l line) {
	if _, named := l["customer_id"]; !named && l["currency"] != nil {
		panic(bad{"currency"})
	}
	accounts, entries := 0, 0
	for _, a := range w.accounts {
		named, _ := l["customer_id"]
		if named == nil || a.ID.Customer == l.text("customer_id") && a.ID.Currency == l.or("currency", a.ID.Currency) {
			if n := a.Sweep(w.clock); n > 0 {
				accounts, entries = accounts+1, entries+n
			}
		}
	}
	w.say(4, fmt.Sprintf("accounts %d", accounts), fmt.Sprintf("entries %d", entries))
}

func (w *world) act(op string, l line) *model.Refusal {
	act := &model.Act{Op: model.All{}, Key: cl.Key(l.text("idempotency_key")), Clock: w.clock}
	if op == "transfer" {
		var from, to line
		l.into("from", &from)
		l.into("to", &to)
		t := model.Transfer{Amount: l.number("amount"), BlockID: l.text("block_id"), Texts: l.texts()}
		sender, receiver := w.account(from), w.account(to)
		switch {
		case sender == receiver, sender.ID.Currency != receiver.ID.Currency:
			panic(bad{"to"})
		case t.Amount == nil && t.BlockID == "":
			panic(bad{"amount"})
		case t.Amount != nil && t.BlockID != "":
			panic(bad{"block_id"})
		}
		act.Op = t
		act.Parts = []model.Part{{On: sender, Request: w.request(sender, model.Send{Transfer: t}, "")}, {On: receiver, Request: w.request(receiver, model.Arrive{Texts: t.Texts}, "")}}
	} else {
		for _, key := range []string{"description", "metadata"} {
			if _, ok := l[key]; ok {
				panic(bad{key})
			}
		}
		var inner []json.RawMessage
		l.into("operations", &inner)
		if len(inner) == 0 {
			panic(bad{"operations"})
		}
		for i, raw := range inner {
			o, place := read(raw), fmt.Sprintf("operations[%d]", i)
			if slices.Contains([]string{"batch", "all", "transfer"}, o.text("op")) {
				panic(bad{place})
			}
			if _, ok := o["idempotency_key"]; ok {
				panic(bad{place + ".idempotency_key"})
			}
			if _, ok := o["customer_id"]; !ok {
				panic(bad{place + ".customer_id"})
			}
			a := w.account(o)
			act.Parts = append(act.Parts, model.Part{On: a, Request: w.request(a, o.operation(), "")})
		}
	}
	results, replayed, err := act.Do()
	if err != nil {
		return err.(*model.Refusal)
	}
	if replayed {
		w.say(4, "replayed true")
	}
	w.say(4, "results")
	for i, r := range results {
		a := act.Parts[i].On
		w.result(6, of(a), a.Now(), r, replayed)
	}
	return nil
}

// look answers the reads.
func (w *world) look(op string, l line) *model.Refusal {
	a := w.account(l)
	now := a.Instant(w.clock)
	at := now
	if _, ok := l["at"]; ok {
		if at = l.instant("at"); at > now {
			return &model.Refusal{Kind: model.Invalid, What: "at"}
		}
	}
	s := a.AsOf(at)
	switch op {
	case "balance":
		parts := []string{"balance " + model.Text(s.Total(at)), "available " + model.Text(s.Available(at, l.text("item_id"))), "as_of " + instant(at)}
		w.say(4, optional(parts, "held", number(s.Held(at)))...)
	case "blocks":
		list := s.List(at)
		if l.yes("include_all_blocks") {
			s = a.Now()
			list = model.InOrder(slices.Clone(s.Blocks))
		}
		w.list("blocks", len(list))
		for _, b := range list {
			w.block(s, b, at)
		}
	case "entries":
		w.entries(l, a, now)
	case "explain":
		list, overage := s.Explain(at, l.number("amount"), l.text("item_id"))
		w.say(4, "overage "+model.Text(overage))
		w.say(4, "blocks")
		for _, x := range list {
			reason := x.Reason.String()
			if x.AllHeld {
				reason = "held"
			}
			w.say(6, "id "+w.name(x.Block.ID), "use "+model.Text(x.Use), "reason "+reason)
		}
	case "holds":
		list := slices.DeleteFunc(slices.Clone(s.Holds), func(h *model.Hold) bool { return h.State != model.Open })
		if id := l.text("hold_id"); id != "" {
			h := s.Hold(id)
			if h == nil {
				return &model.Refusal{Kind: model.NotFound, What: id}
			}
			list = []*model.Hold{h}
		}
		w.list("holds", len(list))
		for _, h := range list {
			w.say(6, w.hold(s, h)...)
		}
	case "schedules":
		w.list("schedules", len(s.Plans))
		for _, p := range s.Plans {
			w.say(6, plan(p)...)
		}
	}
	return nil
}

func (w *world) list(what string, n int) {
	if n == 0 {
		what = "no " + what
	}
	w.say(4, what)
}

func (w *world) entries(l line, a *model.Account, now cl.Instant) {
	q := cl.EntriesQuery{Ascending: l.text("order") == "asc", From: l.instant("created_at[gte]")}
	list, limit := a.Now().Page(q, now, 0), 20
	l.into("limit", &limit)
	switch {
	case len(list) == 0:
		w.say(4, "no entries")
	case len(list) > limit:
		w.say(4, "next_cursor *")
		list = list[:limit]
	}
	for _, e := range list {
		w.entry(6, of(a), e)
	}
}

// TestScenarios: the model gives the answers that were worked out from the rules by hand.
func TestScenarios(t *testing.T) {
	for _, name := range []string{"late_usage", "reversals", "holds", "schedules", "acts", "caps", "meetings", "calendar"} {
		t.Run(name, func(t *testing.T) {
			file, err := os.ReadFile("../../opsfile/testdata/part2/" + name + ".golden")
			if errors.Is(err, os.ErrNotExist) {
				file, err = os.ReadFile("../../opsfile/testdata/scenarios/" + name + ".golden")
			}
			if err != nil {
				t.Fatal(err)
			}
			w, lines := newWorld(), strings.Split(strings.TrimSuffix(string(file), "\n"), "\n")
			for i := 0; i < len(lines); {
				asked := lines[i]
				first := i + 1
				for i++; i < len(lines) && strings.HasPrefix(lines[i], "    "); i++ {
				}
				if strings.HasPrefix(asked, "{") {
					w.check(t, first, asked, lines[first:i])
				}
			}
		})
	}
}

func (w *world) check(t *testing.T, n int, asked string, want []string) {
	t.Helper()
	refused := w.run(asked)
	if refused != nil {
		if len(want) != 1 {
			t.Errorf("line %d: %s\n got %v\nwant %s", n, asked, refused, strings.Join(want, "\n     "))
		} else if wrong := sameError(want[0], refused); wrong != "" {
			t.Errorf("line %d: %s\n%s:\n got %v (%s)\nwant %s", n, asked, wrong, refused, more(refused), want[0])
		}
		return
	}
	for i := range want {
		if before, _, found := strings.Cut(want[i], "next_cursor "); found {
			want[i] = before + "next_cursor *"
		}
	}
	if !slices.Equal(w.lines, want) {
		t.Errorf("line %d: %s\n got %s\nwant %s", n, asked, strings.Join(w.lines, "\n     "), strings.Join(want, "\n     "))
	}
}

func more(r *model.Refusal) string {
	left := new(big.Rat)
	if r.Left != nil {
		left = r.Left
	}
	return fmt.Sprint("left ", model.Text(left), " holds ", r.Holds, " state ", r.State)
}
