package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"creditledger"
)

// shortID returns the end of a long id, which is enough to recognise it: the ids that the
// ledger makes begin with the time and differ at the end. The command accepts it in the
// place of the id.
func (a *app) shortID(id string) string {
	const long, kept = 20, 8
	if runes := []rune(id); len(runes) > long && !a.precise {
		return ellipsis + string(runes[len(runes)-kept:])
	}
	return id
}

// when shows an instant to the second, and the first instant of a day in UTC as a date.
func (a *app) when(i creditledger.Instant) string {
	if i.IsZero() {
		return ""
	}
	t := i.Time()
	switch {
	case t.Equal(t.Truncate(24 * time.Hour)):
		return t.Format(time.DateOnly)
	case a.precise:
		return t.Format("2006-01-02 15:04:05.999999")
	}
	return t.Format(time.DateTime)
}

func (a *app) expiry(i creditledger.Instant) string {
	if i.IsZero() {
		return "never"
	}
	return a.when(i)
}

func (a *app) writeEntries(out io.Writer, entries []creditledger.Entry) {
	t := a.newTable(">SEQ", "CREATED", "TYPE", ".AMOUNT", ".+BEFORE", ".+BALANCE", "+BLOCK", "+"+noteHead)
	for i := range entries {
		e := &entries[i]
		before := ""
		if a.precise {
			before = e.Starting.String()
		}
		t.add(fmt.Sprint(e.Seq), a.when(e.CreatedAt), e.Type.String(), e.Amount.String(), before, e.Ending.String(), a.shortID(e.Block.ID), a.entryNote(e))
	}
	t.write(out)
}

// entryNote returns what an entry has beyond the columns of all entries.
func (a *app) entryNote(e *creditledger.Entry) string {
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
		note("to %s, expiry %s", a.shortID(e.NewBlockID), a.expiry(e.NewBlockExpiry))
	case creditledger.EntryVoidInitiated, creditledger.EntryVoid:
		note("asked %s", e.VoidAmount)
		if e.VoidReason != "" {
			note("%s", e.VoidReason)
		}
	}
	if !e.UsageAt.IsZero() {
		note("used %s", a.when(e.UsageAt))
	}
	if e.Reverses != 0 {
		note("takes back #%d", e.Reverses)
	}
	if e.Description != "" {
		note("%s", e.Description)
	}
	if e.Erased {
		note("text erased")
	}
	return strings.Join(notes, "; ")
}

// writeBlocks shows blocks. It shows when a block became effective only if that was not
// when it was made.
func (a *app) writeBlocks(out io.Writer, blocks []creditledger.Block) {
	t := a.newTable("BLOCK", ".BALANCE", ".+OF", "+EXPIRES", ".+COST", "+FOR", "+STATE", ">+PRIORITY", "+EFFECTIVE")
	for i := range blocks {
		b := &blocks[i]
		initial, priority, state, effective := b.Initial.String(), "", "", ""
		if b.Overdraft {
			initial, state = "", "overdraft"
		}
		if b.Priority != 0 {
			priority = fmt.Sprint(b.Priority)
		}
		if b.Status == creditledger.BlockPendingPayment {
			state = "pending payment"
		}
		if !b.Lapsed.IsZero() {
			state = b.Lapsed.String() + " lapsed"
		}
		if a.precise || b.EffectiveAt != b.CreatedAt {
			effective = a.when(b.EffectiveAt)
		}
		t.add(a.shortID(b.ID), b.Balance.String(), initial, a.expiry(b.ExpiresAt), b.CostBasis.String(), filterText(b.Filters), state, priority, effective)
	}
	t.write(out)
}

// filterText says what a block may pay for.
func filterText(list []creditledger.Filter) string {
	var parts []string
	for _, f := range list {
		not := ""
		if f.Operator == creditledger.FilterExcludes {
			not = "not "
		}
		field := ""
		if f.Field != creditledger.FilterFieldItem {
			field = f.Field.String() + " "
		}
		parts = append(parts, not+field+strings.Join(f.Values, ", "))
	}
	return strings.Join(parts, "; ")
}
