package fuzz

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	cl "creditledger"
	"creditledger/fuzz/model"
)

// check compares what the ledgers report with the model, after every step.
func (m *machine) check(t *rapid.T) {
	if m.quick {
		m.glance(t)
		return
	}
	for _, a := range m.accounts {
		at := a.Instant(m.now())
		told := a.Present(m.now())
		for _, s := range m.systems {
			m.unchanged(t, s, a)
			m.sameBalance(t, s, a, cl.BalanceQuery{}, told, at)
		}
	}
	a := m.touched
	if a == nil {
		a = m.accounts[below(t, len(m.accounts), "look at")]
	}
	g := m.generator(t, a)
	m.pastBalance(g)
	m.blocks(g)
	m.holds(g)
	m.schedules(g)
	switch g.below(6, "look") {
	case 0, 1:
		m.lastEntries(g)
	case 2:
		m.explain(g)
		m.lastEntries(g)
	case 3:
		m.everyEntry(t, a)
	case 4:
		m.someEntries(g)
	case 5:
		m.everyEntry(t, a)
		m.mistakes(g)
		m.verify(t, a)
	}
	if g.chance(12, "digest") {
		m.sameDigest(t)
	}
}

// glance looks at the balances of one account, and at one other thing of it.
func (m *machine) glance(t *rapid.T) {
	a := m.touched
	if a == nil {
		a = m.accounts[below(t, len(m.accounts), "look at")]
	}
	g := m.generator(t, a)
	for _, s := range m.systems {
		m.sameBalance(t, s, a, cl.BalanceQuery{}, g.state, g.at)
	}
	switch g.below(12, "look") {
	case 0:
		m.pastBalance(g)
	case 1:
		m.blocks(g)
	case 2:
		m.someEntries(g)
	case 3:
		m.explain(g)
	case 4:
		m.verify(t, a)
	case 5:
		m.holds(g)
	case 6:
		m.schedules(g)
	}
}

// finish looks at everything once more, after a new start.
func (m *machine) finish(t *rapid.T) {
	for _, s := range m.systems {
		if err := s.reopen(m); err != nil {
			t.Fatalf("%s: reopen: %v", s.name, err)
		}
	}
	for _, a := range m.accounts {
		m.everyEntry(t, a)
		m.verify(t, a)
		ids := map[string]bool{}
		for _, id := range a.entryIDs {
			ids[id] = true
		}
		if len(ids) != len(a.entryIDs) {
			t.Fatalf("%s: %d entries share ids", a.id, len(a.entryIDs)-len(ids))
		}
	}
	m.sameDigest(t)
}

// verify proves the invariants twice: as the ledger does it, and from what it reports.
func (m *machine) verify(t *rapid.T, a *account) {
	for _, s := range m.systems {
		v, err := s.ledger.Verify(m.ctx, a.id, nil)
		if err != nil || v.Violation != nil || v.Entries != uint64(len(a.Now().Entries)) {
			t.Errorf("%s: verify %s: %+v, %v, want %d entries", s.name, a.id, v, err, len(a.Now().Entries))
		}
		for _, v := range Violations(m.ctx, s.ledger, a.id) {
			t.Errorf("%s: %s: %s", s.name, a.id, v)
		}
	}
}

func (m *machine) sameDigest(t *rapid.T) {
	t.Helper()
	first := ""
	for _, s := range m.systems {
		d, err := Digest(m.ctx, s.store)
		if err != nil {
			t.Fatalf("%s: digest: %v", s.name, err)
		}
		if first == "" {
			first = d
		}
		if d != first {
			t.Fatalf("%s holds %s, %s holds %s", m.systems[0].name, first, s.name, d)
		}
	}
}

func (m *machine) sameBalance(t *rapid.T, s *system, a *account, q cl.BalanceQuery, told *model.State, at cl.Instant) {
	t.Helper()
	got, err := s.ledger.Balance(m.ctx, a.id, q)
	total, available, held := told.Total(at), told.Available(at, q.Charge.ItemID), told.Held(at)
	want := fmt.Sprintf("%s %s held %s %s", model.Text(total), model.Text(available), model.Text(held), at)
	if g := fmt.Sprintf("%s %s held %s %s", got.Total, got.Available, got.Held, got.AsOf); err != nil || g != want {
		t.Fatalf("%s: balance of %s, query %+v (clock %s): got %s, %v, want %s", s.name, a.id, q, m.now(), g, err, want)
	}
}

// pastBalance asks for the balance at an instant of the past at which something
// happened, or beside one.
func (m *machine) pastBalance(g *generator) {
	at := g.at
	switch n := g.below(4, "as of"); {
	case n == 1 && len(g.state.Entries) > 0:
		at = g.state.Entries[len(g.state.Entries)-1-g.below(len(g.state.Entries), "entry")].At
	case n == 2:
		at = g.happening().Instant()
	case n == 3:
		at = at.Add(-oneOf(g, "ago", spans...))
	}
	if n := g.below(5, "beside"); n > 2 {
		at = at.Add(time.Duration(2*n-7) * time.Microsecond)
	}
	if at == 0 || at > g.at {
		at = g.at
	}
	item := oneOf(g, "item", items...)
	told := g.on.AsOf(at)
	for _, s := range m.systems {
		m.sameBalance(g.t, s, g.on, cl.BalanceQuery{At: at, Charge: cl.Charge{ItemID: item}}, told, at)
	}
}

