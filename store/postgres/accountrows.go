package postgres

import (
	"context"
	"math"

	"github.com/jackc/pgx/v5"

	"creditledger"
	"creditledger/store/internal/changes"
)

// RowsByKey implements creditledger.Store.
func (r *reads) RowsByKey(ctx context.Context, id creditledger.AccountID, kind creditledger.RowKind, keys []string) (rows []creditledger.Row, err error) {
	if err := checkTexts(id.Customer, id.Currency); err != nil {
		return nil, err
	}
	err = r.view(ctx, "rows by key", func(c client) error {
		rows = nil
		if len(keys) == 0 {
			return nil
		}
		at, b := r.accountPos(id), &pgx.Batch{}
		for _, key := range keys {
			b.Queue(r.sql.rowByKey, at.args(int16(kind), []byte(key))...)
		}
		results := c.SendBatch(ctx, b)
		for _, key := range keys {
			var value []byte
			found, err := nextRow(results, &value)
			if err != nil {
				return errorsFirst(err, results.Close())
			}
			if found {
				rows = append(rows, creditledger.Row{Kind: kind, Key: key, Value: nonNil(value)})
			}
		}
		return results.Close()
	})
	return rows, err
}

// Rows implements creditledger.Store.
func (r *reads) Rows(ctx context.Context, id creditledger.AccountID, kind creditledger.RowKind, after string, limit int) (rows []creditledger.Row, err error) {
	if err := checkTexts(id.Customer, id.Currency); err != nil {
		return nil, err
	}
	err = r.view(ctx, "rows", func(c client) error {
		rows = nil
		if limit <= 0 {
			return nil
		}
		args := r.accountPos(id).args(int16(kind), int16(kind), []byte(after), int64(limit))
		return eachRow(ctx, c, r.sql.rowPage, args, func(row creditledger.Row) error {
			rows = append(rows, row)
			return nil
		})
	})
	return rows, err
}

// eachRow calls f for the rows that a statement gives.
func eachRow(ctx context.Context, c client, sql string, args []any, f func(creditledger.Row) error) error {
	var kind int16
	var key, value []byte
	return query(ctx, c, sql, args, []any{&kind, &key, &value}, func() error {
		return f(creditledger.Row{Kind: creditledger.RowKind(kind), Key: string(key), Value: nonNil(value)})
	})
}

// Rows implements creditledger.Snapshot. It also compares the table of open rows, which
// State shows, with the rows themselves.
func (s *snapshot) Rows(ctx context.Context, kind creditledger.RowKind, after string, limit int) (rows []creditledger.StoredRow, err error) {
	if err := changes.Enter(ctx, "snapshot"); err != nil || limit <= 0 {
		return nil, err
	}
	if s.openRows == nil {
		if _, err := s.State(ctx); err != nil {
			return nil, err
		}
	}
	args := s.at.args(int16(kind), int16(math.MaxInt16), []byte(after), int64(limit))
	err = s.noted(eachRow(ctx, s.c, s.sql.rowPage, args, func(row creditledger.Row) error {
		value, open := s.openRows[changes.NameOf(&row)]
		if open && value != string(row.Value) {
			return s.damagedRow("open_rows", row.Key, "its value is not that of the row")
		}
		rows = append(rows, creditledger.StoredRow{Row: row, Open: open})
		return nil
	}))
	return rows, err
}
