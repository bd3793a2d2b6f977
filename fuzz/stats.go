package fuzz

import (
	"fmt"
	"slices"
	"strings"

	cl "creditledger"
	"creditledger/fuzz/model"
)

// Stats counts what a machine did, so that a long run can show that it did everything.
type Stats struct {
	Steps, Accepted, Replays, Pages int
	Operations                      map[string]int
	Entries                         map[cl.EntryType]int
	Refusals                        map[string]int // by kind
	Fields                          map[string]int // by kind and field
	Reasons                         map[cl.Reason]int
	Meetings                        map[string]int // of features, by name
}

// NewStats returns empty statistics.
func NewStats() *Stats {
	return &Stats{
		Operations: map[string]int{}, Entries: map[cl.EntryType]int{}, Refusals: map[string]int{}, Fields: map[string]int{}, Reasons: map[cl.Reason]int{}, Meetings: map[string]int{},
	}
}

func (s *Stats) operation(op cl.Operation) {
	s.Accepted++
	s.Operations[op.Name()]++
	if batch, ok := op.(cl.Batch); ok {
		for _, part := range batch {
			s.Operations[part.Name()]++
		}
	}
}

// act counts one operation of an act.
func (s *Stats) act(a act, i int) {
	name := "transfer"
	if a.transfer == nil {
		s.Operations[a.ops[i].Operation.Name()]++
		name = "all"
	}
	if i == 0 {
		s.Accepted++
		s.Operations[name]++
	}
}

// entries counts entries, also those of what was due.
func (s *Stats) entries(list []*model.Entry) {
	for _, e := range list {
		s.Entries[e.Type]++
	}
}

func (s *Stats) refused(err error) {
	kind := refusal(err)
	for _, k := range []string{model.Invalid, model.Mismatch} {
		if strings.HasPrefix(kind, k) {
			s.Fields[kind]++
			s.Refusals[k]++
			return
		}
	}
	for _, k := range []string{model.NotFound, model.Duplicate, model.Constraint, model.Insufficient} {
		if strings.HasPrefix(kind, k) {
			s.Refusals[k]++
		}
	}
}

// String is the distribution in a few lines.
func (s *Stats) String() string {
	var b strings.Builder
	total, refused := 0, 0
	for _, n := range s.Entries {
		total += n
	}
	for _, n := range s.Refusals {
		refused += n
	}
	fmt.Fprintf(&b, "%d steps, %d operations accepted, %d refused, %d replayed, %d lists read page by page, %d entries\nentries:", s.Steps, s.Accepted, refused, s.Replays, s.Pages, total)
	for t := cl.EntryIncrement; t <= cl.EntryAmendment; t++ {
		fmt.Fprintf(&b, " %s %.1f%%", t, 100*float64(s.Entries[t])/float64(max(total, 1)))
	}
	for _, part := range []struct {
		name string
		m    map[string]int
	}{{"operations", s.Operations}, {"refusals", s.Refusals}, {"fields", s.Fields}, {"meetings", s.Meetings}} {
		fmt.Fprintf(&b, "\n%s:", part.name)
		for _, k := range sortedKeys(part.m) {
			fmt.Fprintf(&b, " %s %d,", k, part.m[k])
		}
	}
	fmt.Fprintf(&b, "\nexplained:")
	for r := cl.ReasonFiltered; r <= cl.ReasonNotNeeded; r++ {
		fmt.Fprintf(&b, " %s %d,", r, s.Reasons[r])
	}
	return b.String()
}

func sortedKeys(m map[string]int) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Figures are the main numbers, for a report.
func (s *Stats) Figures() map[string]int {
	entries, refused, least := 0, 0, 0
	for _, n := range s.Entries {
		entries += n
	}
	for _, n := range s.Refusals {
		refused += n
	}
	for t := cl.EntryIncrement; t <= cl.EntryAmendment; t++ {
		if n := s.Entries[t]; t == cl.EntryIncrement || n < least {
			least = n
		}
	}
	figures := map[string]int{
		"steps": s.Steps, "accepted": s.Accepted, "refused": refused, "kinds of refusals": len(s.Refusals), "replayed": s.Replays,
		"entries": entries, "percent of the rarest entry type": least * 100 / max(entries, 1), "disagreements": 0,
	}
	for name, n := range s.Meetings {
		figures["met: "+name] = n
	}
	return figures
}

// Gaps lists what a long run should have seen and did not: an entry type or a kind of
// operation below one percent, a kind of refusal, a reason or a meeting that never came.
func (s *Stats) Gaps() []string {
	var gaps []string
	total := 0
	for _, n := range s.Entries {
		total += n
	}
	for t := cl.EntryIncrement; t <= cl.EntryAmendment; t++ {
		if n := s.Entries[t]; n*100 < total {
			gaps = append(gaps, fmt.Sprintf("%s: %d of %d entries", t, n, total))
		}
	}
	for _, k := range []string{model.Invalid, model.Mismatch, model.NotFound, model.Duplicate, model.Constraint, model.Insufficient} {
		if s.Refusals[k]*1000 < s.Steps {
			gaps = append(gaps, fmt.Sprintf("refused as %s: %d of %d steps", k, s.Refusals[k], s.Steps))
		}
	}
	accepted := 0
	for _, n := range s.Operations {
		accepted += n
	}
	for _, kind := range slices.Compact(slices.Clone(kinds)) {
		if n := s.Operations[kind]; n*100 < accepted {
			gaps = append(gaps, fmt.Sprintf("%s: %d of %d operations", kind, n, accepted))
		}
	}
	const long = 500_000 // the rarest meetings come once in some ten thousand steps
	for _, meeting := range meetings {
		if s.Steps >= long && s.Meetings[meeting.name] == 0 {
			gaps = append(gaps, "never met: "+meeting.name)
		}
	}
	for r := cl.ReasonFiltered; r <= cl.ReasonNotNeeded; r++ {
		if s.Reasons[r] == 0 {
			gaps = append(gaps, fmt.Sprintf("never explained: %s", r))
		}
	}
	return gaps
}
