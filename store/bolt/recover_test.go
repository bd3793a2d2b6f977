package bolt_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"go.etcd.io/bbolt"

	"creditledger"
	"creditledger/fuzz/testsize"
	"creditledger/store/bolt"
)

// longLedger makes a ledger whose log takes many pages, and returns its bytes and the
// seals of its accounts.
func longLedger(t *testing.T, path string) (data []byte, seals map[creditledger.AccountID][]creditledger.Seal) {
	t.Helper()
	s, err := bolt.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	bolt.SetFoldEvery(s, 64)
	ctx := context.Background()
	l := creditledger.New(s, &creditledger.Options{Clock: func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }})
	for _, customer := range []string{"ann", "bob", "cyd"} {
		if _, err := l.PutCustomer(ctx, creditledger.CustomerUpdate{ID: customer}); err != nil {
			t.Fatal(err)
		}
	}
	ids := []creditledger.AccountID{{Customer: "ann", Currency: "credits"}, {Customer: "bob", Currency: "USD"}, {Customer: "cyd", Currency: "credits"}}
	var pending []*creditledger.Pending
	for i := range 600 {
		p, err := l.Submit(ctx, ids[i%3], creditledger.Increment{Amount: creditledger.AmountOf(5), Description: strings.Repeat("d", 60)}, creditledger.Key(fmt.Sprint("k", i)))
		if err != nil {
			t.Fatal(err)
		}
		if pending = append(pending, p); len(pending) == 12 {
			for _, p := range pending {
				if _, err := p.Wait(ctx); err != nil {
					t.Fatal(err)
				}
			}
			pending = nil
		}
	}
	seals = map[creditledger.AccountID][]creditledger.Seal{}
	for _, id := range ids {
		records, err := s.Journal(ctx, id, 1, 1000, false)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			seals[id] = append(seals[id], creditledger.SealOf(r.Bytes))
		}
	}
	if err := errors.Join(l.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if data, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	return data, seals
}

// recovered holds a new file to the report about it and to the old history.
func recovered(t *testing.T, path string, r *bolt.Recovery, seals map[creditledger.AccountID][]creditledger.Seal) {
	t.Helper()
	s, err := bolt.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx := context.Background()
	l := creditledger.New(s, nil)
	if v, err := l.VerifyAll(ctx, nil); err != nil || v.Violation != nil {
		t.Fatalf("verify: %v %v", v.Violation, err)
	}
	for _, a := range r.Accounts {
		if !utf8.ValidString(a.Account.Customer) {
			continue
		}
		point, err := l.Checkpoint(ctx, a.Account)
		if err != nil || point.Version != a.Recovered || a.Recovered+a.SetAside+a.Lost != a.Version {
			t.Errorf("%+v, and the new file has %d: %v", a, point.Version, err)
		}
		if a.Recovered > 0 && point.Seal != seals[a.Account][a.Recovered-1] {
			t.Errorf("%v has another history", a.Account)
		}
		aside, err := l.Documents(ctx, bolt.SalvagedKind, a.Account.Customer+"/", "", creditledger.MaxPage)
		if err != nil || uint64(len(aside)) != a.SetAside {
			t.Errorf("%+v, and %d records are aside: %v", a, len(aside), err)
		}
		for _, record := range aside {
			rec, err := creditledger.DecodeRecord(record.Value)
			if err != nil || rec.Account != a.Account || creditledger.SealOf(record.Value) != seals[a.Account][rec.Seq-1] {
				t.Errorf("%s: set aside is something else: %v", record.Key, err)
			}
		}
	}
}

