package model_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"

	cl "creditledger"
	"creditledger/fuzz/model"
)

// teller says what operations did in the words of the scenarios of operations files.
type teller struct {
	names map[string]int // ids that nobody chose, in the order in which they were seen
	lines []string
}

func (t *teller) say(indent int, parts ...string) {
	t.lines = append(t.lines, strings.Repeat(" ", indent)+strings.Join(parts, ", "))
}

func (t *teller) name(id string) string {
	if !strings.HasPrefix(id, made) {
		return id
	}
	if t.names[id] == 0 {
		t.names[id] = len(t.names) + 1
	}
	return fmt.Sprintf("id-%d", t.names[id])
}

func instant(i cl.Instant) string { return i.String() }

func asJSON(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(data)
}

func filters(list []cl.Filter) string {
	type filter struct {
		Field    string   `json:"field"`
		Operator string   `json:"operator"`
		Values   []string `json:"values"`
	}
	var out []filter
	for _, f := range list {
		out = append(out, filter{f.Field.String(), f.Operator.String(), f.Values})
	}
	return asJSON(out)
}

// optional adds what there is.
func optional(parts []string, pairs ...string) []string {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" && pairs[i+1] != "0" {
			parts = append(parts, pairs[i]+" "+pairs[i+1])
		}
	}
	return parts
}

func number(r *big.Rat) string {
	if r == nil {
		return ""
	}
	return model.Text(r)
}

func metadata(m map[string]string) string {
	if len(m) == 0 {
		return ""
	}
	return asJSON(m)
}

func (t *teller) entry(indent int, of string, e *model.Entry) {
	t.name(made + of + fmt.Sprint(e.Seq))
	b := e.Block
	text := fmt.Sprintf("#%d %s %s, %s→%s, %s, block %s", e.Seq, e.Type, model.Text(e.Amount), model.Text(e.Starting), model.Text(e.Ending), instant(e.At), t.name(b.ID))
	if b.ExpiresAt != 0 {
		text += " until " + instant(b.ExpiresAt)
	}
	if b.Cost.IsSet() {
		text += " at " + b.Cost.String()
	}
	if len(b.Filters) > 0 {
		text += " for " + filters(b.Filters)
	}
	description, m := model.Note(e.Op)
	parts := optional([]string{text}, "description", description, "metadata", metadata(m), "item_id", e.Item, "price_id", e.Price, "invoice_id", e.Invoice)
	if e.NewExpiry != 0 {
		parts = append(parts, "new_block_expiry_date "+instant(e.NewExpiry))
	}
	if e.New != nil {
		parts = append(parts, "new_block_id "+t.name(e.New.ID))
	}
	parts = optional(parts, "void_amount", number(e.Void), "void_reason", e.Reason)
	if e.UsageAt != 0 {
		parts = append(parts, "usage_at "+instant(e.UsageAt))
	}
	parts = optional(parts, "hold_id", e.Hold)
	if e.Reverses != 0 {
		parts = append(parts, fmt.Sprintf("reverses %d", e.Reverses))
	}
	t.say(indent, optional(parts, "granted_cost_basis", e.GrantedCost.String())...)
}

func (t *teller) block(s *model.State, b *model.Block, at cl.Instant) {
	initial := "null"
	if b.Initial != nil {
		initial = model.Text(b.Initial)
	}
	text := fmt.Sprintf("block %s holds %s of %s", t.name(b.ID), model.Text(b.Balance), initial)
	if b.ExpiresAt != 0 {
		text += " until " + instant(b.ExpiresAt)
	}
	if b.Cost.IsSet() {
		text += " at " + b.Cost.String()
	}
	parts := []string{text, "effective_date " + instant(b.EffectiveAt)}
	parts = optional(parts, "priority", fmt.Sprint(b.Priority))
	if len(b.Filters) > 0 {
		parts = append(parts, "filters "+filters(b.Filters))
	}
	if b.ActivatedAt == 0 {
		parts = append(parts, "status pending_payment")
	}
	if b.Source.String() != "manual" {
		parts = append(parts, "source "+b.Source.String())
	}
	parent := b.ParentID
	if parent != "" {
		parent = t.name(parent)
	}
	parts = optional(parts, "parent_block_id", parent, "metadata", metadata(b.Metadata))
	parts = append(parts, "created_at "+instant(b.CreatedAt))
	t.say(6, optional(parts, "held", number(s.HeldOf(b, at)), "lapsed", number(b.Lapsed))...)
}

