package bolt_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"creditledger"
	"creditledger/store/bolt"
)

// tampered makes a closed ledger of some accounts, and one of the same as it was some
// commits before.
func tampered(t *testing.T, path string) (before, after []byte, since []creditledger.Checkpoint) {
	t.Helper()
	work := func(from, to int) []byte {
		s := mustOpen(t, path, nil)
		l := creditledger.New(s, nil)
		for i := from; i < to; i++ {
			for _, customer := range []string{"ann", "bob", "cyd"} {
				id := creditledger.AccountID{Customer: customer, Currency: "credits"}
				_, err := l.Do(t.Context(), id, creditledger.Increment{Amount: creditledger.AmountOf(int64(1 + i))}, creditledger.Key(fmt.Sprint("k", i)))
				if err != nil {
					t.Fatal(err)
				}
				if i == to-1 && from > 0 {
					point, err := l.Checkpoint(t.Context(), id)
					if err != nil {
						t.Fatal(err)
					}
					since = append(since, point)
				}
			}
			put := creditledger.RecordPut{RecordID: creditledger.RecordID{Kind: "note", Key: fmt.Sprint("n", i)}, Value: []byte(fmt.Sprint("note ", i))}
			if err := l.PutRecords(t.Context(), []creditledger.RecordPut{put}); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(l.Close(), s.Close()); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	before = work(0, 30)
	return before, work(30, 40), since
}

// noticed opens a file and verifies it: it is refused, something is found and named, or
// all that it says is true.
func noticed(t *testing.T, path string, since []creditledger.Checkpoint, notes int) error {
	t.Helper()
	s, err := bolt.Open(path, &bolt.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer s.Close()
	l := creditledger.New(s, nil)
	defer l.Close()
	v, err := l.VerifyAll(t.Context(), &creditledger.VerifyOptions{Since: since})
	if err != nil {
		return err
	}
	if !v.OK {
		return v.Violation
	}
	all, err := l.Records(t.Context(), "note", "", "", creditledger.MaxPage)
	if err != nil {
		return err
	}
	if len(all) != notes {
		t.Errorf("%d records beside the journal of %d, and nothing is noticed", len(all), notes)
	}
	return nil
}

// TestTamperedPagesAreNoticed deletes, copies, swaps and ages every page.
func TestTamperedPagesAreNoticed(t *testing.T) {
	dir := t.TempDir()
	before, sound, since := tampered(t, filepath.Join(dir, "ledger.db"))
	size := os.Getpagesize()
	file := filepath.Join(dir, "tampered.db")
	found := 0
	try := func(what string, page int, do func(data []byte)) {
		data := bytes.Clone(sound)
		do(data)
		if bytes.Equal(data, sound) {
			return
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := noticed(t, file, since, 40); err != nil {
			if found++; err.Error() == "" {
				t.Errorf("%s page %d: noticed and not named", what, page)
			}
		}
	}
	pages := min(len(sound)/size, 64)
	at := func(data []byte, page int) []byte { return data[page*size:][:size] }
	for page := range pages {
		other := (page + 1) % pages
		try("delete", page, func(data []byte) { clear(at(data, page)) })
		try("duplicate", page, func(data []byte) { copy(at(data, other), at(data, page)) })
		try("move", page, func(data []byte) { copy(at(data, other), at(data, page)); clear(at(data, page)) })
		try("swap", page, func(data []byte) { copy(at(data, other), at(sound, page)); copy(at(data, page), at(sound, other)) })
		if (page+1)*size <= len(before) {
			try("age", page, func(data []byte) { copy(at(data, page), at(before, page)) })
		}
	}
	if found < pages {
		t.Errorf("of %d pages only %d changes were noticed", pages, found)
	}
}

// TestTamperedRowsAreNoticed deletes, duplicates, swaps and ages rows of every bucket.
func TestTamperedRowsAreNoticed(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	before, sound, since := tampered(t, path)
	old := filepath.Join(dir, "old.db")
	if err := os.WriteFile(old, before, 0o600); err != nil {
		t.Fatal(err)
	}
	type row struct{ k, v []byte }
	rowsOf := func(file, bucket string) (rows []row) {
		database(t, file, nil, func(tx *bbolt.Tx) error {
			return ledgerBucket(tx, bucket).ForEach(func(k, v []byte) error {
				rows = append(rows, row{bytes.Clone(k), bytes.Clone(v)})
				return nil
			})
		})
		return rows
	}
	n := 0
	for _, bucket := range []string{"log", "accounts", "journal", "blocks", "open", "blockids", "keys", "records"} {
		rows, aged := rowsOf(path, bucket), rowsOf(old, bucket)
		if len(rows) < 2 {
			t.Fatalf("%s has %d rows", bucket, len(rows))
		}
		first, last := rows[0], rows[len(rows)-1]
		for what, do := range map[string]func(b *bbolt.Bucket) error{
			"delete the first": func(b *bbolt.Bucket) error { return b.Delete(first.k) },
			"delete the last":  func(b *bbolt.Bucket) error { return b.Delete(last.k) },
			"duplicate": func(b *bbolt.Bucket) error {
				return b.Put(append(bytes.Clone(last.k[:len(last.k)-1]), last.k[len(last.k)-1]+1), last.v)
			},
			"swap": func(b *bbolt.Bucket) error { return errors.Join(b.Put(first.k, last.v), b.Put(last.k, first.v)) },
			"age": func(b *bbolt.Bucket) error {
				for _, r := range aged {
					if err := b.Put(r.k, r.v); err != nil {
						return err
					}
				}
				return nil
			},
		} {
			file := filepath.Join(dir, fmt.Sprintf("%d.db", n))
			n++
			if err := os.WriteFile(file, sound, 0o600); err != nil {
				t.Fatal(err)
			}
			changed := false
			database(t, file, nil, func(tx *bbolt.Tx) error { return do(ledgerBucket(tx, bucket)) })
			now := rowsOf(file, bucket)
			if changed = len(now) != len(rows); !changed {
				for i := range now {
					changed = changed || !bytes.Equal(now[i].k, rows[i].k) || !bytes.Equal(now[i].v, rows[i].v)
				}
			}
			if !changed || bucket == "records" && what != "duplicate" && what != "swap" {
				continue // records beside the journal: nothing else says which there were
			}
			if err := noticed(t, file, since, 40); err == nil {
				t.Errorf("%s a row of %s: not noticed", what, bucket)
			}
		}
	}
}
