package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/rivo/uniseg"

	"creditledger"
)

// table is text in columns. A column whose heading begins with ">" is aligned right.
type table struct {
	heads []string
	rows  [][]string
}

func newTable(heads ...string) *table { return &table{heads: heads} }

func (t *table) add(cells ...string) {
	for i := range cells {
		cells[i] = oneLine(cells[i])
	}
	t.rows = append(t.rows, cells)
}

// write prints the table; columns that are empty in every row are left out.
func (t *table) write(out io.Writer) {
	widths := make([]int, len(t.heads))
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], uniseg.StringWidth(cell))
		}
	}
	var head []string
	for i, h := range t.heads {
		h = strings.TrimPrefix(h, ">")
		head = append(head, h)
		if widths[i] > 0 {
			widths[i] = max(widths[i], uniseg.StringWidth(h))
		}
	}
	for _, row := range append([][]string{head}, t.rows...) {
		var line strings.Builder
		for i, cell := range row {
			if widths[i] == 0 {
				continue
			}
			if line.Len() > 0 {
				line.WriteString("  ")
			}
			space := strings.Repeat(" ", widths[i]-uniseg.StringWidth(cell))
			if strings.HasPrefix(t.heads[i], ">") {
				line.WriteString(space + cell)
			} else {
				line.WriteString(cell + space)
			}
		}
		fmt.Fprintln(out, strings.TrimRight("  "+line.String(), " "))
	}
}

// oneLine makes line breaks and tabs spaces.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' || r == '\t' {
			return ' '
		}
		return r
	}, s)
}

// shortID is the end of a long id, enough to recognise it by: the ids that the ledger
// makes begin with the time and differ at the end.
func shortID(id string) string {
	const long, kept = 20, 8
	if runes := []rune(id); len(runes) > long {
		return "…" + string(runes[len(runes)-kept:])
	}
	return id
}

// when shows an instant; a day's first instant in UTC as the date alone.
func when(i creditledger.Instant) string {
	if i.IsZero() {
		return ""
	}
	t := i.Time()
	if t.Equal(t.Truncate(24 * 60 * 60 * 1e9)) {
		return t.Format("2006-01-02")
	}
	return t.Format("2006-01-02 15:04:05.999999")
}

func expiry(i creditledger.Instant) string {
	if i.IsZero() {
		return "never"
	}
	return when(i)
}

func writeEntries(out io.Writer, entries []creditledger.Entry) {
	t := newTable(">SEQ", "CREATED", "TYPE", ">AMOUNT", ">BEFORE", "", ">AFTER", "BLOCK", "NOTE")
	for i := range entries {
		e := &entries[i]
		t.add(fmt.Sprint(e.Seq), when(e.CreatedAt), e.Type.String(), e.Amount.String(),
			e.Starting.String(), "→", e.Ending.String(), shortID(e.Block.ID), entryNote(e))
	}
	t.write(out)
}

// entryNote is what an entry has beyond the columns that all have.
func entryNote(e *creditledger.Entry) string {
	var notes []string
	note := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	if e.Status == creditledger.EntryPending {
		note("pending")
	}
	switch e.Type {
	case creditledger.EntryDecrement:
		for _, id := range []struct{ what, id string }{{"item", e.ItemID}, {"price", e.PriceID}, {"invoice", e.InvoiceID}} {
			if id.id != "" {
				note("%s %s", id.what, id.id)
			}
		}
	case creditledger.EntryExpirationChange:
		note("to %s, expiry %s", shortID(e.NewBlockID), expiry(e.NewBlockExpiry))
	case creditledger.EntryVoidInitiated, creditledger.EntryVoid:
		note("asked %s", e.VoidAmount)
		if e.VoidReason != "" {
			note("%s", e.VoidReason)
		}
	}
	if e.Description != "" {
		note("%s", e.Description)
	}
	return strings.Join(notes, "; ")
}

func writeBlocks(out io.Writer, blocks []creditledger.Block) {
	t := newTable("BLOCK", ">BALANCE", ">OF", "EXPIRES", "EFFECTIVE", ">COST", ">PRIORITY", "FOR", "STATE")
	for i := range blocks {
		b := &blocks[i]
		initial, priority, state := b.Initial.String(), "", ""
		if b.Overdraft {
			initial, state = "", "overdraft"
		}
		if b.Priority != 0 {
			priority = fmt.Sprint(b.Priority)
		}
		if b.Status == creditledger.PendingPayment {
			state = "pending payment"
		}
		t.add(b.ID, b.Balance.String(), initial, expiry(b.ExpiresAt), when(b.EffectiveAt),
			b.CostBasis.String(), priority, filterText(b.Filters), state)
	}
	t.write(out)
}

// filterText says what a block may pay for.
func filterText(list []creditledger.Filter) string {
	var parts []string
	for _, f := range list {
		not := ""
		if f.Operator == creditledger.Excludes {
			not = "not "
		}
		field := ""
		if f.Field != creditledger.FieldItem {
			field = f.Field.String() + " "
		}
		parts = append(parts, not+field+strings.Join(f.Values, ", "))
	}
	return strings.Join(parts, "; ")
}
