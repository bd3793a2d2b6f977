package postgres

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"creditledger"
)

// Strays are rows of no account: in a bucket that does not exist, or of a name that has
// no head. They are found by skipping from account to account, in the order of the
// database. That takes one short statement for each account and table, and a thousand of
// them go in a round trip. No statement joins tables, so the planner cannot choose a bad
// plan, and no snapshot is kept for long.

// CheckStrays implements creditledger.Store.
func (r *reads) CheckStrays(ctx context.Context) error {
	steps := []func(client) error{
		func(c client) error { return r.checkMeta(ctx, c) },
		func(c client) error { return r.checkEdges(ctx, c) },
	}
	for bucket := range r.buckets {
		steps = append(steps, func(c client) error { return r.checkBucket(ctx, c, int32(bucket)) })
	}
	for _, step := range steps {
		if err := r.view(ctx, "check strays", step); err != nil {
			return err
		}
	}
	for kind, begun := "", false; kind != "" || !begun; begun = true {
		err := r.view(ctx, "check strays", func(c client) error {
			next, err := r.checkRecords(ctx, c, kind)
			if err == nil {
				kind = next
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func stray(id creditledger.AccountID, format string, args ...any) error {
	return &creditledger.Violation{Account: id, Rule: "index", Detail: fmt.Sprintf(format, args...)}
}

// checkMeta checks that the schema's settings are those that the store was opened with,
// and that there are no others.
func (r *reads) checkMeta(ctx context.Context, c client) error {
	want := map[string]string{"version": strconv.Itoa(len(migrations)), "buckets": strconv.Itoa(r.buckets), "text": metaText, "id": ""}
	var key, value string
	found := 0
	err := query(ctx, c, r.sql.meta, nil, []any{&key, &value}, func() error {
		switch expected, known := want[key]; {
		case !known:
			return stray(creditledger.AccountID{}, "meta row %q: it should not be there", key)
		case expected != "" && value != expected:
			return stray(creditledger.AccountID{}, "meta row %q: it says %q, the store was opened with %q", key, value, expected)
		}
		found++
		return nil
	})
	if err == nil && found != len(want) {
		err = stray(creditledger.AccountID{}, "meta has %d rows, there should be %d", found, len(want))
	}
	return err
}

// checkEdges looks for rows in buckets that do not exist.
func (r *reads) checkEdges(ctx context.Context, c client) error {
	for _, sql := range r.sql.tables {
		for _, end := range []func() (int32, bool, error){
			func() (int32, bool, error) { return bucketAt(ctx, c, sql.first) },
			func() (int32, bool, error) { return bucketAt(ctx, c, sql.last) },
		} {
			bucket, found, err := end()
			if err != nil {
				return err
			}
			if !found || bucket >= 0 && int(bucket) < r.buckets {
				continue
			}
			id := creditledger.AccountID{}
			err = query(ctx, c, sql.next, []any{bucket, "", ""}, []any{&id.Customer, &id.Currency}, func() error { return nil })
			if err != nil {
				return err
			}
			return stray(id, "%s: a row in bucket %d, of %d", sql.name, bucket, r.buckets)
		}
	}
	return nil
}

func bucketAt(ctx context.Context, c client, sql string) (bucket int32, found bool, err error) {
	err = query(ctx, c, sql, nil, []any{&bucket}, func() error {
		found = true
		return nil
	})
	return bucket, found, err
}

// checkBucket looks for rows of accounts that have no head in the bucket.
func (r *reads) checkBucket(ctx context.Context, c client, bucket int32) error {
	// The row behind the account before the page, in each table. It has to belong to the
	// page, or to stand behind the page's last account too.
	pending := make([]creditledger.AccountID, len(r.sql.tables))
	after := creditledger.AccountID{}
	first := true
	for {
		page, err := r.headsAfter(ctx, c, bucket, after)
		if err != nil {
			return err
		}
		from := page
		if first {
			from = append([]creditledger.AccountID{{}}, page...)
		}
		next, err := r.leaps(ctx, c, bucket, from)
		if err != nil {
			return err
		}
		if first {
			for t := range next {
				pending[t], next[t] = next[t][0], next[t][1:]
			}
			first = false
		}
		for t, sql := range r.sql.tables {
			for i, head := range page {
				if pending[t] == head || pending[t] == next[t][i] {
					pending[t] = next[t][i]
					continue
				}
				if err := r.madeMeanwhile(ctx, c, sql.name, bucket, pending[t]); err != nil {
					return err
				}
				pending[t] = next[t][i]
			}
		}
		if len(page) < strayPage {
			break
		}
		after = page[len(page)-1]
	}
	for t, sql := range r.sql.tables {
		if pending[t] != (creditledger.AccountID{}) {
			if err := r.madeMeanwhile(ctx, c, sql.name, bucket, pending[t]); err != nil {
				return err
			}
		}
	}
	return nil
}

// strayPage is how many accounts are checked in a round trip.
const strayPage = 200

func (r *reads) headsAfter(ctx context.Context, c client, bucket int32, after creditledger.AccountID) (ids []creditledger.AccountID, err error) {
	var id creditledger.AccountID
	args := []any{bucket, after.Customer, after.Currency, int64(strayPage)}
	err = query(ctx, c, r.sql.accounts, args, []any{&id.Customer, &id.Currency}, func() error {
		ids = append(ids, id)
		return nil
	})
	return ids, err
}

// leaps asks each table for the row behind each account; the zero account stands for the
// beginning.
func (r *reads) leaps(ctx context.Context, c client, bucket int32, from []creditledger.AccountID) ([][]creditledger.AccountID, error) {
	b := &pgx.Batch{}
	for _, sql := range r.sql.tables {
		for _, id := range from {
			b.Queue(sql.next, bucket, id.Customer, id.Currency)
		}
	}
	results := c.SendBatch(ctx, b)
	next := make([][]creditledger.AccountID, len(r.sql.tables))
	var err error
	for t := range next {
		for range from {
			var id creditledger.AccountID
			if err == nil {
				_, err = nextRow(results, &id.Customer, &id.Currency)
			}
			next[t] = append(next[t], id)
		}
	}
	return next, errorsFirst(err, results.Close())
}

// madeMeanwhile checks whether an account that has rows has a head by now.
func (r *reads) madeMeanwhile(ctx context.Context, c client, table string, bucket int32, id creditledger.AccountID) error {
	found := false
	var version int64
	var seal []byte
	err := query(ctx, c, r.sql.headVersion, []any{bucket, id.Customer, id.Currency}, []any{&version, &seal}, func() error {
		found = true
		return nil
	})
	if err == nil && !found {
		err = stray(id, "%s: a row in bucket %d, and no head there", table, bucket)
	}
	return err
}
