package bolt_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"creditledger"
	"creditledger/fuzz/testsize"
	"creditledger/store/bolt"
)

var (
	bob = creditledger.AccountID{Customer: "bob", Currency: "credits"}
	cyd = creditledger.AccountID{Customer: "cyd", Currency: "credits"}
)

// indexed gives a store two accounts, numbers 1 and 2 in it, each with a key for every
// second of its 70 records and three blocks, of which ann's expire.
func indexed(t *testing.T, s *bolt.Store) {
	t.Helper()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	l := creditledger.New(s, &creditledger.Options{Clock: func() time.Time { return now }})
	defer l.Close()
	if err := l.PutDocuments(t.Context(), []creditledger.DocumentPut{{DocumentID: creditledger.DocumentID{Kind: "thing", Key: "x"}, Value: []byte("v")}}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []creditledger.AccountID{ann, bob} {
		for i := range 70 {
			var op creditledger.Operation = creditledger.Decrement{Amount: creditledger.AmountOf(1)}
			if i < 3 {
				grant := creditledger.Increment{Amount: creditledger.AmountOf(100), BlockID: fmt.Sprint("b", i+1)}
				if id == ann {
					grant.ExpiresAt = creditledger.At(now.AddDate(0, i+1, 0))
				}
				op = grant
			}
			var k creditledger.Key
			if i%2 == 0 {
				k = creditledger.Key(fmt.Sprint("k", i+1))
			}
			if _, err := l.Do(t.Context(), id, op, k); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// rows are what a test changes in a file, in the forms of docs/format.md.
type rows struct {
	t   testing.TB
	top *bbolt.Bucket
}

func (r rows) put(bucket string, key, value []byte) {
	r.t.Helper()
	if err := r.top.Bucket([]byte(bucket)).Put(key, value); err != nil {
		r.t.Fatal(err)
	}
}

// get returns a copy of a row that has to be there.
func (r rows) get(bucket string, key []byte) []byte {
	r.t.Helper()
	value := r.top.Bucket([]byte(bucket)).Get(key)
	if value == nil {
		r.t.Fatalf("%s has no row %q", bucket, key)
	}
	return append([]byte(nil), value...)
}

// delete removes a row that has to be there.
func (r rows) delete(bucket string, key []byte) {
	r.t.Helper()
	b := r.top.Bucket([]byte(bucket))
	if b.Get(key) == nil {
		r.t.Fatalf("%s has no row %q", bucket, key)
	}
	if err := b.Delete(key); err != nil {
		r.t.Fatal(err)
	}
}

// alter replaces the value of a row that has to be there.
func (r rows) alter(bucket string, key, value []byte) {
	r.t.Helper()
	r.delete(bucket, key)
	r.put(bucket, key, value)
}

func numbers(list ...uint64) (b []byte) {
	for _, n := range list {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	return b
}

func text(acct uint64, text string) []byte { return append(numbers(acct), text...) }

func due(month int, id creditledger.AccountID) []byte {
	at := creditledger.At(time.Date(2026, time.Month(month), 1, 0, 0, 0, 0, time.UTC)).Instant()
	return append(numbers(uint64(at)), id.Customer+"\x00\x01"+id.Currency...)
}

// plant changes a file that nobody has open.
func plant(t testing.TB, path string, f func(rows)) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		f(rows{t, tx.Bucket([]byte("creditledger"))})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestVerifyIndexes: a row of an index that is one too many, missing or altered is
// found, and named, whether the tables are up to the end of the log or not.
func TestVerifyIndexes(t *testing.T) {
	dir := t.TempDir()
	open, closed := filepath.Join(dir, "open.db"), filepath.Join(dir, "closed.db")
	s := mustOpen(t, filepath.Join(dir, "ledger.db"), nil)
	bolt.Engage(t, s, 1<<20)
	bolt.SetFoldEvery(s, 100) // the last records of bob are not folded
	indexed(t, s)
	if bolt.Unfolded(s) == 0 {
		t.Fatal("nothing was left unfolded")
	}
	bolt.CrashedCopy(t, s, open)
	mustClose(t, s)
	copyFile(t, filepath.Join(dir, "ledger.db"), closed)

	none := []byte{}
	for i, c := range []struct {
		name    string
		plant   func(rows)
		account creditledger.AccountID
		says    string
	}{
		{"nothing", func(rows) {}, ann, ""},
		{"a key that the tail has too", func(r rows) { r.put("keys", text(2, "k69"), numbers(69)) }, ann, ""},

		{"a key too many", func(r rows) { r.put("keys", text(1, "stray"), numbers(1)) }, ann, `the key "stray" is stored for record`},
		{"a key of no record", func(r rows) { r.put("keys", text(1, "stray"), numbers(71)) }, ann, `the key "stray" is stored for record`},
		{"a key too many of an account with a tail", func(r rows) { r.put("keys", text(2, "stray"), numbers(2)) }, bob, `the key "stray" is stored for record 2`},
		{"a key too many, for no number", func(r rows) { r.put("keys", text(1, "stray"), none) }, ann, `keys "stray"`},
		{"a key of no account", func(r rows) { r.put("keys", text(9, "stray"), numbers(1)) }, creditledger.AccountID{}, `keys row "stray" is of account number 9`},
		{"a key of the last account number", func(r rows) { r.put("keys", text(1<<64-1, "stray"), numbers(1)) }, creditledger.AccountID{}, `keys row "stray"`},
		{"a key of no account number", func(r rows) { r.put("keys", []byte("stray"), numbers(1)) }, creditledger.AccountID{}, "keys: a key of 5 bytes"},
		{"a key missing", func(r rows) { r.delete("keys", text(1, "k3")) }, ann, `its key "k3" is stored for record 0`},
		{"a key of another record", func(r rows) { r.alter("keys", text(1, "k3"), numbers(5)) }, ann, `its key "k3" is stored for record 5`},
		{"a key under another name", func(r rows) { r.delete("keys", text(1, "k3")); r.put("keys", text(1, "k33"), numbers(3)) }, ann, `its key "k3"`},

		{"a block id too many", func(r rows) { r.put("blockids", text(1, "stray"), numbers(1)) }, ann, `block "stray": index: the id leads to block number`},
		{"a block id of no block", func(r rows) { r.put("blockids", text(1, "stray"), numbers(4)) }, ann, `block "stray": index: the id leads to block number`},
		{"a block id too many of an account with a tail", func(r rows) { r.put("blockids", text(2, "stray"), numbers(1)) }, bob, `block "stray": index: the id leads to block number 1`},
		{"a block id of no account", func(r rows) { r.put("blockids", text(9, "stray"), numbers(1)) }, creditledger.AccountID{}, `blockids row "stray" is of account number 9`},
		{"a block id missing", func(r rows) { r.delete("blockids", text(1, "b2")) }, ann, `block "b2": blocks: its id does not lead to it`},
		{"a block id of another block", func(r rows) { r.alter("blockids", text(1, "b2"), numbers(1)) }, ann, `block "b2": index: the id leads to block number 1, and is that of number 2`},

		{"an account due twice", func(r rows) { r.put("due", due(7, ann), none) }, ann, "due row at 2026-07-01"},
		{"an account due that never is", func(r rows) { r.put("due", due(7, bob), none) }, bob, "due row at 2026-07-01"},
		{"no account due", func(r rows) { r.put("due", due(7, cyd), none) }, cyd, "due row at 2026-07-01"},
		{"no account name due", func(r rows) { r.put("due", text(1, "cyd"), none) }, creditledger.AccountID{}, "due index: a key that names no account"},
		{"nothing due", func(r rows) { r.put("due", []byte("x"), none) }, creditledger.AccountID{}, "due index: a key too short"},
		{"an account not due", func(r rows) { r.delete("due", due(2, ann)) }, ann, "due row at 2026-02-01T00:00:00Z is missing"},
		{"an account due at another time", func(r rows) { r.delete("due", due(2, ann)); r.put("due", due(7, ann), none) }, ann, "due row at 2026-02-01T00:00:00Z is missing"},

		{"an index row of the journal too many", func(r rows) { r.put("journal", numbers(1, 33), numbers(33)) }, ann, "journal row 33"},
		{"an index row behind the journal", func(r rows) { r.put("journal", numbers(1, 96), numbers(33)) }, ann, "journal row 96"},
		{"an index row of no account", func(r rows) { r.put("journal", numbers(9, 32), numbers(32)) }, creditledger.AccountID{}, "journal row"},
		{"an index row missing", func(r rows) { r.delete("journal", numbers(1, 32)) }, ann, "journal row 32"},
		{"the last index row missing", func(r rows) { r.delete("journal", numbers(1, 64)) }, ann, "journal row 64"},
		{"an index row of another record", func(r rows) { r.alter("journal", numbers(1, 32), numbers(31)) }, ann, "journal row 32"},
		{"an index row of another account's record", func(r rows) { r.alter("journal", numbers(1, 32), numbers(72)) }, ann, "journal row 32"},
		{"an index row for no number", func(r rows) { r.alter("journal", numbers(1, 32), none) }, ann, "journal row 32"},

		{"a row of meta too many", func(r rows) { r.put("meta", []byte("stray"), none) }, creditledger.AccountID{}, `meta row "stray"`},
		{"a block before the first", func(r rows) { r.put("blocks", numbers(1, 0), none) }, ann, "block 0 of ann/credits"},
		{"a block of no account", func(r rows) { r.put("blocks", numbers(9, 1), none) }, creditledger.AccountID{}, "blocks row"},
		{"an open block of no account", func(r rows) { r.put("open", numbers(9, 1), none) }, creditledger.AccountID{}, "open row"},
		{"an account missing", func(r rows) { r.delete("accounts", []byte("ann\x00\x01credits")) }, creditledger.AccountID{}, "the log has"},
		{"a record altered", func(r rows) {
			k, _ := r.top.Bucket([]byte("records")).Cursor().First()
			row := append([]byte(nil), r.top.Bucket([]byte("records")).Get(k)...)
			row[len(row)-1] ^= 1
			r.alter("records", append([]byte(nil), k...), row)
		}, creditledger.AccountID{}, "its check differs"},
		{"a record of no name", func(r rows) { r.put("records", []byte("\x05thing"), none) }, creditledger.AccountID{}, "names no record"},
		{"a log record of no account", func(r rows) {
			r.put("log", numbers(141), []byte("\x09\x00x"))
			r.alter("meta", []byte("folded"), numbers(141))
		}, creditledger.AccountID{}, "the log has 141 records"},
	} {
		if i%testsize.Stride() != 0 {
			continue
		}
		for _, from := range []string{open, closed} {
			file := filepath.Join(t.TempDir(), "planted.db")
			copyFile(t, from, file)
			plant(t, file, c.plant)
			s := mustOpen(t, file, &bolt.Options{ReadOnly: true})
			l := creditledger.New(s, nil)
			got, err := l.VerifyAll(t.Context(), nil)
			switch v := got.Violation; {
			case err != nil:
				t.Errorf("%s, %s: %v", c.name, filepath.Base(from), err)
			case c.says == "" && v != nil:
				t.Errorf("%s, %s: %s", c.name, filepath.Base(from), v)
			case c.says != "" && (got.Violation == nil || v == nil || v.Account != c.account || !strings.Contains(v.String(), c.says)):
				t.Errorf("%s, %s: %v; want one of %v that says %s", c.name, filepath.Base(from), v, c.account, c.says)
			}
			l.Close()
			mustClose(t, s)
		}
	}
}

// TestVerifyIndexesOfOneAccount: what is one account's is found without the others, in
// a transaction of the caller too.
func TestVerifyIndexesOfOneAccount(t *testing.T) {
	file := path(t)
	s := mustOpen(t, file, nil)
	indexed(t, s)
	mustClose(t, s)
	plant(t, file, func(r rows) { r.put("keys", text(2, "stray"), numbers(1)) })
	db, err := bbolt.Open(file, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	verify := func(joined *bolt.Joined) {
		l := creditledger.New(joined, nil)
		defer l.Close()
		if got, err := l.Verify(t.Context(), ann, nil); err != nil || got.Violation != nil {
			t.Errorf("ann: %v, %v", got.Violation, err)
		}
		if got, err := l.Verify(t.Context(), bob, nil); err != nil || got.Violation == nil || got.Violation.Account != bob {
			t.Errorf("bob: %v, %v", got.Violation, err)
		}
		if got, err := l.VerifyAll(t.Context(), nil); err != nil || got.Violation == nil || got.Violation.Account != bob {
			t.Errorf("all: %v, %v", got.Violation, err)
		}
		if err := joined.CheckStrays(t.Context()); err != nil {
			t.Errorf("rows of no account: %v", err)
		}
	}
	err = db.View(func(tx *bbolt.Tx) error {
		joined, err := bolt.Join(tx)
		if err == nil {
			verify(joined)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestAccountNumbersGivenOut: numbers of accounts have no gaps, so a bucket that says that
// more were given out is damaged, and behind the greatest number there is none; one that
// says fewer would give the next account a number that another has.
func TestAccountNumbersGivenOut(t *testing.T) {
	sound := path(t)
	s := mustOpen(t, sound, nil)
	mustGrant(t, s, ann, 3)
	mustGrant(t, s, bob, 2)
	mustClose(t, s)
	for _, c := range []struct {
		given  uint64
		opened bool
	}{{0, true}, {1, true}, {2, true}, {3, true}, {5, true}, {6, false}, {1 << 63, false}, {1<<64 - 2, false}, {1<<64 - 1, false}} {
		file := path(t)
		copyFile(t, sound, file)
		plant(t, file, func(r rows) {
			if err := r.top.Bucket([]byte("accounts")).SetSequence(c.given); err != nil {
				t.Fatal(err)
			}
		})
		s, err := bolt.Open(file, nil)
		if !c.opened {
			if !errors.Is(err, creditledger.ErrCorrupt) {
				t.Errorf("%d given out: opened, %v", c.given, err)
			}
			if err == nil {
				mustClose(t, s)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		l := creditledger.New(s, nil)
		if got, err := l.VerifyAll(t.Context(), nil); err != nil || (got.Violation == nil) != (c.given == 2) {
			t.Errorf("%d given out to 2 accounts: verified, %v", c.given, err)
		}
		if _, err := l.Do(t.Context(), cyd, creditledger.Increment{Amount: creditledger.AmountOf(1)}, ""); (c.given < 2) != errors.Is(err, creditledger.ErrCorrupt) {
			t.Errorf("%d given out to 2 accounts: one more, %v", c.given, err)
		}
		mustClose(t, s)
	}
}

// TestVerifyBesideCommits: what commits and folds change while indexes are compared is no
// damage.
func TestVerifyBesideCommits(t *testing.T) {
	s := mustOpen(t, path(t), nil)
	bolt.SetFoldEvery(s, 3)
	l := creditledger.New(s, nil)
	defer l.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 150 {
			id := []creditledger.AccountID{ann, bob, cyd}[i%3]
			op := creditledger.Increment{Amount: creditledger.AmountOf(1), ExpiresAt: creditledger.At(time.Now().Add(time.Hour))}
			if _, err := l.Do(context.Background(), id, op, creditledger.Key(fmt.Sprint("k", i))); err != nil {
				t.Error(err)
			}
		}
	}()
	for {
		if got, err := l.VerifyAll(t.Context(), nil); err != nil || got.Violation != nil {
			t.Fatalf("%v, %v", got.Violation, err)
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

// asked is a context that calls a function when it is asked for the second time whether
// it is over.
type asked struct {
	context.Context
	times int
	f     func()
}

func (a *asked) Err() error {
	if a.times++; a.times == 2 {
		a.f()
	}
	return nil
}

// TestNothingWaitsForCheckStrays: in the middle of it there are commits, and folds.
func TestNothingWaitsForCheckStrays(t *testing.T) {
	s := mustOpen(t, path(t), nil)
	bolt.SetFoldEvery(s, 1)
	mustGrant(t, s, ann, 3)
	committed := false
	ctx := &asked{Context: t.Context(), f: func() {
		done := make(chan error, 1)
		go func() { done <- grant(t, s, bob, "meanwhile") }()
		select {
		case err := <-done:
			committed = err == nil
		case <-time.After(time.Minute):
		}
	}}
	if err := s.CheckStrays(ctx); err != nil || !committed {
		t.Errorf("%v, committed meanwhile: %t", err, committed)
	}
}
