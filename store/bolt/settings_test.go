package bolt_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"creditledger"
	"creditledger/fuzz/testseed"
	"creditledger/fuzz/testsize"
	"creditledger/store/bolt"
)

// refusing makes a closed ledger whose settings refuse debts, and returns its bytes and the
// rows of its documents; before, as they were with the first settings.
func refusing(t *testing.T, path string) (sound []byte, rows, before []row) {
	t.Helper()
	for _, change := range []func(*creditledger.Settings){
		func(*creditledger.Settings) {},
		func(s *creditledger.Settings) { s.Overdraft = creditledger.OverdraftReject },
	} {
		before = rows
		s := mustOpen(t, path, nil)
		l := creditledger.New(s, nil)
		_, err := l.ChangeSettings(t.Context(), change)
		name := strings.Repeat("a", 200)
		for i := range 12 { // so many that the documents have a page of their own
			if err == nil {
				_, err = l.PutCustomer(t.Context(), creditledger.CustomerUpdate{ID: fmt.Sprint("customer ", i), Name: &name})
			}
		}
		if err == nil {
			_, err = l.Do(t.Context(), ann, creditledger.Increment{Amount: creditledger.AmountOf(3)}, "")
		}
		if err = errors.Join(err, l.Close(), s.Close()); err != nil {
			t.Fatal(err)
		}
		rows = rowsOf(t, path, "records", "")
	}
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return sound, rows, before
}

// overdrawn spends more than there is from a file: nil means that a debt was made.
func overdrawn(t *testing.T, path string) error {
	t.Helper()
	s, err := bolt.Open(path, nil)
	if err != nil {
		return err
	}
	l := creditledger.New(s, nil)
	_, err = l.Do(t.Context(), ann, creditledger.Decrement{Amount: creditledger.AmountOf(1000)}, "")
	return errors.Join(err, l.Close(), s.Close())
}

// TestSettingsThatAreLost: a file whose settings are gone, older or not what was put makes no
// debts by the defaults, and is not whole. A recovery says so, and what it makes refuses work
// until the settings are replaced.
func TestSettingsThatAreLost(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	sound, rows, before := refusing(t, path)
	if err := overdrawn(t, path); !errors.Is(err, creditledger.ErrInsufficientCredits) {
		t.Fatalf("as it is: %v", err)
	}
	of := func(rows []row) row {
		for _, r := range rows {
			if strings.Contains(string(r.k), "ledger_settings") {
				return r
			}
		}
		t.Fatal("there are no settings")
		return row{}
	}
	is, was := of(rows), of(before)
	for what, tamper := range map[string]func(b *bbolt.Bucket) error{
		"deleted":           func(b *bbolt.Bucket) error { return b.Delete(is.k) },
		"older":             func(b *bbolt.Bucket) error { return b.Put(is.k, was.v) },
		"its kind damaged":  func(b *bbolt.Bucket) error { return errors.Join(b.Delete(is.k), b.Put(flipped(is.k, 3), is.v)) },
		"its value damaged": func(b *bbolt.Bucket) error { return b.Put(is.k, flipped(is.v, len(is.v)-1)) },
	} {
		file := filepath.Join(dir, what+".db")
		if err := os.WriteFile(file, sound, 0o600); err != nil {
			t.Fatal(err)
		}
		database(t, file, nil, func(tx *bbolt.Tx) error { return tamper(ledgerBucket(tx, "records")) })
		if err := noticed(t, file, nil); err == nil {
			t.Errorf("%s: verification passes", what)
		}
		if err := overdrawn(t, file); !errors.Is(err, creditledger.ErrCorrupt) {
			t.Errorf("%s: spent: %v", what, err)
		}
		r, err := bolt.Recover(t.Context(), file, file+".new")
		if err != nil || r.Whole() || !strings.Contains(fmt.Sprint(r.Open), "settings") {
			t.Errorf("%s: recovery says %v, %v", what, r, err)
		}
		if err := overdrawn(t, file+".new"); !errors.Is(err, creditledger.ErrCorrupt) {
			t.Errorf("%s: spent after a recovery: %v", what, err)
		}
		replaced(t, file+".new")
		if err := overdrawn(t, file+".new"); !errors.Is(err, creditledger.ErrInsufficientCredits) {
			t.Errorf("%s: spent when they are replaced: %v", what, err)
		}
	}
}

