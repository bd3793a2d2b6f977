package storetest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"creditledger"
)

var rowCases = []Case{
	{"row/all", "Rows are found by their keys, listed by kind, and the open ones loaded with the account, whatever was committed how.", onStore(rowAll)},
	{"row/pages", "Rows of a kind come in byte order of their keys, in pages up to the limit, without one left out or there twice.", onStore(rowPages)},
	{"row/apart", "An account has no row of another, and a kind none of another.", onStore(rowApart)},
	{"row/kept", "Rows are there after the store was opened again.", rowKept},
}

// rowKinds are the kinds that the ledger has.
var rowKinds = []creditledger.RowKind{creditledger.RowHold, creditledger.RowSchedule, creditledger.RowReversal}

// withRows adds rows to a change.
func withRows(c creditledger.Change, rows ...creditledger.StoredRow) creditledger.Change {
	c.Rows = rows
	for i := range rows {
		if rows[i].New {
			c.Head.Rows++
		}
	}
	return c
}

func row(kind creditledger.RowKind, key, value string, open, isNew bool) creditledger.StoredRow {
	return creditledger.StoredRow{Row: creditledger.Row{Kind: kind, Key: key, Value: []byte(value)}, Open: open, New: isNew}
}

func compareRows(a, b creditledger.Row) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Key, b.Key))
}

func sortedRows(rows []creditledger.Row) []creditledger.Row {
	slices.SortFunc(rows, compareRows)
	return rows
}

// doneRows remembers rows that were committed.
func (b *book) doneRows(rows []creditledger.StoredRow) {
	for _, r := range rows {
		r.New = false
		at, found := slices.BinarySearchFunc(b.rows, r, func(x, y creditledger.StoredRow) int { return compareRows(x.Row, y.Row) })
		if found {
			b.rows[at] = r
		} else {
			b.rows = slices.Insert(b.rows, at, r)
		}
	}
}

func (b *book) openRows() (rows []creditledger.Row) {
	for i := range b.rows {
		if b.rows[i].Open {
			rows = append(rows, b.rows[i].Row)
		}
	}
	return rows
}

func (b *book) rowsOf(kind creditledger.RowKind) (rows []creditledger.Row) {
	for i := range b.rows {
		if b.rows[i].Kind == kind {
			rows = append(rows, b.rows[i].Row)
		}
	}
	return rows
}

func (b *book) verifyRows(ctx context.Context, s creditledger.Store) error {
	for _, kind := range rowKinds {
		want := b.rowsOf(kind)
		got, err := s.Rows(ctx, b.id, kind, "", math.MaxInt)
		if err == nil {
			err = sameRows(got, want)
		}
		if err != nil {
			return fmt.Errorf("Rows(%v, %d): %w", b.id, kind, err)
		}
		keys := []string{"there is none"}
		for _, r := range want {
			keys = append(keys, r.Key)
		}
		slices.Reverse(keys)
		if got, err = s.RowsByKey(ctx, b.id, kind, keys); err == nil {
			slices.Reverse(got)
			err = sameRows(got, want)
		}
		if err != nil {
			return fmt.Errorf("RowsByKey(%v, %d): %w", b.id, kind, err)
		}
	}
	return nil
}

func (b *book) snapshotRows(ctx context.Context, snap creditledger.Snapshot, limit int) error {
	got, err := pages(limit, func(last *creditledger.StoredRow, limit int) ([]creditledger.StoredRow, error) {
		if last == nil {
			last = &creditledger.StoredRow{}
		}
		return snap.Rows(ctx, last.Kind, last.Key, limit)
	})
	if err != nil {
		return err
	}
	if len(got) != len(b.rows) {
		return fmt.Errorf("rows: %d of them, want %d", len(got), len(b.rows))
	}
	for i, want := range b.rows {
		if compareRows(got[i].Row, want.Row) != 0 || !bytes.Equal(got[i].Value, want.Value) || got[i].Open != want.Open {
			return fmt.Errorf("rows[%d] = %+v, want %+v", i, got[i], want)
		}
	}
	return nil
}

