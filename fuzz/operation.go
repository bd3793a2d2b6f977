package fuzz

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	cl "creditledger"
	"creditledger/fuzz/model"
)

// operation asks every ledger, sometimes for a preview first, and compares the answers
// with the model's.
func (m *machine) operation(g *generator, op cl.Operation, key cl.Key) {
	a := g.on
	if !m.quick {
		sameInJSON(g.t, op)
	}
	q := model.Request{Op: op, Key: key, Clock: m.now(), Zone: m.zone(a.id.Customer)}
	q.Foreign, q.Deleted = m.forbids(a.id)
	g.t.Logf("%s at %s under key %q: %s", a.id, q.Clock, key, shown{op})
	preview := g.chance(6, "preview")
	var (
		accepted *cl.Result
		refused  error
	)
	for i, s := range m.systems {
		if preview {
			res, err := s.ledger.Preview(m.ctx, a.id, op, key)
			m.compare(g.t, s, "preview", a, q, res, err)
			m.unchanged(g.t, s, a)
		}
		res, err := s.ledger.Do(m.ctx, a.id, op, key)
		want := m.compare(g.t, s, "do", a, q, res, err)
		switch {
		case err == nil && !res.Replayed:
			accepted, q.IDs = res, want.IDs
			m.learn(g.t, s, a, res.Entries)
			s.heads[a.id] = s.head(g.t, m, a)
			if i == 0 {
				m.stats.operation(op)
			}
		case err == nil:
			m.learn(g.t, s, a, res.Entries)
			m.unchanged(g.t, s, a)
			if i == 0 {
				m.stats.Replays++
			}
		default:
			m.unchanged(g.t, s, a)
			if refused = err; i == 0 {
				m.stats.refused(err)
			}
		}
	}
	x := moment{op: op, on: a, before: a.Now(), at: a.Instant(q.Clock), err: refused, deleted: q.Deleted}
	if accepted != nil {
		a.Accept(q, accepted.Key)
		a.keys = append(a.keys, accepted.Key)
		m.stats.entries(a.Now().Entries[len(x.before.Entries):])
		x.after = a.Now()
		x.result = x.after.Results[len(x.after.Results)-1]
	}
	if accepted != nil || refused != nil {
		m.meet(x)
	}
}

// sameInJSON writes an operation as JSON and reads it again: nothing is lost. An operation
// that no ledger would take may refuse to be written.
func sameInJSON(t *rapid.T, op cl.Operation) {
	t.Helper()
	if op == nil {
		return
	}
	data, err := json.Marshal(op)
	if err != nil {
		return
	}
	again, err := cl.UnmarshalOperation(data)
	if err != nil {
		t.Fatalf("%s is read as %v", data, err)
	}
	if got, want := opText(again), opText(op); got != want {
		t.Fatalf("%s comes back as\n%s, not\n%s", data, got, want)
	}
}

// compare compares an answer with the model's. It returns the request with the ids of the
// new blocks filled in.
func (m *machine) compare(t *rapid.T, s *system, what string, a *account, q model.Request, res *cl.Result, err error) model.Request {
	t.Helper()
	op, _ := q.Op.(cl.Operation)
	if err == nil {
		q.IDs = madeIDs(op, res)
		for _, id := range q.IDs {
			if len(id) < 16 || !res.Replayed && a.Now().Find(id) != nil {
				t.Fatalf("%s: %s: %q is no good id for a new block", s.name, what, id)
			}
		}
	}
	want, replayed, wantErr := a.Ask(q)
	got, wanted := refusal(err), ""
	if wantErr != nil {
		wanted = wantErr.Error()
	}
	if !sameRefusal(got, wanted) {
		t.Fatalf("%s: %s %s under key %q on %s at clock %s:\n got error %q (%v)\nwant error %q", s.name, what, opText(op), q.Key, a.id, q.Clock, got, err, wanted)
	}
	if err != nil {
		var attempt *cl.OperationError
		if !errors.As(err, &attempt) || attempt.Account != a.id || res != nil {
			t.Fatalf("%s: %s: %v (%T) with result %v is no OperationError on %s", s.name, what, err, err, res, a.id)
		}
		return q
	}
	_, batch := q.Op.(cl.Batch)
	state := a.Now()
	if !replayed {
		state = a.Trial()
	}
	if g, w := resultText(res, batch), wantedResult(state, want, replayed, batch, m.grace > 0); g != w {
		t.Fatalf("%s: %s %s under key %q on %s at clock %s:%s", s.name, what, opText(op), q.Key, a.id, q.Clock, difference(g, w))
	}
	if q.Key != "" && res.Key != q.Key || what == "do" && res.Key == "" {
		t.Fatalf("%s: %s: key %q in the result of key %q", s.name, what, res.Key, q.Key)
	}
	return q
}

// sameRefusal lets the model leave open which id is missing, and which of several
// wrong fields is named.
func sameRefusal(got, want string) bool {
	if fields, invalid := strings.CutPrefix(want, model.Invalid+" "); invalid {
		field, also := strings.CutPrefix(got, model.Invalid+" ")
		return also && slices.Contains(strings.Split(fields, "|"), field)
	}
	return got == want || want == model.NotFound && strings.HasPrefix(got, want)
}