// blocks compares both lists of blocks, read in pages of a random size.
func (m *machine) blocks(g *generator) {
	a, limit := g.on, 1+g.below(10, "page")
	if limit == 10 {
		limit = 0
	}
	for _, all := range []bool{true, false} {
		told, list := a.Now(), a.Now().Blocks // as written
		if !all {
			told, list = g.state, g.state.List(g.at)
		}
		var want strings.Builder
		for _, b := range list {
			want.WriteString(wantedBlock(b, told.HeldOf(b, g.at)) + "\n")
		}
		for _, s := range m.systems {
			var got strings.Builder
			q := cl.BlocksQuery{All: all, Limit: limit}
			for {
				page, err := s.ledger.Blocks(m.ctx, a.id, q)
				if err != nil || limit > 0 && len(page.Blocks) > limit || page.Next != "" && len(page.Blocks) == 0 {
					g.t.Fatalf("%s: blocks of %s, query %+v: %d, %v", s.name, a.id, q, len(page.Blocks), err)
				}
				for i := range page.Blocks {
					got.WriteString(blockText(&page.Blocks[i]) + "\n")
				}
				if q.Cursor = page.Next; q.Cursor == "" {
					break
				}
			}
			if got.String() != want.String() {
				g.t.Fatalf("%s: blocks of %s, all %v, at %s:%s", s.name, a.id, all, g.at, difference(got.String(), want.String()))
			}
		}
	}
}

// holds compares the list of open holds.
func (m *machine) holds(g *generator) {
	want := ""
	for _, h := range g.state.Holds {
		if h.State == model.Open && g.at < h.Until {
			want += wantedHold(g.state, h)
		}
	}
	for _, s := range m.systems {
		list, err := s.ledger.Holds(m.ctx, g.on.id)
		slices.SortStableFunc(list, func(a, b cl.HoldInfo) int {
			return slices.IndexFunc(g.state.Holds, func(h *model.Hold) bool { return h.ID == a.ID }) - slices.IndexFunc(g.state.Holds, func(h *model.Hold) bool { return h.ID == b.ID })
		})
		got := ""
		for i := range list {
			got += holdText(&list[i])
		}
		if err != nil || got != want {
			g.t.Fatalf("%s: holds of %s at %s: %v%s", s.name, g.on.id, g.at, err, difference(got, want))
		}
	}
}

func (m *machine) explain(g *generator) {
	item := oneOf(g, "item", items...)
	amount := g.amount(g.state.Available(g.at, item))
	list, overage := g.state.Explain(g.at, model.Rat(amount), item)
	want := "overage " + model.Text(overage) + "\n"
	for _, x := range list {
		text := wantedBlock(x.Block, g.state.HeldOf(x.Block, g.at))
		if x.Block.Expired(g.at) { // an expired block is shown as it was written, or as a grant that is due leaves it
			text = x.Block.ID
		}
		want += fmt.Sprintf("%s use %s %s\n", text, model.Text(x.Use), x.Reason)
		m.stats.Reasons[x.Reason]++
	}
	for _, s := range m.systems {
		x, err := s.ledger.Explain(m.ctx, g.on.id, amount, cl.Charge{ItemID: item})
		if err != nil {
			g.t.Fatalf("%s: explain: %v", s.name, err)
		}
		got := "overage " + x.Overage.String() + "\n"
		for i := range x.Blocks {
			text := blockText(&x.Blocks[i].Block)
			if x.Blocks[i].Block.Expired(g.at) {
				text = x.Blocks[i].Block.ID
			}
			got += fmt.Sprintf("%s use %s %s\n", text, x.Blocks[i].Use, x.Blocks[i].Reason)
		}
		if got != want {
			g.t.Fatalf("%s: explain %s for %q on %s at %s:%s", s.name, amount, item, g.on.id, g.at, difference(got, want))
		}
	}
}

// sameEntries compares entries with those of the model.
func (m *machine) sameEntries(t *rapid.T, s *system, what string, a *account, got []cl.Entry, want []*model.Entry) {
	t.Helper()
	m.learn(t, s, a, got)
	at := a.Instant(m.now())
	for i := range max(len(got), len(want)) {
		g, w := "none", "none"
		if i < len(got) {
			g = entryText(&got[i])
		}
		if i < len(want) {
			w = wantedEntry(want[i], model.Status(want[i], at, m.grace))
		}
		if g != w {
			t.Fatalf("%s: %s of %s, entry %d of %d at %s:\n got %s\nwant %s", s.name, what, a.id, i+1, len(want), at, g, w)
		}
	}
}