func sameRows(got, want []creditledger.Row) error {
	for i := range min(len(got), len(want)) {
		if compareRows(got[i], want[i]) != 0 || !bytes.Equal(got[i].Value, want[i].Value) {
			return fmt.Errorf("rows[%d] = %+v, want %+v", i, got[i], want[i])
		}
	}
	if len(got) != len(want) {
		return fmt.Errorf("rows: %d of them, want %d", len(got), len(want))
	}
	return nil
}

// rowBooks writes two accounts, one of which begins as the other does, with rows of each
// kind that stay open, are written over, and are closed, together and one after another.
func rowBooks(ctx context.Context, s creditledger.Store) ([]*book, error) {
	books := []*book{{id: awkwardAccounts[0]}, {id: awkwardAccounts[1]}}
	for i, text := range awkwardTexts {
		for _, b := range books {
			kind := rowKinds[i%len(rowKinds)]
			other := rowKinds[(i+1)%len(rowKinds)]
			c := withRows(b.next(1, created(sampleBlock(uint64(i)+1))),
				row(kind, text, "one", true, true), row(other, text, "", i%2 == 0, true), row(kind, text+"\x00\xff"[:min(2, 255-len(text))], b.id.Currency, false, true))
			if len(text) == 255 {
				c.Rows, c.Head.Rows = c.Rows[:2], c.Head.Rows-1
			}
			if err := b.commit(ctx, s, c); err != nil {
				return nil, err
			}
			// What was taken back of an entry is kept under its number, mostly zeros.
			entry := string(binary.BigEndian.AppendUint64(nil, (uint64(i)+1)<<(8*(i%8))))
			reversal := row(creditledger.RowReversal, entry, "\x00"+text, false, true)
			if err := b.commit(ctx, s, withRows(b.next(1), reversal)); err != nil {
				return nil, err
			}
			again := []creditledger.StoredRow{row(kind, text, fmt.Sprint("two", i), i%3 != 0, false)}
			if i%2 == 0 {
				again = append(again, row(other, text, "again", i%4 == 0, false), row(creditledger.RowReversal, entry, "more", false, false))
			}
			if err := b.commit(ctx, s, withRows(b.next(2), again...)); err != nil {
				return nil, err
			}
		}
	}
	return books, nil
}

func rowAll(ctx context.Context, s creditledger.Store) error {
	books, err := rowBooks(ctx, s)
	if err != nil {
		return err
	}
	return verifyAll(ctx, s, books...)
}

func rowPages(ctx context.Context, s creditledger.Store) error {
	books, err := rowBooks(ctx, s)
	for _, b := range books {
		for _, limit := range []int{1, 2, 5} {
			for _, kind := range rowKinds {
				got, more := pages(limit, func(last *creditledger.Row, limit int) ([]creditledger.Row, error) {
					if last == nil {
						last = &creditledger.Row{}
					}
					return s.Rows(ctx, b.id, kind, last.Key, limit)
				})
				err = errors.Join(err, more, sameRows(got, b.rowsOf(kind)))
			}
			err = errors.Join(err, b.verifySnapshot(ctx, s, limit))
		}
	}
	return err
}

func rowApart(ctx context.Context, s creditledger.Store) error {
	if _, err := rowBooks(ctx, s); err != nil {
		return err
	}
	for _, id := range awkwardAccounts[2:] {
		if err := (&book{id: id}).verifyRows(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func rowKept(ctx context.Context, b Backend) error {
	if b.Reopen == nil {
		return ErrNotApplicable
	}
	s, err := b.New()
	if err != nil {
		return err
	}
	books, err := rowBooks(ctx, s)
	if err != nil {
		return err
	}
	if s, err = b.Reopen(s); err != nil {
		return err
	}
	return verifyAll(ctx, s, books...)
}
