package invoice

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"creditledger"
)

// A purchase whose credits wait for its payment ends by time alone: when its payment deadline
// passes, or when its credits would expire. Its invoice is void then, as of that instant,
// whoever looks at it first; calls that write, and Sweep, write it down. An attempt that is under way
// keeps it. Rule: docs/invoices/deadlines.md

// waiting are a customer's purchases that wait for their payment and end by time.
type waiting struct {
	Purchases []waitingFor `json:"purchases"`
}

// waitingFor is one of them. It ends no sooner than this, unless the credits were given an
// earlier expiry while they waited; then its invoice says so, and this follows.
type waitingFor struct {
	Invoice string               `json:"invoice_id"`
	EndsAt  creditledger.Instant `json:"ends_at"`
}

const maxWaiting = 1000

// opEnd is what ends an unpaid purchase.
const opEnd = "end_purchase"

// checkEnding refuses a deadline that cannot be kept, and terms that go only with a payment
// that is waited for.
func (p *Purchase) checkEnding() error {
	switch {
	case p.RequirePayment:
	case !p.PaymentDeadline.IsZero():
		return invalid("invoice_settings.payment_deadline", "goes with require_successful_payment")
	case p.ShiftExpiry:
		return invalid("invoice_settings.shift_expiry", "goes with require_successful_payment")
	}
	if p.PaymentDeadline.IsNever() {
		return invalid("invoice_settings.payment_deadline", "never: leave it out")
	}
	return inSettings(checkWhen("payment_deadline", p.PaymentDeadline))
}

// waits notes on an invoice when its purchase ends unpaid, and lists it if it waits.
func (t *tx) waits(inv *Invoice, p *Purchase) error {
	b := inv.Purchase
	if b.ShiftExpiry = p.ShiftExpiry; !p.PaymentDeadline.IsZero() {
		if b.PaymentDeadline = resolve(p.PaymentDeadline, t.zone); b.PaymentDeadline <= t.now {
			return invalid("invoice_settings.payment_deadline", "%s has passed: it is %s", b.PaymentDeadline, t.now)
		}
	}
	if !b.RequirePayment || !inv.open() {
		return nil
	}
	b.EndsAt = firstOf(b.PaymentDeadline, resolve(p.Increment.ExpiresAt, t.zone))
	if b.EndsAt == 0 {
		return nil
	}
	w, err := t.waiting(inv.Customer)
	if err != nil {
		return err
	}
	if len(w.Purchases) >= maxWaiting {
		return constraint("customer %q has %d purchases that wait for their payment", clip(inv.Customer), len(w.Purchases))
	}
	w.Purchases = append(w.Purchases, waitingFor{inv.ID, b.EndsAt})
	t.put(kindWaiting, inv.Customer, w)
	return nil
}

// waiting reads a customer's list, which is empty when there is none.
func (t *tx) waiting(customer string) (*waiting, error) {
	w, err := read[waiting](t, kindWaiting, customer)
	if w == nil {
		w = &waiting{}
	}
	return w, err
}

// waitsNoMore takes an invoice that is paid or void off its customer's list.
func (t *tx) waitsNoMore(inv *Invoice) error {
	if inv.Purchase == nil || inv.Purchase.EndsAt == 0 || inv.open() {
		return nil
	}
	w, err := t.waiting(inv.Customer)
	if err != nil {
		return err
	}
	left := slices.DeleteFunc(slices.Clone(w.Purchases), func(p waitingFor) bool { return p.Invoice == inv.ID })
	if len(left) < len(w.Purchases) {
		t.put(kindWaiting, inv.Customer, &waiting{left})
	}
	return nil
}