// madeIDs lists the blocks that a result says were made and whose ids the library chose.
func madeIDs(op cl.Operation, res *cl.Result) []string {
	if batch, ok := op.(cl.Batch); ok {
		var ids []string
		for i := range batch {
			if i < len(res.Results) {
				ids = append(ids, madeIDs(batch[i], &res.Results[i])...)
			}
		}
		return ids
	}
	if _, reverse := op.(cl.Reverse); reverse {
		return backIDs(res)
	}
	asked := ""
	switch op := op.(type) {
	case cl.Increment:
		asked = op.BlockID
	case cl.ExpirationChange:
		asked = op.NewBlockID
	}
	if strings.Contains(res.NewBlockID, "/") { // a schedule's: it follows from the schedule's id
		return nil
	}
	if asked != "" || res.NewBlockID == "" {
		return nil
	}
	return []string{res.NewBlockID}
}

// backIDs are the ids of the blocks that a reversal made.
func backIDs(res *cl.Result) (ids []string) {
	for _, e := range res.Entries {
		if e.Type == cl.EntryIncrement {
			ids = append(ids, e.Block.ID)
		}
	}
	return ids
}

// learn remembers the ids of entries, and fails if one changes.
func (m *machine) learn(t *rapid.T, s *system, a *account, entries []cl.Entry) {
	t.Helper()
	if a.entryIDs == nil {
		a.entryIDs = map[uint64]string{}
	}
	for _, e := range entries {
		if id, known := a.entryIDs[e.Seq]; known && id != e.ID || e.ID == "" {
			t.Fatalf("%s: entry %d of %s has the id %q and had %q", s.name, e.Seq, a.id, e.ID, id)
		}
		if e.Account != a.id {
			t.Fatalf("%s: entry %d of %s says it is of %s", s.name, e.Seq, a.id, e.Account)
		}
		a.entryIDs[e.Seq] = e.ID
	}
}

// head is the head of an account in the store, as text. It ends with the seal of the
// journal, so it changes with every record that is added or altered.
func (s *system) head(t *rapid.T, m *machine, a *account) string {
	state, err := s.store.Load(m.ctx, a.id, nil)
	if err != nil {
		t.Fatalf("%s: load %s: %v", s.name, a.id, err)
	}
	if state.Head.Version == 0 {
		return ""
	}
	return string(cl.AppendHead(nil, &state.Head))
}

func (m *machine) unchanged(t *rapid.T, s *system, a *account) {
	t.Helper()
	if now := s.head(t, m, a); now != s.heads[a.id] {
		t.Fatalf("%s: %s was written to by what writes nothing, or by an operation on another account", s.name, a.id)
	}
}

func (m *machine) sweep(t *rapid.T) {
	t.Logf("sweep at %s", m.now())
	want := cl.SweepResult{}
	for _, a := range m.accounts {
		before := len(a.Now().Entries)
		if n := a.Sweep(m.now()); n > 0 {
			want.Accounts++
			want.Entries += n
			m.stats.entries(a.Now().Entries[before:])
		}
	}
	for _, s := range m.systems {
		got, err := s.ledger.Sweep(m.ctx)
		if err != nil || got != want {
			t.Fatalf("%s: sweep at %s: got %+v, %v, want %+v", s.name, m.now(), got, err, want)
		}
		for _, a := range m.accounts {
			s.heads[a.id] = s.head(t, m, a)
		}
	}
	for i, a := range m.accounts {
		if !m.quick || i == m.stats.Steps%len(m.accounts) {
			m.verify(t, a)
		}
	}
	m.touched = nil
}

// pager is a list of entries that is read page by page, while more is written to the
// account.
type pager struct {
	on      *account
	query   cl.EntriesQuery
	cursors []cl.Cursor // one per system
	last    int         // sequence number of the last entry seen
}

// page begins to read a list, or reads the next page of one.
func (m *machine) page(g *generator) {
	if m.pager == nil {
		q := g.query()
		q.Status = 0 // an entry's status may change while its list is read
		m.pager = &pager{on: g.on, query: q, cursors: make([]cl.Cursor, len(m.systems))}
	}
	p := m.pager
	all := p.on.Now().Page(p.query, p.on.Instant(m.now()), m.grace)
	if p.last > 0 {
		all = slices.DeleteFunc(slices.Clone(all), func(e *model.Entry) bool {
			return e.Seq == p.last || (e.Seq > p.last) != p.query.Ascending
		})
	}
	more := len(all) > p.query.Limit
	all = all[:min(len(all), p.query.Limit)]
	for i, s := range m.systems {
		q := p.query
		q.Cursor = p.cursors[i]
		got, err := s.ledger.Entries(m.ctx, p.on.id, q)
		if err != nil {
			g.t.Fatalf("%s: entries %+v: %v", s.name, q, err)
		}
		m.sameEntries(g.t, s, fmt.Sprintf("page of %+v after %d", p.query, p.last), p.on, got.Entries, all)
		if (got.Next != "") != more {
			g.t.Fatalf("%s: page of %+v after %d: next cursor %q, more %v", s.name, p.query, p.last, got.Next, more)
		}
		p.cursors[i] = got.Next
	}
	m.stats.Pages++
	if !more {
		m.pager = nil
		return
	}
	p.last = all[len(all)-1].Seq
}
