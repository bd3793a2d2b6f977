package postgres

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"creditledger"
)

// Listing accounts asks every bucket, in one round trip, and merges what they say.

// span is what is known of one bucket's accounts behind the ones returned.
type span struct {
	bucket int
	ids    []creditledger.AccountID // in order, not yet returned
	last   creditledger.AccountID   // the last one asked for
	more   bool                     // there may be others after it
}

// Accounts implements creditledger.Store.
func (r *reads) Accounts(ctx context.Context, after creditledger.AccountID, limit int) (ids []creditledger.AccountID, err error) {
	if err := checkTexts(after.Customer, after.Currency); err != nil {
		return nil, err
	}
	err = r.view(ctx, "accounts", func(c client) error {
		ids = nil
		if limit <= 0 {
			return nil
		}
		spans := make([]*span, r.buckets)
		for i := range spans {
			spans[i] = &span{bucket: i, last: after, more: true}
		}
		var err error
		ids, err = merged(spans, limit, func(spans []*span) error {
			size := share(limit, r.buckets)
			return fill(ctx, c, spans, size, func(s *span) (string, []any) {
				return r.sql.accounts, []any{int32(s.bucket), s.last.Customer, s.last.Currency, int64(size)}
			})
		})
		return err
	})
	return ids, err
}

// merged returns the first accounts of all spans in order, and has the spans filled as
// far as that takes.
func merged(spans []*span, limit int, fill func([]*span) error) (ids []creditledger.AccountID, err error) {
	for len(ids) < limit {
		var first *span
		var empty []*span
		for _, s := range spans {
			switch {
			case len(s.ids) == 0 && s.more:
				empty = append(empty, s)
			case len(s.ids) > 0 && (first == nil || s.ids[0].Compare(first.ids[0]) < 0):
				first = s
			}
		}
		if len(empty) > 0 { // what comes next may not have been read
			if err := fill(empty); err != nil {
				return nil, err
			}
			continue
		}
		if first == nil {
			break
		}
		ids = append(ids, first.ids[0])
		first.ids = first.ids[1:]
	}
	return ids, nil
}

// share is how many accounts to ask one of n buckets for. A little more than an even
// share is seldom too little.
func share(limit, n int) int {
	const spare = 8
	return min(limit, limit/n*3/2+spare)
}

// fill reads the next accounts of spans, with the statement that next gives for each.
func fill(ctx context.Context, c client, spans []*span, limit int, next func(*span) (string, []any)) error {
	b := &pgx.Batch{}
	for _, s := range spans {
		sql, args := next(s)
		b.Queue(sql, args...)
	}
	results := c.SendBatch(ctx, b)
	for _, s := range spans {
		ids, err := nextAccounts(results)
		if err != nil {
			return errors.Join(err, results.Close())
		}
		s.take(ids, limit)
	}
	return results.Close()
}

func (s *span) take(ids []creditledger.AccountID, limit int) {
	s.more = len(ids) == limit
	if len(ids) > 0 {
		s.ids, s.last = ids, ids[len(ids)-1]
	}
}

func nextAccounts(results pgx.BatchResults) ([]creditledger.AccountID, error) {
	rows, err := results.Query()
	if err != nil {
		return nil, err
	}
	var ids []creditledger.AccountID
	var id creditledger.AccountID
	_, err = pgx.ForEachRow(rows, []any{&id.Customer, &id.Currency}, func() error {
		ids = append(ids, id)
		return nil
	})
	return ids, err
}

// manyDue is how many due accounts of one bucket, of those after the page before, are
// read and sorted. Where there are
// more, its accounts are read in their own order instead: a page of them is near.
const manyDue = 2000

// Due implements creditledger.Store.
func (r *reads) Due(ctx context.Context, by creditledger.Instant, after creditledger.AccountID, limit int) (ids []creditledger.AccountID, err error) {
	if err := checkTexts(after.Customer, after.Currency); err != nil {
		return nil, err
	}
	err = r.view(ctx, "due accounts", func(c client) error {
		ids = nil
		if limit <= 0 || by <= 0 {
			return nil
		}
		spans := make([]*span, r.buckets)
		for i := range spans {
			spans[i] = &span{bucket: i}
		}
		err := fill(ctx, c, spans, manyDue, func(s *span) (string, []any) {
			return r.sql.due, []any{int32(s.bucket), int64(by), int64(manyDue), after.Customer, after.Currency}
		})
		if err != nil {
			return err
		}
		for _, s := range spans {
			s.last = after
			if s.more {
				s.ids = nil
				continue
			}
			slices.SortFunc(s.ids, creditledger.AccountID.Compare)
		}
		ids, err = merged(spans, limit, func(spans []*span) error {
			size := share(limit, r.buckets)
			return fill(ctx, c, spans, size, func(s *span) (string, []any) {
				return r.sql.dueInOrder, []any{int32(s.bucket), s.last.Customer, s.last.Currency, int64(size), int64(by)}
			})
		})
		return err
	})
	return ids, err
}