// firstOf is the earlier of two instants of which none is never.
func firstOf(a, b creditledger.Instant) creditledger.Instant {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// endOf is when a purchase that waits for its payment ends, whether it has or not; 0: never.
func (t *tx) endOf(inv *Invoice) (creditledger.Instant, error) {
	p := inv.Purchase
	if p == nil || !p.RequirePayment || p.BlockID == "" || !inv.open() {
		return 0, nil
	}
	l, err := t.lotOf(inv)
	if err != nil {
		return 0, err
	}
	expires, waits := l.waitsUntil(inv)
	if !waits {
		return 0, nil // somebody gave the credits on trust
	}
	end := firstOf(p.PaymentDeadline, expires)
	if end != 0 {
		end = max(end, inv.IssuedAt)
	}
	return end, nil
}

// waitsUntil is when the last of a lot's blocks expires that waits for its payment, or waited
// when its purchase ended; 0: never. It is of the first block when nothing of the others is left.
func (l *lot) waitsUntil(inv *Invoice) (expires creditledger.Instant, waits bool) {
	for i := range l.blocks {
		b := &l.blocks[i]
		if !b.pending && inv.waitedAt(b.activated) || i > 0 && b.capacity.Sign() <= 0 {
			continue
		}
		switch {
		case !waits || l.blocks[0].capacity.Sign() <= 0 && i == 1:
			expires, waits = b.expires, true
		case expires != 0 && (b.expires == 0 || b.expires > expires):
			expires = b.expires
		}
	}
	return expires, waits
}

// waitedAt reports whether a purchase had not ended yet by its deadline at an instant: that was
// to come, or an attempt to pay was under way.
func (inv *Invoice) waitedAt(at creditledger.Instant) bool {
	deadline := inv.Purchase.PaymentDeadline
	return deadline == 0 || at < deadline || slices.ContainsFunc(inv.Payments, func(p Payment) bool {
		return p.ChargeType != External && p.CreatedAt <= at && (p.Status == PaymentPending || p.EndedAt >= at)
	})
}

// isOver reports whether a purchase that waits for its payment has ended, if no attempt to pay
// it is under way.
func (t *tx) isOver(inv *Invoice) (bool, error) {
	end, err := t.endOf(inv)
	return end != 0 && end <= t.now, err
}

// ended is a purchase that ended unpaid.
type ended struct {
	invoice *Invoice
	at      creditledger.Instant
}

// over finds a customer's purchases that ended unpaid and are not void yet, the first first:
// those that are listed, and the one that is named.
func (t *tx) over(customer, named string) ([]ended, error) {
	w, err := t.waiting(customer)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, p := range w.Purchases {
		if p.EndsAt <= t.now && p.Invoice != named {
			ids = append(ids, p.Invoice)
		}
	}
	if named != "" {
		ids = append(ids, named)
	}
	var found []ended
	for _, id := range ids {
		inv, err := read[Invoice](t, kindInvoice, id)
		if err != nil {
			return nil, err
		}
		if inv == nil || inv.pending() != nil {
			continue
		}
		end, err := t.endOf(inv)
		if err != nil {
			return nil, err
		}
		if end != 0 && end <= t.now {
			found = append(found, ended{inv, end})
		}
	}
	slices.SortStableFunc(found, func(a, b ended) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.invoice.Number, b.invoice.Number))
	})
	return found, nil
}

// end voids the invoice of a purchase that ended unpaid, as of the instant given.
func (t *tx) end(inv *Invoice, at creditledger.Instant) error {
	now := t.now
	t.now = at
	defer func() { t.now = now }()
	inv.Purchase.EndedUnpaid = true
	if err := t.void(inv, Voiding{}, &Answer{}); err != nil {
		return err
	}
	return inv.ready()
}

// carryEnds writes down what ended of a customer by now, each purchase in a commit of its own,
// and reports whether anything was. Those that cannot end now, because the ledger refuses it, are left out.
func (s *Service) carryEnds(ctx context.Context, t *tx, leave map[string]bool) (n int, err error) {
	all, err := t.over(t.call.customer, t.call.invoice)
	if err != nil {
		return 0, err
	}
	for _, e := range all {
		id := e.invoice.ID
		if leave[id] {
			continue
		}
		leave[id] = true
		c := &call{op: opEnd, customer: e.invoice.Customer, invoice: id, key: creditledger.Key(idFrom("end_", id)), request: ask{"invoice_id": id}}
		request, err := json.Marshal(c.request)
		if err != nil {
			return n, err
		}
		switch _, err := attempts(ctx, s, c, request, func(t *tx) (*Answer, error) { return t.endNow(id) }); {
		case err == nil:
			n++
		case !isRefusal(err):
			return n, err
		}
	}
	return n, nil
}

