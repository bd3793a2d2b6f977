package bolt

import (
	"bytes"
	"cmp"
	"context"
	"fmt"

	"go.etcd.io/bbolt"

	"creditledger"
	"creditledger/store/internal/changes"
)

// The rows of accounts have a table of their own. A byte in front of each says whether it
// is open. Another table has the names of the open rows, which are loaded with the
// account. An account whose head counts no rows has none in either table.

const (
	rowClosed = 0
	rowOpen   = 1
)

func accountRowKey(acct uint64, name changes.RowName) []byte {
	k := make([]byte, 0, numberSize+1+len(name.Key))
	return append(append(append(k, key(acct)...), byte(name.Kind)), name.Key...)
}

// parseAccountRowKey reads what accountRowKey made, behind the account's number.
func parseAccountRowKey(k []byte, id creditledger.AccountID) (changes.RowName, error) {
	if len(k) <= numberSize+1 {
		return changes.RowName{}, corrupt(fmt.Sprintf("rows of %v", id), "a key too short")
	}
	return changes.RowName{Kind: creditledger.RowKind(k[numberSize]), Key: string(k[numberSize+1:])}, nil
}

// parseAccountRow reads a row of the table; it copies the value.
func parseAccountRow(name changes.RowName, value []byte, id creditledger.AccountID) (creditledger.StoredRow, error) {
	if len(value) == 0 || value[0] > rowOpen {
		return creditledger.StoredRow{}, corrupt(fmt.Sprintf("row %q of kind %d of %v", name.Key, name.Kind, id), "it does not say whether it is open")
	}
	row := creditledger.Row{Kind: name.Kind, Key: name.Key, Value: bytesOf(value[1:])}
	return creditledger.StoredRow{Row: row, Open: value[0] == rowOpen}, nil
}

// row writes a row of an account.
func (w *writer) row(acct uint64, r *creditledger.StoredRow) {
	k := accountRowKey(acct, changes.NameOf(&r.Row))
	value := make([]byte, 1, 1+len(r.Value))
	if r.Open {
		value[0] = rowOpen
		w.put(bucketOpenRows, k, []byte{})
	} else {
		w.delete(bucketOpenRows, k)
	}
	w.put(bucketRows, k, append(value, r.Value...))
}

// addedBucket returns a bucket that files of older layouts lack; nil for such a file.
func (v view) addedBucket(name []byte) *bbolt.Bucket { return v.top.Bucket(name) }

// accountRow returns a row of an account.
func (v view) accountRow(id creditledger.AccountID, at accountPos, name changes.RowName) (row creditledger.StoredRow, found bool, err error) {
	if at.head.Rows == 0 {
		return row, false, nil
	}
	if row, found = v.tail.account(id).row(name); found {
		return row, true, nil
	}
	b := v.addedBucket(bucketRows)
	if b == nil {
		return row, false, nil
	}
	value := b.Get(accountRowKey(at.acct, name))
	if value == nil {
		return row, false, nil
	}
	row, err = parseAccountRow(name, value, id)
	return row, err == nil, err
}

// openRows returns the open rows of an account.
func (v view) openRows(id creditledger.AccountID, at accountPos) (rows []creditledger.Row, err error) {
	if at.head.Rows == 0 {
		return nil, nil
	}
	a := v.tail.account(id)
	if b := v.addedBucket(bucketOpenRows); b != nil {
		for k := range ascending(b, key(at.acct), key(at.acct)) {
			name, err := parseAccountRowKey(k, id)
			if err != nil {
				return nil, err
			}
			if _, newer := a.row(name); newer {
				continue
			}
			row, found, err := v.accountRow(id, at, name)
			switch {
			case err != nil:
				return nil, err
			case !found:
				return nil, corrupt(fmt.Sprintf("row %q of kind %d of %v", name.Key, name.Kind, id), "it is listed as open and missing")
			}
			rows = append(rows, row.Row)
		}
	}
	for _, name := range a.rowNames(changes.RowName{}) {
		if r, _ := a.row(name); r.Open {
			rows = append(rows, r.Row)
		}
	}
	return rows, nil
}