func (t *teller) hold(a *model.State, h *model.Hold) []string {
	text := fmt.Sprintf("hold %s %s: %s of %s held", h.ID, h.State, model.Text(h.Held()), model.Text(h.Amount))
	var list []string
	for _, x := range h.Slices {
		list = append(list, t.name(a.Blocks[x.Block-1].ID)+" "+model.Text(x.Amount))
	}
	if list != nil {
		text += " (" + strings.Join(list, ", ") + ")"
	}
	text += " from " + instant(h.CreatedAt) + " until " + instant(h.Until)
	return optional([]string{text}, "unbacked", number(h.Unbacked), "captured", number(h.Captured), "item_id", h.Item, "price_id", h.Price)
}

func plan(p *model.Plan) []string {
	next := "none"
	if p.Next() != 0 {
		next = instant(p.Next())
	}
	return []string{fmt.Sprintf("schedule %s %s: %s every %d %s from %s in %s", p.ScheduleID, p.State(), model.Text(p.Amount), p.Every.Count, p.Every.Unit, p.Wall, p.Zone),
		fmt.Sprintf("%d granted", p.Granted), "next " + next}
}

// result says what an operation did. of names the account, for the ids of its entries.
func (t *teller) result(indent int, of string, s *model.State, r *model.Result, replayed bool) {
	var parts []string
	if replayed {
		parts = append(parts, "replayed true")
	}
	if r.Hold != nil {
		parts = append(parts, t.hold(s, r.Hold)...)
	}
	if r.Plan != nil {
		parts = append(parts, plan(r.Plan)...)
	}
	if indent == 4 && len(r.Entries) == 0 && r.Parts == nil {
		parts = append(parts, "no entries")
	}
	parts = optional(parts, "overage", number(r.Overage), "consumed", number(r.Consumed))
	if r.Late {
		parts = append(parts, "late true")
	}
	if r.Reversed != nil {
		parts = append(parts, "reversed "+number(r.Reversed), "lapsed "+number(r.Lapsed), "lost "+number(r.Lost))
	}
	if len(parts) > 0 {
		t.say(indent, parts...)
	}
	if r.Parts != nil {
		t.say(indent, "results")
		for _, p := range r.Parts {
			t.result(indent+2, of, s, p, false)
		}
		return
	}
	if len(parts) == 0 && len(r.Entries) == 0 {
		t.say(indent, "done")
	}
	for _, e := range r.Entries {
		t.entry(indent+2, of, e)
	}
}

var codes = map[string]string{
	model.Invalid: "invalid_request", model.Mismatch: "idempotency_mismatch", model.NotFound: "not_found", model.Duplicate: "duplicate",
	model.Constraint: "constraint_violation", model.Insufficient: "insufficient_credits",
}

// sameError compares the error of a scenario with that of the model. The scenario may leave
// out what the rules leave open.
func sameError(want string, r *model.Refusal) string {
	raw, is := strings.CutPrefix(strings.TrimSpace(want), "error ")
	if !is {
		return "is no error"
	}
	var e struct {
		Code, Field, Requested, Available, Left, State string
		Holds                                          []string
	}
	if err := json.Unmarshal([]byte(raw), &e); err != nil {
		return err.Error()
	}
	fields := strings.Split(r.What, "|")
	object, _, _ := strings.Cut(e.Field, ".") // only the reader of lines tells the place inside an object
	switch {
	case e.Code != codes[r.Kind]:
		return "another code"
	case e.Field != "" && !slices.Contains(fields, e.Field) && !slices.Contains(fields, object):
		return "another field"
	case e.Requested != number(r.Requested), e.Available != number(r.Available):
		return "other amounts"
	case e.Left != number(r.Left):
		return "another rest"
	case e.State != r.State, !slices.Equal(e.Holds, r.Holds):
		return "another state, or other holds"
	}
	return ""
}