// endNow ends a purchase, if it is still over.
func (t *tx) endNow(id string) (*Answer, error) {
	inv, err := read[Invoice](t, kindInvoice, id)
	if err != nil {
		return nil, err
	}
	at, err := t.endOf(inv)
	if err != nil {
		return nil, err
	}
	if at == 0 || at > t.now || inv.pending() != nil {
		return nil, inv.refuse("end unpaid")
	}
	return &Answer{Invoice: inv}, t.end(inv, at)
}

// beginNow begins a call that writes nothing: what is due by now has happened in it.
func (s *Service) beginNow(ctx context.Context, c *call) (*tx, error) {
	leave := map[string]bool{}
	for {
		t, err := s.begin(ctx, c)
		if err != nil {
			return nil, err
		}
		refused, err := t.endAll(leave)
		if err == nil || refused == "" || !isRefusal(err) {
			return t, err
		}
		leave[refused] = true
	}
}

// endAll ends all of a customer's purchases that are over, as far as the ledger does not refuse
// it; it tells which it refused.
func (t *tx) endAll(leave map[string]bool) (refused string, err error) {
	all, err := t.over(t.call.customer, t.call.invoice)
	if err != nil {
		return "", err
	}
	for _, e := range all {
		if leave[e.invoice.ID] {
			continue
		}
		if err := t.end(e.invoice, e.at); err != nil {
			return e.invoice.ID, err
		}
		if _, err := t.results(); err != nil {
			return e.invoice.ID, err
		}
	}
	t.ended = len(t.parts)
	return "", nil
}

// asOfNow is an invoice as it stands now.
func (s *Service) asOfNow(ctx context.Context, inv *Invoice) (*Invoice, error) {
	if p := inv.Purchase; p == nil || !p.RequirePayment || !inv.open() || inv.pending() != nil {
		return inv, nil
	}
	t, err := s.beginNow(ctx, &call{customer: inv.Customer, invoice: inv.ID})
	if err != nil {
		return nil, err
	}
	return read[Invoice](t, kindInvoice, inv.ID)
}

// customerNow is a view of a customer's records in which what is due by now has happened; nil
// when nothing is, and the records stand as they are stored.
func (s *Service) customerNow(ctx context.Context, customer string) (*tx, error) {
	w, err := fetch[waiting](ctx, s, kindWaiting, customer, "list of purchases")
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	now, err := s.ledger.Now()
	if err != nil || !slices.ContainsFunc(w.Purchases, func(p waitingFor) bool { return p.EndsAt <= now }) {
		return nil, err
	}
	return s.beginNow(ctx, &call{customer: customer})
}

// Sweep writes down which purchases have ended unpaid, of a customer, or of all when customer is
// empty, and returns how many. It is not needed for anything: whoever looks at an invoice or
// a customer balance sees it as it stands then.
func (s *Service) Sweep(ctx context.Context, customer string) (n int, err error) {
	for after := ""; ; {
		recs, err := s.ledger.Documents(ctx, kindWaiting, customer, after, recordsPage)
		if err != nil {
			return n, err
		}
		for i := range recs {
			if after = recs[i].Key; customer != "" && after != customer {
				continue
			}
			more, err := s.sweepCustomer(ctx, after)
			if n += more; err != nil {
				return n, &Error{Op: "sweep", Customer: after, Err: err}
			}
		}
		if len(recs) < recordsPage {
			return n, nil
		}
	}
}

func (s *Service) sweepCustomer(ctx context.Context, customer string) (int, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return 0, err
	}
	defer unlock()
	t, err := s.begin(ctx, &call{customer: customer})
	if err != nil {
		return 0, err
	}
	return s.carryEnds(ctx, t, map[string]bool{})
}
