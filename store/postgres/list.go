package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"creditledger"
)

// Listing accounts asks every bucket, in one round trip, and merges the answers.

// span is what is known about one bucket's accounts behind those that were returned.
type span[T any] struct {
	bucket int
	list   []T  // in order, not yet returned
	last   T    // the last one that was read
	more   bool // there may be others after it
}

// listing is a way to list accounts.
type listing[T interface{ Compare(T) int }] struct {
	next func(s *span[T], limit int) (sql string, args []any) // asks for the next accounts of a bucket
	dest []any                                                // where a row is read to
	row  *T                                                   // the row that dest points into
}

// Accounts implements creditledger.Store.
func (r *reads) Accounts(ctx context.Context, after creditledger.AccountID, limit int) (ids []creditledger.AccountID, err error) {
	if err := checkTexts(after.Customer, after.Currency); err != nil {
		return nil, err
	}
	err = r.view(ctx, "accounts", func(c client) error {
		var id creditledger.AccountID
		var err error
		ids, err = listing[creditledger.AccountID]{
			next: func(s *span[creditledger.AccountID], limit int) (string, []any) {
				return r.sql.accounts, []any{int32(s.bucket), s.last.Customer, s.last.Currency, int64(limit)}
			},
			dest: []any{&id.Customer, &id.Currency},
			row:  &id,
		}.page(ctx, c, r.buckets, after, limit)
		return err
	})
	return ids, err
}

// page returns the first accounts of all buckets after the given one, in order. It reads
// as much as it needs.
func (l listing[T]) page(ctx context.Context, c client, buckets int, after T, limit int) (list []T, err error) {
	if limit <= 0 {
		return nil, nil
	}
	spans := make([]*span[T], buckets)
	for i := range spans {
		spans[i] = &span[T]{bucket: i, last: after, more: true}
	}
	for len(list) < limit {
		var first *span[T]
		var empty []*span[T]
		for _, s := range spans {
			switch {
			case len(s.list) == 0 && s.more:
				empty = append(empty, s)
			case len(s.list) > 0 && (first == nil || s.list[0].Compare(first.list[0]) < 0):
				first = s
			}
		}
		if len(empty) > 0 { // the next account may not have been read yet
			if err := l.fill(ctx, c, empty, share(limit, buckets)); err != nil {
				return nil, err
			}
			continue
		}
		if first == nil {
			break
		}
		list = append(list, first.list[0])
		first.list = first.list[1:]
	}
	return list, nil
}

// share is how many accounts to ask each of n buckets for. A little more than an even
// share is seldom too few.
func share(limit, n int) int {
	const spare = 8
	return min(limit, limit/n*3/2+spare)
}

// fill reads the next accounts of spans.
func (l listing[T]) fill(ctx context.Context, c client, spans []*span[T], limit int) error {
	b := &pgx.Batch{}
	for _, s := range spans {
		sql, args := l.next(s, limit)
		b.Queue(sql, args...)
	}
	results := c.SendBatch(ctx, b)
	for _, s := range spans {
		if err := l.read(results, s, limit); err != nil {
			return errors.Join(err, results.Close())
		}
	}
	return results.Close()
}

// read reads the answer for one span.
func (l listing[T]) read(results pgx.BatchResults, s *span[T], limit int) error {
	rows, err := results.Query()
	if err != nil {
		return err
	}
	s.list = nil
	_, err = pgx.ForEachRow(rows, l.dest, func() error {
		s.list = append(s.list, *l.row)
		return nil
	})
	if s.more = len(s.list) == limit; len(s.list) > 0 {
		s.last = s.list[len(s.list)-1]
	}
	return err
}

// Due implements creditledger.Store.
func (r *reads) Due(ctx context.Context, by creditledger.Instant, after creditledger.DueAccount, limit int) (list []creditledger.DueAccount, err error) {
	if err := checkTexts(after.Account.Customer, after.Account.Currency); err != nil {
		return nil, err
	}
	if after.At <= 0 { // accounts without anything due have such instants
		after = creditledger.DueAccount{At: 1}
	}
	err = r.view(ctx, "due accounts", func(c client) (err error) {
		var d creditledger.DueAccount
		list, err = listing[creditledger.DueAccount]{
			next: func(s *span[creditledger.DueAccount], limit int) (string, []any) {
				return r.sql.due, []any{int32(s.bucket), int64(s.last.At), s.last.Account.Customer, s.last.Account.Currency, int64(by), int64(limit)}
			},
			dest: []any{&d.At, &d.Account.Customer, &d.Account.Currency},
			row:  &d,
		}.page(ctx, c, r.buckets, after, limit)
		return err
	})
	return list, err
}