func TestRecover(t *testing.T) {
	dir := t.TempDir()
	sound, seals := longLedger(t, filepath.Join(dir, "sound.db"))
	page := os.Getpagesize()
	n := 0
	try := func(t *testing.T, data []byte) *bolt.Recovery {
		t.Helper()
		n++
		damaged, path := filepath.Join(dir, fmt.Sprintf("damaged-%d.db", n)), filepath.Join(dir, fmt.Sprintf("new-%d.db", n))
		if err := os.WriteFile(damaged, data, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := bolt.Recover(context.Background(), damaged, path)
		if err != nil {
			t.Fatal(err)
		}
		recovered(t, path, r, seals)
		if after, err := os.ReadFile(damaged); err != nil || !bytes.Equal(after, data) {
			t.Errorf("the damaged file was changed: %v", err)
		}
		return r
	}
	t.Run("sound", func(t *testing.T) {
		r := try(t, sound)
		if !r.Whole() || len(r.Accounts) != 3 || r.Accounts[0].Recovered != 200 || r.Records != 5 {
			t.Errorf("got %+v", r)
		}
		for _, a := range r.Accounts { // the name of one is as long as a number
			if a.Unproven {
				t.Errorf("%v is unproven, and its head is there", a.Account)
			}
		}
	})
	t.Run("without meta pages", func(t *testing.T) {
		data := bytes.Clone(sound)
		clear(data[:2*page])
		if r := try(t, data); len(r.Accounts) != 3 || r.Accounts[1].Recovered != 200 || r.Records != 5 {
			t.Errorf("got %+v", r)
		}
	})
	t.Run("one record flipped", func(t *testing.T) {
		data := bytes.Clone(sound)
		// The key of a record in the middle, wherever copies of it are.
		for at := 0; ; at++ {
			i := bytes.Index(data[at:], []byte("\x04k301"))
			if i < 0 {
				break
			}
			at += i
			data[at+1] ^= 0x80
		}
		r := try(t, data)
		if a := r.Accounts[1]; r.Whole() || a.Version != 200 || a.Recovered != 100 || a.SetAside != 99 || a.Lost != 1 {
			t.Errorf("got %+v", a)
		}
		if r.Accounts[0].Recovered != 200 || r.Accounts[2].Recovered != 200 {
			t.Errorf("the others: %+v", r.Accounts)
		}
	})
	t.Run("any page gone", func(t *testing.T) {
		random := rand.New(rand.NewPCG(1, 1))
		for range testsize.Of(5, 25, 200) {
			data := bytes.Clone(sound)
			at := random.IntN(len(sound)/page) * page
			clear(data[at:][:page])
			try(t, data)
		}
	})
	t.Run("cut short", func(t *testing.T) {
		pages := binary.NativeEndian.Uint64(sound[16+40:])
		if r := try(t, sound[:int(pages/2)*page+100]); r.Whole() || r.Unread == 0 {
			t.Errorf("half a file is called whole: %+v", r)
		}
	})
	for name, damage := range map[string]func(row []byte, key, front int){
		"the front of a row of the log": func(row []byte, key, front int) { row[key] ^= 0x55; row[key+1] ^= 0x55 },
		"the key of a row of the log":   func(row []byte, _, _ int) { row[0] ^= 0x55; row[7] ^= 0x55 },
	} {
		t.Run(name, func(t *testing.T) {
			data := bytes.Clone(sound)
			record := recordOf(t, filepath.Join(dir, "sound.db"), creditledger.AccountID{Customer: "bob", Currency: "USD"}, 101)
			front := frontOf(t, filepath.Join(dir, "sound.db"), creditledger.AccountID{Customer: "bob", Currency: "USD"}, 101)
			found := 0
			for at := 0; ; at += len(record) {
				i := bytes.Index(data[at:], record)
				if i < 0 {
					break
				}
				at += i
				damage(data[at-front-8-3:], 8, 3) // two numbers stand before that, of one byte and of two
				found++
			}
			if found == 0 {
				t.Fatal("the record is not in the file")
			}
			if a := try(t, data).Accounts[1]; a.Version != 200 || a.Recovered != 200 {
				t.Errorf("a record is dropped that is intact: %+v", a)
			}
		})
	}
	for _, nth := range []int{0, 1, 7, 8, 16} { // of its version, of its check, of its value
		t.Run(fmt.Sprintf("a record beside the journal altered in byte %d", nth), func(t *testing.T) {
			data := bytes.Clone(sound)
			key := []byte("\x08customerbob")
			if !bytes.Contains(data, key) {
				t.Fatal("there is none")
			}
			for at := 0; ; at += len(key) { // wherever copies of it are
				i := bytes.Index(data[at:], key)
				if i < 0 {
					break
				}
				at += i
				data[at+len(key)+nth] ^= 0x1b
			}
			if r := try(t, data); r.Whole() || r.Damaged != 1 || r.Records != 4 {
				t.Errorf("got %+v", r)
			}
		})
	}
}

// TestRecoverSaysWhatNothingProves: in a file that was not closed, the last record of an
// account may have its seal nowhere.
func TestRecoverSaysWhatNothingProves(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	s, err := bolt.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	bolt.Engage(t, s, 1<<20)
	mustNote(t, s)
	ctx := context.Background()
	l := creditledger.New(s, nil)
	for _, text := range []string{"first", "second"} {
		if _, err := l.Do(ctx, creditledger.AccountID{Customer: "ann"}, creditledger.Increment{Amount: creditledger.AmountOf(5), InvoiceID: text}, ""); err != nil {
			t.Fatal(err)
		}
	}
	crashed := crashed(t, s)
	if err := errors.Join(l.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	closed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, altered string
		file          []byte
		want          bolt.RecoveredAccount
	}{
		{"closed", "", closed, bolt.RecoveredAccount{Version: 2, Recovered: 2}},
		{"closed, last altered", "second", closed, bolt.RecoveredAccount{Version: 2, Recovered: 1, Lost: 1}},
		{"not closed", "", crashed, bolt.RecoveredAccount{Version: 2, Recovered: 2, Unproven: true}},
		{"not closed, last altered", "second", crashed, bolt.RecoveredAccount{Version: 2, Recovered: 2, Unproven: true}},
		{"not closed, first altered", "first", crashed, bolt.RecoveredAccount{Version: 2, SetAside: 2}},
	} {
		data := bytes.Clone(c.file)
		if c.altered != "" {
			data = bytes.ReplaceAll(data, []byte(c.altered), []byte(strings.ToUpper(c.altered)))
		}
		damaged := filepath.Join(dir, c.name)
		if err := os.WriteFile(damaged, data, 0o600); err != nil {
			t.Fatal(err)
		}
		c.want.Account = creditledger.AccountID{Customer: "ann", Currency: "credits"}
		r, err := bolt.Recover(ctx, damaged, damaged+".new")
		if err != nil || len(r.Accounts) != 1 || r.Accounts[0] != c.want {
			t.Errorf("%s: %+v %v, and not %+v", c.name, r, err, c.want)
		}
	}
}

// TestRecoverMissesRowsOfTheLog: in a file that was not closed a row of the log may be all
// that knew of the last record of an account.
func TestRecoverMissesRowsOfTheLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	s := mustOpen(t, path, nil)
	bolt.Engage(t, s, 1<<20)
	mustNote(t, s)
	l := creditledger.New(s, nil)
	for _, text := range []string{"first", "second"} {
		if _, err := l.Do(t.Context(), creditledger.AccountID{Customer: "ann"}, creditledger.Increment{Amount: creditledger.AmountOf(5), InvoiceID: text}, ""); err != nil {
			t.Fatal(err)
		}
	}
	err := os.WriteFile(path+".damaged", bytes.ReplaceAll(crashed(t, s), []byte("\x06second"), []byte("\xffsecond")), 0o600)
	if err := errors.Join(err, l.Close()); err != nil {
		t.Fatal(err)
	}
	r, err := bolt.Recover(t.Context(), path+".damaged", path+".new")
	if err != nil || r.Whole() || len(r.Accounts) != 1 || r.Accounts[0].Recovered != 1 {
		t.Errorf("the last of two rows is unreadable: %+v, %v", r, err)
	}
}

