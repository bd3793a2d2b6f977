package fuzz

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	cl "creditledger"
	"creditledger/fuzz/model"
)

// act is several operations on several accounts, or a transfer.
type act struct {
	ops      []cl.AccountOperation
	transfer *cl.Transfer
}

// done is an act that was accepted, and its key.
type done struct {
	act
	key cl.Key
}

func (m *machine) account(id cl.AccountID) *account {
	return m.accounts[slices.IndexFunc(m.accounts, func(a *account) bool { return a.id == id })]
}

// act draws an act. Mostly the present account is one of its accounts.
func (g *generator) anAct() act {
	if g.below(3, "act") == 2 {
		return act{transfer: g.transfer()}
	}
	var a act
	on := map[*account]*generator{g.on: g}
	for range 1 + g.below(4, "operations") {
		to := g.on
		if g.below(3, "another") > 0 {
			to = g.m.accounts[g.below(len(g.m.accounts), "account")]
		}
		if on[to] == nil {
			on[to] = g.m.generator(g.t, to)
		}
		a.ops = append(a.ops, cl.AccountOperation{Account: to.id, Operation: on[to].single()})
	}
	return a
}

// transfer moves credits to an account of the same currency, mostly as many as there are.
func (g *generator) transfer() *cl.Transfer {
	t := &cl.Transfer{From: g.on.id}
	for _, a := range g.m.accounts {
		if a != g.on && a.id.Currency == g.on.id.Currency {
			t.To = a.id
		}
	}
	if len(g.state.Blocks) == 0 && g.m.account(t.To).Now().Last != 0 && !g.chance(6, "from nothing") {
		t.From, t.To = t.To, t.From
		g = g.m.generator(g.t, g.m.account(t.From))
	}
	if g.chance(3, "a block") {
		t.BlockID = g.block(holding)
	} else {
		t.Amount = g.affordable("")
	}
	switch g.below(24, "wrong") {
	case 20:
		t.To = t.From
	case 21:
		t.To = oneOf(g, "any", g.m.accounts...).id
	case 22:
		t.Amount, t.BlockID = cl.AmountOf(1), "b1"
	case 23:
		t.Amount, t.BlockID = cl.Amount{}, ""
	}
	t.Description, t.Metadata = g.note()
	return t
}

// alter changes one thing of an act, or none.
func (a act) alter(g *generator) act {
	if a.transfer != nil {
		t := *a.transfer
		switch g.below(8, "altered") {
		case 4:
			t.Amount, t.BlockID = g.amount(), ""
		case 5:
			t.From, t.To = t.To, t.From
		case 6:
			t.Description += "x"
		}
		return act{transfer: &t}
	}
	ops := slices.Clone(a.ops)
	switch i := g.below(len(ops), "which"); g.below(6, "altered") {
	case 3:
		ops[i].Operation = g.alter(ops[i].Operation)
	case 4:
		ops[i].Account = g.on.id
	case 5:
		ops = append(ops, ops[i])
	}
	return act{ops: ops}
}

// asked returns an act in the form that the model takes.
func (m *machine) asked(a act, key cl.Key) *model.Act {
	q := &model.Act{Op: model.All{}, Key: key, Clock: m.now()}
	add := func(id cl.AccountID, op model.Operation) {
		on := m.account(id)
		r := model.Request{Op: op, Clock: m.now(), Zone: m.zone(id.Customer)}
		r.Foreign, r.Deleted = m.forbids(id)
		q.Parts = append(q.Parts, model.Part{On: &on.Account, Request: r})
	}
	if t := a.transfer; t != nil {
		texts := model.Texts{Description: t.Description, Metadata: t.Metadata}
		op := model.Transfer{BlockID: t.BlockID, Texts: texts}
		if !t.Amount.IsZero() {
			op.Amount = model.Rat(t.Amount)
		}
		q.Op = op
		add(t.From, model.Send{Transfer: op})
		add(t.To, model.Arrive{Texts: texts})
		return q
	}
	for _, op := range a.ops {
		add(op.Account, op.Operation)
	}
	return q
}

// made fills in what the ledger chose: the ids of blocks, and the key.
func (a act) made(q *model.Act, res *cl.Result) {
	q.Made = res.Key
	for i := range q.Parts {
		if a.transfer == nil {
			q.Parts[i].IDs = madeIDs(a.ops[i].Operation, &res.Results[i])
			continue
		}
		for _, e := range res.Results[i].Entries {
			if i == 1 {
				q.Parts[i].IDs = append(q.Parts[i].IDs, e.Block.ID)
			}
		}
	}
}

func (m *machine) do(s *system, a act, key cl.Key) (*cl.Result, error) {
	if a.transfer != nil {
		return s.ledger.Transfer(m.ctx, *a.transfer, key)
	}
	return s.ledger.DoAll(m.ctx, a.ops, key)
}