// rowsBehind returns up to limit rows of an account after a name, in order.
func (v view) rowsBehind(id creditledger.AccountID, at accountPos, after changes.RowName, limit int) (rows []creditledger.StoredRow, err error) {
	if at.head.Rows == 0 || limit <= 0 {
		return nil, nil
	}
	recent := v.tail.account(id).rowNames(after)
	if b := v.addedBucket(bucketRows); b != nil {
		start := accountRowKey(at.acct, after)
		for k, value := range ascending(b, key(at.acct), start) {
			if bytes.Equal(k, start) {
				continue
			}
			name, err := parseAccountRowKey(k, id)
			if err != nil {
				return nil, err
			}
			for len(recent) > 0 && recent[0].Compare(name) < 0 && len(rows) < limit {
				rows, recent = append(rows, v.tailRow(id, recent[0])), recent[1:]
			}
			if len(rows) == limit {
				return rows, nil
			}
			if len(recent) > 0 && recent[0] == name {
				rows, recent = append(rows, v.tailRow(id, name)), recent[1:]
				continue
			}
			row, err := parseAccountRow(name, value, id)
			if err != nil {
				return nil, err
			}
			rows = append(rows, row)
		}
	}
	for _, name := range recent[:min(len(recent), limit-len(rows))] {
		rows = append(rows, v.tailRow(id, name))
	}
	return rows, nil
}

// tailRow copies a row that the tail has.
func (v view) tailRow(id creditledger.AccountID, name changes.RowName) creditledger.StoredRow {
	r, _ := v.tail.account(id).row(name)
	return r
}

// RowsByKey implements creditledger.Store.
func (r reads) RowsByKey(ctx context.Context, id creditledger.AccountID, kind creditledger.RowKind, keys []string) (rows []creditledger.Row, err error) {
	err = r.view(ctx, "rows by key", func(v view) error {
		rows = nil
		at, err := v.accountPos(id)
		if err != nil {
			return err
		}
		for _, k := range keys {
			row, found, err := v.accountRow(id, at, changes.RowName{Kind: kind, Key: k})
			if err != nil {
				return err
			}
			if found {
				rows = append(rows, row.Row)
			}
		}
		return nil
	})
	return orNil(rows, err)
}

// Rows implements creditledger.Store.
func (r reads) Rows(ctx context.Context, id creditledger.AccountID, kind creditledger.RowKind, after string, limit int) (rows []creditledger.Row, err error) {
	err = r.view(ctx, "rows", func(v view) error {
		rows = nil
		at, err := v.accountPos(id)
		if err != nil {
			return err
		}
		page, err := v.rowsBehind(id, at, changes.RowName{Kind: kind, Key: after}, limit)
		for i := range page {
			if page[i].Kind == kind {
				rows = append(rows, page[i].Row)
			}
		}
		return err
	})
	return orNil(rows, err)
}

// Rows implements creditledger.Snapshot. Rows that the head does not count are shown too.
func (s *snapshot) Rows(ctx context.Context, kind creditledger.RowKind, after string, limit int) ([]creditledger.StoredRow, error) {
	if err := changes.Enter(ctx, "snapshot"); err != nil || s.at.acct == 0 {
		return nil, err
	}
	at := s.at
	at.head.Rows = max(at.head.Rows, 1)
	return s.v.rowsBehind(s.id, at, changes.RowName{Kind: kind, Key: after}, limit)
}

// checkOpenRows checks that the table of open rows names only rows that are open.
func (v view) checkOpenRows(id creditledger.AccountID, at accountPos) error {
	b := v.addedBucket(bucketOpenRows)
	if b == nil {
		return nil
	}
	at.head.Rows = max(at.head.Rows, 1)
	tables := view{top: v.top}
	for k, value := range ascending(b, key(at.acct), key(at.acct)) {
		name, err := parseAccountRowKey(k, id)
		if err != nil {
			return err
		}
		row, found, err := tables.accountRow(id, at, name)
		if err != nil {
			return err
		}
		if len(value) != 0 || !found || !row.Open {
			return damagedIndex(id, "open row %q of kind %d should not be there", cmp.Or(name.Key, "?"), name.Kind)
		}
	}
	return nil
}