// TestRecoverLeavesOutBadNames: what stands under a name that nothing can have is counted
// as lost, and keeps nothing else from being recovered.
func TestRecoverLeavesOutBadNames(t *testing.T) {
	dir := t.TempDir()
	sound, seals := longLedger(t, filepath.Join(dir, "sound.db"))
	data := bytes.ReplaceAll(sound, []byte("bob"), []byte("b\xffb"))
	damaged, path := filepath.Join(dir, "damaged.db"), filepath.Join(dir, "new.db")
	if err := os.WriteFile(damaged, data, 0o600); err != nil {
		t.Fatal(err)
	}
	database(t, damaged, nil, func(tx *bbolt.Tx) error { // no record is as long, and one of layout 1 has no check
		return ledgerBucket(tx, "records").Put([]byte("\x04noten"), append(binary.BigEndian.AppendUint64(nil, 3), make([]byte, 1<<21)...))
	})
	r, err := bolt.Recover(t.Context(), damaged, path)
	if err != nil {
		t.Fatal(err)
	}
	recovered(t, path, r, seals)
	var lost uint64
	for _, a := range r.Accounts {
		lost += a.Lost
	}
	if len(r.Accounts) != 3 || lost != 200 || r.Whole() || r.Damaged != 2 || r.Records != 4 {
		t.Errorf("got %+v", r)
	}
}

func TestRecoverRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	filled(t, path)
	ctx := context.Background()
	noise := filepath.Join(dir, "noise.db")
	if err := os.WriteFile(noise, bytes.Repeat([]byte("noise"), 20_000), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := bolt.Recover(ctx, noise, filepath.Join(dir, "new.db")); !errors.Is(err, creditledger.ErrCorrupt) {
		t.Errorf("noise: %v", err)
	}
	if _, err := bolt.Recover(ctx, path, noise); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file: %v", err)
	}
	s, err := bolt.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := bolt.Recover(ctx, path, filepath.Join(dir, "new.db")); !errors.Is(err, creditledger.ErrLocked) {
		t.Errorf("of an open file: %v", err)
	}
}

// recordOf reads a journal record of a ledger that nobody has open.
func recordOf(t *testing.T, path string, id creditledger.AccountID, seq uint64) []byte {
	t.Helper()
	s := mustOpen(t, path, &bolt.Options{ReadOnly: true})
	records, err := s.Journal(t.Context(), id, seq, 1, false)
	if err != nil || len(records) != 1 {
		t.Fatal(records, err)
	}
	mustClose(t, s)
	return records[0].Bytes
}
