package bolt_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"creditledger"
	"creditledger/store/bolt"
)

// TestRecoverNotesTextsThatAreLost: a text that is not the one sealed is left out, and the
// record is not; the new file verifies, and says how many records lost a text. It does not
// matter whether the text is damaged or what stands before it.
func TestRecoverNotesTextsThatAreLost(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	s := mustOpen(t, path, nil)
	l := creditledger.New(s, nil)
	say := func(text string) creditledger.Increment {
		return creditledger.Increment{Amount: creditledger.AmountOf(5), Description: text}
	}
	for _, op := range []creditledger.Operation{
		say("first"), say("second"), say(""), say("third"), say("fourth"), say("forgotten"),
		creditledger.Batch{say("fifth"), say("sixth"), say("seventh")}, say("eighth"),
	} {
		if _, err := l.Do(t.Context(), ann, op, ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.Erase(t.Context(), ann.Customer, creditledger.Erasure{Currency: ann.Currency, Entry: 6}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	alter := func(old, by string) func([]byte) []byte {
		return func(data []byte) []byte {
			if !bytes.Contains(data, []byte(old)) {
				t.Fatalf("%q is not in the file", old)
			}
			return bytes.ReplaceAll(data, []byte(old), []byte(by))
		}
	}
	for _, c := range []struct {
		name        string
		damage      []func([]byte) []byte
		texts, lost uint64 // operations, records
		entries     []int
		noted       uint64 // records of the journal that note it
	}{
		{"nothing", nil, 0, 0, []int{6}, 0},
		{"a text", []func([]byte) []byte{alter("second", "secund")}, 1, 1, []int{2, 6}, 1},
		{"texts apart and in a row", []func([]byte) []byte{alter("second", "secund"), alter("third", "thurd"), alter("eighth", "eughth")}, 3, 3, []int{2, 4, 6, 10}, 2},
		{"the texts of a batch", []func([]byte) []byte{alter("sixth", "suxth")}, 3, 1, []int{6, 7, 8, 9}, 1},
		{"the mark before a text", []func([]byte) []byte{func(data []byte) []byte {
			at := bytes.Index(data, []byte("second"))
			for _, row := range allOf(data, data[at-19:at+6]) { // salt and text, behind version, number and index
				data[row-2]++ // the size
			}
			return data
		}}, 1, 1, []int{2, 6}, 1},
	} {
		data := bytes.Clone(file)
		for _, damage := range c.damage {
			data = damage(data)
		}
		damaged := filepath.Join(dir, c.name)
		if err := os.WriteFile(damaged, data, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := bolt.Recover(t.Context(), damaged, damaged+".new")
		if err != nil || r.Whole() != (c.texts == 0) || r.Damaged != 0 || len(r.Accounts) != 1 || r.Accounts[0].Recovered != 9 || r.Accounts[0].Texts != c.texts {
			t.Errorf("%s: %+v, %v", c.name, r, err)
			continue
		}
		s := mustOpen(t, damaged+".new", nil)
		l := creditledger.New(s, nil)
		v, err := l.VerifyAll(t.Context(), nil)
		if err != nil || v.Violation != nil || v.Lost != c.lost || v.Erased != 1 || v.Records != 9+c.noted {
			t.Errorf("%s: %+v, %v, %v", c.name, v, v.Violation, err)
		}
		page, err := l.Entries(t.Context(), ann, creditledger.EntriesQuery{Ascending: true})
		var gone []int
		for i := range page.Entries {
			if page.Entries[i].Erased {
				gone = append(gone, i+1)
			}
		}
		if err != nil || !slices.Equal(gone, c.entries) {
			t.Errorf("%s: of entries %v the text is gone, %v; want %v", c.name, gone, err, c.entries)
		}
		if again, err := l.NoteLoss(t.Context(), ann); err != nil || again != 0 {
			t.Errorf("%s: noted again: %d, %v", c.name, again, err)
		}
		if err := errors.Join(l.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	}
}

// allOf is where a needle stands in data.
func allOf(data, needle []byte) (at []int) {
	needle = bytes.Clone(needle)
	for from := 0; ; from += len(needle) {
		i := bytes.Index(data[from:], needle)
		if i < 0 {
			return at
		}
		from += i
		at = append(at, from)
	}
}

// TestRecoverCountsTextsOfRecordsSetAside: records are set aside without what they say, and
// the report says of how many operations.
func TestRecoverCountsTextsOfRecordsSetAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	s := mustOpen(t, path, nil)
	l := creditledger.New(s, nil)
	for _, op := range []creditledger.Increment{{InvoiceID: "first"}, {Description: "second"}, {}, {Metadata: map[string]string{"third": "3"}}} {
		op.Amount = creditledger.AmountOf(5)
		if _, err := l.Do(t.Context(), ann, op, ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(l.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path+".damaged", bytes.ReplaceAll(file, []byte("first"), []byte("furst")), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	r, err := bolt.Recover(t.Context(), path+".damaged", path+".new")
	want := bolt.RecoveredAccount{Account: ann, Version: 4, SetAside: 3, Lost: 1, Texts: 2}
	if err != nil || len(r.Accounts) != 1 || r.Accounts[0] != want {
		t.Errorf("%+v, %v; want %+v", r, err, want)
	}
}

// TestRecoverGoesByTheLedgersSettings: what falls due while losses are noted is written as the
// settings of the damaged ledger say, which are in the new one by then.
func TestRecoverGoesByTheLedgersSettings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	s := mustOpen(t, path, nil)
	at := time.Date(2020, time.January, 1, 0, 0, 0, 0, time.UTC)
	l := creditledger.New(s, &creditledger.Options{Clock: func() time.Time { return at }, Settings: creditledger.Settings{Settlement: time.Hour}})
	op := creditledger.Increment{Amount: creditledger.AmountOf(5), Description: "second", ExpiresAt: creditledger.At(at.Add(time.Minute))}
	if _, err := l.Do(t.Context(), ann, op, ""); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path+".damaged", bytes.ReplaceAll(file, []byte("second"), []byte("secund")), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	r, err := bolt.Recover(t.Context(), path+".damaged", path+".new")
	if err != nil || len(r.Accounts) != 1 || r.Accounts[0].Texts != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	s = mustOpen(t, path+".new", nil)
	l = creditledger.New(s, nil)
	records, err := l.Journal(t.Context(), ann, 1, creditledger.MaxPage)
	if err != nil || len(records) != 3 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	expired, err := creditledger.DecodeRecord(records[1].Bytes)
	if err != nil || expired.Settlement != creditledger.Instant(time.Hour/time.Microsecond) {
		t.Errorf("the settlement window of what expired: %d µs, %v", expired.Settlement, err)
	}
	if err := errors.Join(l.Close(), s.Close()); err != nil {
		t.Error(err)
	}
}
