package bolt_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"creditledger"
	"creditledger/fuzz/testsize"
	"creditledger/store/bolt"
)

// tampered makes a closed ledger of some accounts, and one of the same as it was some
// commits before.
func tampered(t *testing.T, path string) (before, after []byte, since []creditledger.Checkpoint) {
	t.Helper()
	later := time.Now().AddDate(1, 0, 0)
	expires := func(i int) creditledger.When { return creditledger.At(later.AddDate(0, 0, -i)) } // the next due moves
	work := func(from, to int) []byte {
		s := mustOpen(t, path, nil)
		l := creditledger.New(s, nil)
		for i := from; i < to; i++ {
			for _, customer := range []string{"ann", "bob", "cyd"} {
				id := creditledger.AccountID{Customer: customer, Currency: "credits"}
				_, err := l.Do(t.Context(), id, creditledger.Increment{Amount: creditledger.AmountOf(int64(1 + i)), ExpiresAt: expires(i)}, creditledger.Key(fmt.Sprint("k", i)))
				if err != nil {
					t.Fatal(err)
				}
				hold := creditledger.Hold{HoldID: fmt.Sprint("hold ", i), Amount: creditledger.AmountOf(1)}
				if _, err := l.Do(t.Context(), id, hold, creditledger.Key(fmt.Sprint("h", i))); err != nil {
					t.Fatal(err)
				}
				for _, n := range []int{i, i - 27} { // some at once, and some that were open before
					if n < 0 || i%2 != 0 {
						continue
					}
					release := creditledger.Release{HoldID: fmt.Sprint("hold ", n)}
					if _, err := l.Do(t.Context(), id, release, creditledger.Key(fmt.Sprint("r", n))); err != nil {
						t.Fatal(err)
					}
				}
				if i == to-1 && from > 0 {
					point, err := l.Checkpoint(t.Context(), id)
					if err != nil {
						t.Fatal(err)
					}
					since = append(since, point)
				}
			}
			put := creditledger.DocumentPut{DocumentID: creditledger.DocumentID{Kind: "note", Key: fmt.Sprint("n", i)}, Value: []byte(fmt.Sprint("note ", i))}
			if err := l.PutDocuments(t.Context(), []creditledger.DocumentPut{put}); err != nil {
				t.Fatal(err)
			}
			if i%10 == 0 {
				if _, err := l.ChangeSettings(t.Context(), func(s *creditledger.Settings) { s.MaxHold = time.Duration(100+i) * time.Hour }); err != nil {
					t.Fatal(err)
				}
			}
			name := fmt.Sprint("name ", i)
			if _, err := l.PutCustomer(t.Context(), creditledger.CustomerUpdate{ID: fmt.Sprint("customer ", i%5), Name: &name}); err != nil {
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
// all that it says is true: so many notes are there, if a number is given.
func noticed(t *testing.T, path string, since []creditledger.Checkpoint, notes ...int) error {
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
	if v.Violation != nil {
		return v.Violation
	}
	all, err := l.Documents(t.Context(), "note", "", "", creditledger.MaxPage)
	if err != nil {
		return err
	}
	if len(notes) > 0 && !slices.Contains(notes, len(all)) {
		t.Errorf("%d records beside the journal and not %d, and nothing is noticed", len(all), notes)
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
	notes := []int{40}
	try := func(what string, page int, do func(data []byte)) {
		data := bytes.Clone(sound)
		do(data)
		if bytes.Equal(data, sound) {
			return
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := noticed(t, file, since, notes...); err != nil {
			if found++; err.Error() == "" {
				t.Errorf("%s page %d: noticed and not named", what, page)
			}
		}
	}
	pages, stride := min(len(sound)/size, 64), testsize.Stride()
	at := func(data []byte, page int) []byte { return data[page*size:][:size] }
	for page := 0; page < pages; page += stride {
		other := (page + 1) % pages
		try("delete", page, func(data []byte) { clear(at(data, page)) })
		try("duplicate", page, func(data []byte) { copy(at(data, other), at(data, page)) })
		try("move", page, func(data []byte) { copy(at(data, other), at(data, page)); clear(at(data, page)) })
		try("swap", page, func(data []byte) { copy(at(data, other), at(sound, page)); copy(at(data, page), at(sound, other)) })
		if (page+1)*size <= len(before) {
			// All records beside the journal may lie on one page: as they were then, they are
			// what they were, and nothing else refers to them.
			notes = append(notes, 30)
			try("age", page, func(data []byte) { copy(at(data, page), at(before, page)) })
			notes = notes[:1]
		}
	}
	if found < pages/stride {
		t.Errorf("of %d pages only %d changes were noticed", pages, found)
	}
}

// unproven are the changes to rows of records that nothing notices, and why.
var unproven = map[string]string{
	"delete the first of customer_count": "recovery leaves counts out: they prove what is there, and are no part of it",
	"delete the last of customer_count":  "the same",
	"delete the first of note":           "whoever put it has to know: the ledger does not know what a note is",
	"delete the last of note":            "the same",
}

// row is one of a bucket.
type row struct{ k, v []byte }

// rowsOf returns the rows of a bucket of a ledger file whose keys begin with prefix.
func rowsOf(t *testing.T, file, bucket, prefix string) (rows []row) {
	t.Helper()
	database(t, file, nil, func(tx *bbolt.Tx) error {
		return ledgerBucket(tx, bucket).ForEach(func(k, v []byte) error {
			if bytes.HasPrefix(k, []byte(prefix)) {
				rows = append(rows, row{bytes.Clone(k), bytes.Clone(v)})
			}
			return nil
		})
	})
	return rows
}

// rowTampers are what is done to some rows of a bucket, which were other ones before.
func rowTampers(rows, before []row) map[string]func(b *bbolt.Bucket) error {
	first, last := rows[0], rows[len(rows)-1]
	return map[string]func(b *bbolt.Bucket) error{
		"delete the first": func(b *bbolt.Bucket) error { return b.Delete(first.k) },
		"delete the last":  func(b *bbolt.Bucket) error { return b.Delete(last.k) },
		"duplicate": func(b *bbolt.Bucket) error {
			return b.Put(append(bytes.Clone(last.k[:len(last.k)-1]), last.k[len(last.k)-1]+1), last.v)
		},
		"swap": func(b *bbolt.Bucket) error { return errors.Join(b.Put(first.k, last.v), b.Put(last.k, first.v)) },
		"age": func(b *bbolt.Bucket) error {
			for _, r := range before {
				if err := b.Put(r.k, r.v); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// TestTamperedRowsAreNoticed deletes, duplicates, swaps and ages rows of every bucket, and
// of every kind of records. What is not noticed, and why, stands in unproven.
func TestTamperedRowsAreNoticed(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	before, sound, since := tampered(t, path)
	old := filepath.Join(dir, "old.db")
	if err := os.WriteFile(old, before, 0o600); err != nil {
		t.Fatal(err)
	}
	type part struct{ bucket, prefix, name string }
	var parts []part
	for _, bucket := range []string{"log", "accounts", "journal", "blocks", "open", "blockids", "keys", "due", "rows", "openrows", "holders", "expiries"} {
		parts = append(parts, part{bucket, "", bucket})
	}
	for _, kind := range []string{"customer", "customer_count", "note", "ledger_settings", "settings_head"} {
		parts = append(parts, part{"records", string(rune(len(kind))) + kind, kind})
	}
	n, missed := 0, map[string]bool{}
	for _, p := range parts {
		rows := rowsOf(t, path, p.bucket, p.prefix)
		if len(rows) < 2 && !strings.Contains(p.name, "settings") { // which are one
			t.Fatalf("%s has %d rows", p.name, len(rows))
		}
		for what, do := range rowTampers(rows, rowsOf(t, old, p.bucket, p.prefix)) {
			what += " of " + p.name
			file := filepath.Join(dir, fmt.Sprintf("%d.db", n))
			n++
			if err := os.WriteFile(file, sound, 0o600); err != nil {
				t.Fatal(err)
			}
			database(t, file, nil, func(tx *bbolt.Tx) error { return do(ledgerBucket(tx, p.bucket)) })
			if slices.EqualFunc(rowsOf(t, file, p.bucket, ""), rowsOf(t, path, p.bucket, ""), func(a, b row) bool {
				return bytes.Equal(a.k, b.k) && bytes.Equal(a.v, b.v)
			}) {
				continue
			}
			if err := noticed(t, file, since); err == nil {
				if missed[what] = true; unproven[what] == "" {
					t.Errorf("%s: not noticed", what)
				}
			} else if unproven[what] != "" {
				t.Errorf("%s: is noticed, and said not to be: %v", what, err)
			}
		}
	}
	for what := range unproven {
		if !missed[what] {
			t.Errorf("%s: was not tried", what)
		}
	}
}