// act asks every ledger for an act, and compares what it answers with the model's.
func (m *machine) act(g *generator, a act, key cl.Key) {
	g.t.Logf("act at %s under key %q: %s", m.now(), key, a)
	q := m.asked(a, key)
	moments := make([]moment, len(q.Parts))
	for i, p := range q.Parts {
		on := m.account(p.On.ID)
		moments[i] = moment{op: p.Op, on: on, before: on.Now(), act: q, part: i, deleted: p.Deleted}
	}
	res, err := m.do(m.systems[0], a, key)
	if err == nil {
		a.made(q, res)
	}
	results, replayed, wantErr := q.Do()
	got, wanted := refusal(err), ""
	if wantErr != nil {
		wanted = wantErr.Error()
	}
	for i, s := range m.systems {
		if i > 0 {
			res, err = m.do(s, a, key)
			got = refusal(err)
		}
		if !sameRefusal(got, wanted) {
			g.t.Fatalf("%s: act %s under key %q at clock %s:\n got error %q (%v)\nwant error %q", s.name, a, key, q.Clock, got, err, wanted)
		}
		if err == nil {
			m.sameAct(g, s, a, q, res, results, replayed)
		}
		for _, p := range q.Parts {
			if on := m.account(p.On.ID); err == nil && !replayed {
				s.heads[on.id] = s.head(g.t, m, on)
			}
		}
		for _, on := range m.accounts {
			m.unchanged(g.t, s, on)
		}
	}
	switch {
	case err != nil:
		m.stats.refused(err)
	case replayed:
		m.stats.Replays++
	default:
		m.accepted(a, res, moments)
	}
	m.meetAct(q, moments, results, replayed, err)
}

// accepted notes an act that was done.
func (m *machine) accepted(a act, res *cl.Result, moments []moment) {
	m.acts = append(m.acts, done{a, res.Key})
	seen := map[*account]bool{}
	for i, x := range moments {
		if !seen[x.on] {
			seen[x.on] = true
			x.on.keys = append(x.on.keys, res.Key)
			m.stats.entries(x.on.Now().Entries[len(x.before.Entries):])
		}
		m.stats.act(a, i)
	}
}

// sameAct compares the results of an act's operations, and the whole.
func (m *machine) sameAct(g *generator, s *system, a act, q *model.Act, res *cl.Result, want []*model.Result, replayed bool) {
	if len(res.Results) != len(want) || res.Replayed != replayed || q.Key != "" && res.Key != q.Key || res.Key == "" || len(want) > 0 && res.At != want[0].At {
		g.t.Fatalf("%s: act %s: %d results at %s, key %q, replayed %v", s.name, a, len(res.Results), res.At, res.Key, res.Replayed)
	}
	entries := 0
	for i, r := range want {
		on := m.account(q.Parts[i].On.ID)
		got, wanted := resultText(&res.Results[i], false), wantedResult(on.Now(), r, false, false, m.grace > 0)
		if a.transfer != nil { // the parts of a transfer name no new block, although they make blocks
			got, wanted = entriesOf(got), entriesOf(wanted)
		}
		if got != wanted {
			g.t.Fatalf("%s: act %s under key %q at clock %s, operation %d on %s:%s", s.name, a, q.Key, q.Clock, i, on.id, difference(got, wanted))
		}
		entries += len(res.Results[i].Entries)
		m.learn(g.t, s, on, res.Results[i].Entries)
	}
	if entries != len(res.Entries) {
		g.t.Fatalf("%s: act %s has %d entries, its parts have %d", s.name, a, len(res.Entries), entries)
	}
}

// meetAct counts the meetings that an act came to. Of one that was refused, only the
// operation at fault met anything.
func (m *machine) meetAct(q *model.Act, moments []moment, results []*model.Result, replayed bool, err error) {
	if replayed || errors.Is(err, cl.ErrInvalid) || errors.Is(err, cl.ErrIdempotencyMismatch) {
		return
	}
	fault := 0
	var refused *cl.ActError
	if errors.As(err, &refused) {
		fault = refused.Index
	}
	for i, x := range moments {
		if err != nil && i != fault {
			continue
		}
		x.err, x.all = err, []model.Operation{x.op}
		if x.at = x.on.Instant(m.now()); err == nil {
			x.after, x.result, x.at = x.on.Now(), results[i], results[i].At
		}
		m.count(&x)
	}
}

// retryAct repeats an act, or something else under its key.
func (m *machine) retryAct(g *generator, d model.Done) {
	for _, old := range m.acts {
		if old.key != d.Key {
			continue
		}
		if g.chance(4, "something else") {
			m.operation(g, g.operation(), d.Key)
			return
		}
		m.act(g, old.alter(g), d.Key)
		return
	}
	g.t.Fatalf("no act has the key %q", d.Key)
}

// String shows an act in a failure.
func (a act) String() string {
	if a.transfer != nil {
		return fmt.Sprintf("%+v", *a.transfer)
	}
	var parts []string
	for _, op := range a.ops {
		parts = append(parts, op.Account.String()+" "+opText(op.Operation))
	}
	return "all[" + strings.Join(parts, "; ") + "]"
}

// entriesOf returns the lines of a result that are its entries.
func entriesOf(text string) string {
	lines := strings.Split(text, "\n")
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, "  overage") }), "\n")
}