func (m *machine) lastEntries(g *generator) {
	want := g.on.Now().Page(cl.EntriesQuery{}, g.at, m.grace)
	want = want[:min(len(want), 4)]
	for _, s := range m.systems {
		got, err := s.ledger.Entries(m.ctx, g.on.id, cl.EntriesQuery{Limit: 4})
		if err != nil {
			g.t.Fatalf("%s: entries: %v", s.name, err)
		}
		m.sameEntries(g.t, s, "last entries", g.on, got.Entries, want)
	}
}

func (m *machine) everyEntry(t *rapid.T, a *account) {
	for _, s := range m.systems {
		got, err := allEntries(m.ctx, s.ledger, a.id)
		if err != nil {
			t.Fatalf("%s: entries: %v", s.name, err)
		}
		m.sameEntries(t, s, "all entries", a, got, a.Now().Entries)
		if len(got) != len(a.entryIDs) {
			t.Fatalf("%s: %d entries, %d were seen", s.name, len(got), len(a.entryIDs))
		}
	}
}

// query draws filters in any combination.
func (g *generator) query() cl.EntriesQuery {
	q := cl.EntriesQuery{Ascending: g.below(2, "ascending") == 1, Limit: 1 + g.below(5, "limit")}
	instant := func(what string) cl.Instant {
		if len(g.state.Entries) == 0 || g.below(4, what) < 3 {
			return 0
		}
		at := g.state.Entries[g.below(len(g.state.Entries), "of entry")].At
		return at.Add(time.Duration(g.below(3, "beside")-1) * time.Microsecond)
	}
	if g.below(3, "by type") == 2 {
		q.Type = cl.EntryType(1 + g.below(7, "type"))
	}
	if g.below(3, "by status") == 2 {
		q.Status = cl.EntryStatus(1 + g.below(2, "status"))
	}
	q.After, q.From, q.Before, q.Until = instant("gt"), instant("gte"), instant("lt"), instant("lte")
	if g.below(3, "by amount") == 2 {
		q.MinAmount = g.amount()
		if len(g.state.Entries) > 0 {
			q.MinAmount = g.amount(g.state.Entries[g.below(len(g.state.Entries), "amount of")].Amount)
		}
	}
	return q
}

// someEntries reads a filtered list to its end.
func (m *machine) someEntries(g *generator) {
	q := g.query()
	want := g.on.Now().Page(q, g.at, m.grace)
	for _, s := range m.systems {
		var got []cl.Entry
		next := q
		for {
			page, err := s.ledger.Entries(m.ctx, g.on.id, next)
			if err != nil || len(page.Entries) > q.Limit || page.Next != "" && len(page.Entries) != q.Limit {
				g.t.Fatalf("%s: entries %+v: %d, next %q, %v", s.name, next, len(page.Entries), page.Next, err)
			}
			got = append(got, page.Entries...)
			if next.Cursor = page.Next; next.Cursor == "" {
				break
			}
			next.Limit = 1 + g.below(5, "limit")
			q.Limit = next.Limit
		}
		m.sameEntries(g.t, s, fmt.Sprintf("entries %+v", q), g.on, got, want)
	}
	m.stats.Pages++
}

// mistakes makes every mistake a reader can make.
func (m *machine) mistakes(g *generator) {
	for _, s := range m.systems {
		on := g.on.id
		_, err := s.ledger.Balance(m.ctx, on, cl.BalanceQuery{At: g.at + 1})
		m.refused(g, s, err, "at")
		_, err = s.ledger.Entries(m.ctx, on, cl.EntriesQuery{Limit: cl.MaxPage + 1})
		m.refused(g, s, err, "limit")
		_, err = s.ledger.Blocks(m.ctx, on, cl.BlocksQuery{Limit: -1})
		m.refused(g, s, err, "limit")
		_, err = s.ledger.Explain(m.ctx, on, cl.Amount{}, cl.Charge{})
		m.refused(g, s, err, "amount")
		if _, err = s.ledger.Block(m.ctx, on, "no such block"); refusal(err) != model.NotFound+" no such block" {
			g.t.Fatalf("%s: block: %v", s.name, err)
		}
		page, err := s.ledger.Entries(m.ctx, on, cl.EntriesQuery{Limit: 1})
		if err != nil || page.Next == "" {
			continue
		}
		other := m.accounts[0].id
		if other == on {
			other = m.accounts[1].id
		}
		_, err = s.ledger.Entries(m.ctx, other, cl.EntriesQuery{Limit: 1, Cursor: page.Next})
		m.refused(g, s, err, "cursor")
		for _, q := range []cl.EntriesQuery{{Ascending: true}, {Type: cl.EntryVoid}, {Status: cl.EntryPending}, {From: 1}, {MinAmount: cl.AmountOf(1)}} {
			q.Cursor = page.Next
			_, err = s.ledger.Entries(m.ctx, on, q)
			m.refused(g, s, err, "cursor")
		}
		_, err = s.ledger.Blocks(m.ctx, on, cl.BlocksQuery{All: true, Cursor: page.Next})
		m.refused(g, s, err, "cursor")
	}
}

func (m *machine) refused(g *generator, s *system, err error, field string) {
	g.t.Helper()
	if got := refusal(err); got != model.Invalid+" "+field {
		g.t.Fatalf("%s: got error %q (%v), want %s refused", s.name, got, err, field)
	}
}
