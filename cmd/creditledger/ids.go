package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"creditledger"
	"creditledger/invoice"
	"creditledger/opsfile"
)

// ellipsis stands in a short id for what was left out.
const ellipsis = "…"

// madeID is an id that was made and not chosen: a UUID, or what an invoice, a credit
// note or a change got.
var madeID = regexp.MustCompile(`^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[a-z]+_[0-9a-f]{24})$`)

// shortMade matches a part of such an id that is long enough to stand for it.
var shortMade = regexp.MustCompile(`^([0-9a-f-]{8,}|[a-z]+_[0-9a-f]{6,})$`)

// shortOf returns what tells whether an id may be meant by a short one, and false when a
// text is no short id. An ellipsis (three dots will do) stands for any text in front or
// behind. Without one only an id that was made can be meant, by its first or last eight
// digits or more: an id that a person chose is close to other such ids, and promo-1 must
// never mean promo-10.
func shortOf(text string) (meant func(id string) bool, ok bool) {
	text = strings.ReplaceAll(text, "...", ellipsis)
	if end, ok := strings.CutPrefix(text, ellipsis); ok && end != "" {
		return func(id string) bool { return strings.HasSuffix(id, end) }, true
	}
	if start, ok := strings.CutSuffix(text, ellipsis); ok && start != "" {
		return func(id string) bool { return strings.HasPrefix(id, start) }, true
	}
	return func(id string) bool {
		return madeID.MatchString(id) && (strings.HasPrefix(id, text) || strings.HasSuffix(id, text))
	}, shortMade.MatchString(text)
}

// ambiguousError is a short id that several things have.
type ambiguousError struct {
	short string
	ids   []string
}

func (e *ambiguousError) Error() string {
	const shown = 5
	list := strings.Join(e.ids[:min(len(e.ids), shown)], ", ")
	if n := len(e.ids) - shown; n > 0 {
		list += fmt.Sprintf(" and %d more", n)
	}
	return fmt.Sprintf("%s is short for several ids: %s", e.short, list)
}

// Is matches creditledger.ErrInvalid.
func (e *ambiguousError) Is(target error) bool { return target == creditledger.ErrInvalid }

// wholeID returns the id that a text is short for. It returns the text itself if that is
// an id, or not a short one. find reports whether a text is an id, and all calls a
// function for each id.
func wholeID(text string, find func(id string) error, all func(each func(id string)) error) (string, error) {
	meant, ok := shortOf(text)
	if !ok {
		return text, nil
	}
	if err := find(text); !errors.Is(err, creditledger.ErrNotFound) {
		return text, err
	}
	var ids []string
	err := all(func(id string) {
		if meant(id) {
			ids = append(ids, id)
		}
	})
	switch {
	case err != nil:
		return text, err
	case len(ids) > 1:
		return text, &ambiguousError{text, ids}
	case len(ids) == 1:
		return ids[0], nil
	}
	return text, nil
}

// wholeBlock is the block of an account that a text names.
func wholeBlock(ctx context.Context, l *creditledger.Ledger, on creditledger.AccountID, text string) (string, error) {
	return wholeID(text,
		func(id string) error { _, err := l.Block(ctx, on, id); return err },
		func(each func(string)) error {
			blocks, err := opsfile.AllBlocks(ctx, l, on, creditledger.BlocksQuery{All: true})
			for i := range blocks {
				each(blocks[i].ID)
			}
			return err
		})
}

// withWholeIDs returns an operation with the block that its text is short for.
func withWholeIDs(ctx context.Context, l *creditledger.Ledger, on creditledger.AccountID, op creditledger.Operation) (creditledger.Operation, error) {
	var err error
	switch o := op.(type) {
	case creditledger.Void:
		o.BlockID, err = wholeBlock(ctx, l, on, o.BlockID)
		return o, err
	case creditledger.Amendment:
		o.BlockID, err = wholeBlock(ctx, l, on, o.BlockID)
		return o, err
	case creditledger.Activation:
		o.BlockID, err = wholeBlock(ctx, l, on, o.BlockID)
		return o, err
	case creditledger.ExpirationChange:
		o.BlockID, err = wholeBlock(ctx, l, on, o.BlockID)
		return o, err
	}
	return op, nil
}