// replaced replaces the settings of a file, which verifies after that.
func replaced(t *testing.T, path string) {
	t.Helper()
	s := mustOpen(t, path, nil)
	l := creditledger.New(s, nil)
	_, err := l.ReplaceSettings(t.Context(), creditledger.Settings{Overdraft: creditledger.OverdraftReject})
	if err = errors.Join(err, l.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if err := noticed(t, path, nil); err != nil {
		t.Errorf("when they are replaced: %v", err)
	}
}

func flipped(data []byte, at int) []byte {
	data = bytes.Clone(data)
	data[at] ^= 1
	return data
}

// TestRecoverKeepsSettings: a recovery brings the settings over, and gives them another head
// where theirs is lost, of which it says so.
func TestRecoverKeepsSettings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	_, rows, _ := refusing(t, path)
	for _, lost := range []bool{false, true} {
		if lost {
			database(t, path, nil, func(tx *bbolt.Tx) error {
				for _, r := range rows {
					if strings.Contains(string(r.k), "settings_head") {
						return ledgerBucket(tx, "records").Delete(r.k)
					}
				}
				return errors.New("there is no head")
			})
		}
		to := fmt.Sprint(path, lost)
		r, err := bolt.Recover(t.Context(), path, to)
		if err != nil || strings.Contains(fmt.Sprint(r.Open), "settings") != lost {
			t.Fatalf("%+v, %v", r, err)
		}
		if err := noticed(t, to, nil); err != nil {
			t.Errorf("recovered: %v", err)
		}
		if err := overdrawn(t, to); !errors.Is(err, creditledger.ErrInsufficientCredits) {
			t.Errorf("recovered: %v", err)
		}
	}
}

// TestNoBitLosesTheSettings flips bits of a ledger that refuses debts, one at a time, those
// of every number of elements among them: none lets a debt be made.
func TestNoBitLosesTheSettings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	sound, _, _ := refusing(t, path)
	page := os.Getpagesize()
	sound = sound[:page*int(max(binary.NativeEndian.Uint64(sound[16+40:]), binary.NativeEndian.Uint64(sound[page+16+40:])))]
	var used []int // bytes that say something
	var bits [][2]int
	for at, b := range sound {
		if b != 0 {
			used = append(used, at)
		}
		if place := at % page; place == 10 || place == 11 {
			for bit := range 8 {
				bits = append(bits, [2]int{at, bit})
			}
		}
	}
	r := rand.New(rand.NewPCG(testseed.Of(t), 0))
	for range testsize.Of(100, 1000, 20_000) {
		bits = append(bits, [2]int{used[r.IntN(len(used))], r.IntN(8)})
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	put := func(at int, b byte) {
		t.Helper()
		if _, err := file.WriteAt([]byte{b}, int64(at)); err != nil {
			t.Fatal(err)
		}
	}
	opened := 0
	for _, b := range bits {
		put(b[0], sound[b[0]]^1<<b[1])
		s, err := bolt.Open(path, &bolt.Options{ReadOnly: true})
		if err == nil {
			l := creditledger.New(s, nil)
			if is, err := l.Settings(t.Context()); err == nil && is.Overdraft != creditledger.OverdraftReject {
				t.Errorf("bit %d of byte %d lost the settings", b[1], b[0])
			}
			if err := errors.Join(l.Close(), s.Close()); err != nil {
				t.Fatal(err)
			}
			opened++
		}
		put(b[0], sound[b[0]])
	}
	t.Logf("%d of %d files opened", opened, len(bits))
}
