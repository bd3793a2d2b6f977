package invoice

import (
	"fmt"

	"creditledger"
)

// When a period may be closed. Rule: docs/invoices.md, "Closing a period".

// checkUsage refuses dates of usage that do not exist, and any at all where there is no
// period that they could be a part of.
func checkUsage(lines []LineInput, allowed bool) error {
	for i := range lines {
		l := &lines[i]
		if !allowed && !(l.UsageFrom.IsZero() && l.UsageTo.IsZero()) {
			return invalid("usage_to", "goes with a period only")
		}
		if err := firstError(checkWhen("usage_from", l.UsageFrom), checkWhen("usage_to", l.UsageTo)); err != nil {
			return err
		}
	}
	return nil
}

// usedBy is the instant at which a line's usage counts as used: the last microsecond of the
// period, or of the part of it that the line is for.
func (t *tx) usedBy(inv *Invoice, l *priced) creditledger.Instant {
	if l.in.UsageTo.IsZero() {
		return inv.Period.End - 1
	}
	return resolve(l.in.UsageTo, t.zone) - 1
}

// inTime refuses usage outside the period, and that of a line in arrears which is too long
// ago to be reported.
func (t *tx) inTime(inv *Invoice, lines []priced) error {
	p := inv.Period
	now, err := t.at(p.Account)
	if err != nil {
		return err
	}
	s, err := t.s.ledger.Settings(t.ctx)
	if err != nil {
		return err
	}
	for i := range lines {
		in := &lines[i].in
		from, to := p.Start, t.usedBy(inv, &lines[i])+1
		if !in.UsageFrom.IsZero() {
			from = resolve(in.UsageFrom, t.zone)
		}
		switch {
		case from >= to:
			return invalid("usage_to", "line %d, of %s: its usage ends %s, not after %s", i+1, clip(in.ItemID), to, from)
		case from < p.Start || to > p.End:
			return invalid("usage_to", "line %d, of %s: %s to %s is not within the period", i+1, clip(in.ItemID), from, to)
		case !in.InAdvance && to-1 < now.Add(-s.Settlement):
			return constraint("line %d, of %s: its usage up to %s is more than %s ago and cannot be charged to the credits of then: raise the settlement window, or bill it without a period",
				i+1, clip(in.ItemID), to-1, s.Settlement)
		}
	}
	return nil
}

// closedPeriod is where a period stands among those of its account and source.
type closedPeriod struct {
	Start creditledger.Instant `json:"start"`
}

// periodsOf begins the keys of the periods of an account and a source.
func periodsOf(inv *Invoice) string {
	return inv.Period.Account.Customer + separator + inv.Period.Account.Currency + separator + string(inv.Source) + separator
}

func periodKey(inv *Invoice) string {
	return fmt.Sprintf("%s%020d%s%s", periodsOf(inv), int64(inv.Period.End), separator, inv.ID)
}

// alone refuses a period that overlaps with one that is not void, unless it says that it is
// a supplement, and lists it.
func (t *tx) alone(inv *Invoice) error {
	p, prefix := inv.Period, periodsOf(inv)
	t.put(kindPeriod, periodKey(inv), &closedPeriod{Start: p.Start})
	if p.Supplement {
		return nil
	}
	for after := fmt.Sprintf("%s%020d\x01", prefix, int64(p.Start)); ; { // those that end later
		recs, err := t.s.ledger.Documents(t.ctx, kindPeriod, prefix, after, recordsPage)
		if err != nil {
			return err
		}
		for i := range recs {
			after = recs[i].Key
			var other closedPeriod
			if err := decode(&recs[i], &other); err != nil {
				return err
			}
			if other.Start >= p.End {
				continue
			}
			stands, err := read[Invoice](t, kindInvoice, after[len(prefix)+20+len(separator):])
			if err != nil {
				return err
			}
			if stands != nil && !stands.ended() {
				return constraint("the period overlaps with %s, of %s to %s: close it as a supplement, or void that", stands.name(), stands.Period.Start, stands.Period.End)
			}
		}
		if len(recs) < recordsPage {
			return nil
		}
	}
}

// periods proves that what is listed as a customer's closed periods are periods of its
// invoices.
func (x *examiner) periods(customer string, seen *examined) error {
	return x.each(kindPeriod, customer+separator, func(rec *creditledger.Document) error {
		var p closedPeriod
		if err := decode(rec, &p); err != nil {
			return err
		}
		if inv := seen.periods[rec.Key]; inv == nil || inv.Period.Start != p.Start {
			return violation("closed periods of "+clip(customer), "one that begins %s is listed, and no invoice is for it", p.Start)
		}
		delete(seen.periods, rec.Key)
		return seen.put(rec)
	})
}

// listedPeriods proves that all periods were listed.
func (seen *examined) listedPeriods() error {
	for _, inv := range seen.periods {
		return violation(inv.name(), "its period is not listed among those that are closed")
	}
	return nil
}