// withWholeBlock returns what is read of an account with the block that its text is short
// for.
func withWholeBlock(ctx context.Context, l *creditledger.Ledger, r opsfile.Request) (opsfile.Request, error) {
	var err error
	switch q := r.Args.(type) {
	case creditledger.EntriesQuery:
		if q.BlockID != "" {
			q.BlockID, err = wholeBlock(ctx, l, r.Account, q.BlockID)
		}
		r.Args = q
	case opsfile.Block:
		q.ID, err = wholeBlock(ctx, l, r.Account, q.ID)
		r.Args = q
	}
	return r, err
}

// everyID calls each for every id that a listing has.
func everyID(list func(after string) ([]string, error), each func(id string)) error {
	for after := ""; ; {
		ids, err := list(after)
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, id := range ids {
			each(id)
		}
		after = ids[len(ids)-1]
	}
}

// wholeInvoice is the invoice that a text names.
func wholeInvoice(ctx context.Context, s *invoice.Service, text string) (string, error) {
	return wholeID(text,
		func(id string) error { _, err := s.Invoice(ctx, id); return err },
		func(each func(string)) error {
			return everyID(func(after string) ([]string, error) { return s.InvoiceIDs(ctx, "", after, creditledger.MaxPage) }, each)
		})
}

// wholeChange is the change that a text names.
func wholeChange(ctx context.Context, s *invoice.Service, text string) (string, error) {
	return wholeID(text,
		func(id string) error { _, err := s.Change(ctx, id); return err },
		func(each func(string)) error {
			return everyID(func(after string) ([]string, error) { return s.ChangeIDs(ctx, "", after, creditledger.MaxPage) }, each)
		})
}

// wholeNote is the credit note of an invoice that a text names.
func wholeNote(ctx context.Context, s *invoice.Service, ref invoice.NoteRef) (string, error) {
	inv, err := s.Invoice(ctx, ref.Invoice)
	if err != nil {
		return ref.Note, nil // the call with that id will say that there is none
	}
	found := func(id string) error {
		for i := range inv.CreditNotes {
			if inv.CreditNotes[i].ID == id {
				return nil
			}
		}
		return &creditledger.NotFoundError{Kind: "credit note", ID: id}
	}
	return wholeID(ref.Note, found, func(each func(string)) error {
		for i := range inv.CreditNotes {
			each(inv.CreditNotes[i].ID)
		}
		return nil
	})
}

// withWholeMoneyIDs returns a request of the money side with the ids that its texts are
// short for.
func withWholeMoneyIDs(ctx context.Context, s *invoice.Service, args any) (any, error) {
	var err error
	switch r := args.(type) {
	case opsfile.Payment:
		r.Invoice, err = wholeInvoice(ctx, s, r.Invoice)
		return r, err
	case opsfile.VoidInvoice:
		r.Invoice, err = wholeInvoice(ctx, s, r.Invoice)
		return r, err
	case opsfile.Invoice:
		r.ID, err = wholeInvoice(ctx, s, r.ID)
		return r, err
	case opsfile.CreditNote:
		for _, id := range []*string{&r.Note.Invoice, &r.Ref.Invoice, &r.Refund.Invoice, &r.Chargeback.Invoice} {
			if *id != "" && err == nil {
				*id, err = wholeInvoice(ctx, s, *id)
			}
		}
		if r.Ref.Note != "" && err == nil {
			r.Ref.Note, err = wholeNote(ctx, s, r.Ref)
		}
		return r, err
	case opsfile.Change:
		if r.ID != "" {
			r.ID, err = wholeChange(ctx, s, r.ID)
		}
		return r, err
	}
	return args, nil
}
