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
	"time"

	"creditledger"
	"creditledger/fuzz/testseed"
	"creditledger/fuzz/testsize"
	"creditledger/store/bolt"
)

// peopledLedger makes a ledger of customers, invoices and accounts, closed or as a crash
// leaves it, and returns its bytes, of the pages in use, and what it holds.
func peopledLedger(t *testing.T, r *rand.Rand, path string, closed bool) (file []byte, holds map[string]string) {
	t.Helper()
	s := mustOpen(t, path, nil)
	bolt.Engage(t, s, 1<<20)
	bolt.SetFoldEvery(s, 1+r.IntN(40))
	var random [32]byte
	binary.NativeEndian.PutUint64(random[:], r.Uint64())
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	l := creditledger.New(s, &creditledger.Options{
		Random: rand.NewChaCha8(random), // so that a seed gives the same bytes
		Clock:  func() time.Time { now = now.Add(time.Second); return now },
	})
	var err error
	for n := range 60 + r.IntN(60) {
		customer := fmt.Sprint("cus_", r.IntN(20))
		switch r.IntN(3) {
		case 0:
			name := fmt.Sprint("Ada ", n)
			_, err = l.PutCustomer(t.Context(), creditledger.CustomerUpdate{ID: customer, Name: &name})
		case 1:
			id := creditledger.DocumentID{Kind: "invoice", Key: fmt.Sprintf("inv_%03d", n)}
			err = l.PutDocuments(t.Context(), []creditledger.DocumentPut{{DocumentID: id, Value: []byte(strings.Repeat(fmt.Sprint(n), 1+r.IntN(100)))}})
		default:
			_, err = l.Do(t.Context(), creditledger.AccountID{Customer: customer, Currency: "credits"}, creditledger.Increment{Amount: creditledger.AmountOf(1), Description: strings.Repeat("d", r.IntN(100))}, "")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	holds = holdings(t, s)
	if !closed {
		file = crashed(t, s)
	}
	if err = errors.Join(err, l.Close(), s.Close()); err == nil && closed {
		file, err = os.ReadFile(path)
	}
	if err != nil {
		t.Fatal(err)
	}
	page := os.Getpagesize()
	return file[:page*int(max(binary.NativeEndian.Uint64(file[16+40:]), binary.NativeEndian.Uint64(file[page+16+40:])))], holds
}

// holdings are the end of each account and all records beside the journal.
func holdings(t *testing.T, s creditledger.Store) map[string]string {
	t.Helper()
	holds := map[string]string{}
	accounts, err := s.Accounts(t.Context(), creditledger.AccountID{}, creditledger.MaxPage)
	for _, id := range accounts {
		state, e := s.Load(t.Context(), id, nil)
		if err = errors.Join(err, e); e == nil {
			holds[id.String()] = fmt.Sprintf("%d %s %s", state.Head.Version, state.Head.Seal, state.Head.Total)
		}
	}
	for _, kind := range []string{"customer", "invoice", bolt.SalvagedKind} {
		records, e := s.Documents(t.Context(), kind, "", "", creditledger.MaxPage)
		err = errors.Join(err, e)
		for _, r := range records {
			holds[kind+" "+r.Key] = string(r.Value)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return holds
}

// damaged does to a file, once or twice, what disks and people do.
func damaged(r *rand.Rand, file []byte) (what string, _ []byte) {
	page := os.Getpagesize()
	for range 1 + r.IntN(2) {
		n := r.IntN(len(file) / page)
		p := file[n*page:][:page]
		switch r.IntN(6) {
		case 0, 1:
			what += fmt.Sprintf(" page %d is cleared,", n)
			clear(p)
		case 2:
			what += fmt.Sprintf(" page %d is cleared but for its header,", n)
			clear(p[16:])
		case 3:
			what += fmt.Sprintf(" page %d is another,", n)
			copy(p, file[r.IntN(len(file)/page)*page:][:page])
		case 4:
			what += fmt.Sprintf(" bytes of page %d are altered,", n)
			for range 1 + r.IntN(4) {
				p[r.IntN(page)] ^= byte(1 + r.IntN(255))
			}
		case 5:
			what += fmt.Sprintf(" a row of page %d is altered,", n)
			p[16+r.IntN(200)] ^= byte(1 + r.IntN(255))
		}
	}
	return what, file
}

// TestRandomDamageIsToldOf: of a damaged file that Recover calls whole, nothing is missing
// and nothing is otherwise but what it calls unproven; and what it says that it brought over
// is there.
func TestRandomDamageIsToldOf(t *testing.T) {
	r := rand.New(rand.NewPCG(testseed.Of(t), 6))
	dir := t.TempDir()
	wholes := 0
	for n := range testsize.Of(4, 8, 200) {
		closed := r.IntN(4) > 0
		file, holds := peopledLedger(t, r, filepath.Join(dir, fmt.Sprintf("%d.db", n)), closed)
		for m := range testsize.Of(6, 10, 20) {
			what, data := damaged(r, append([]byte(nil), file...))
			path := filepath.Join(dir, fmt.Sprintf("%d-%d.db", n, m))
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			report, err := bolt.Recover(t.Context(), path, path+".new")
			if err != nil {
				if !errors.Is(err, creditledger.ErrCorrupt) {
					t.Errorf("file %d (closed %v), where%s: %v", n, closed, what, err)
				}
				continue
			}
			s := mustOpen(t, path+".new", nil)
			got := holdings(t, s)
			mustClose(t, s)
			if report.Whole() {
				wholes++
				unproven := map[string]bool{} // what it says that nothing proves, a name too
				for _, a := range report.Accounts {
					_, known := holds[a.Account.String()]
					unproven[a.Account.String()] = a.Unproven
					unproven[""] = unproven[""] || a.Unproven && !known
				}
				for name, value := range holds {
					if got[name] != value && !unproven[name] && !(got[name] == "" && unproven[""]) {
						t.Errorf("file %d (closed %v), where%s is called whole: %s is %q, and was %q", n, closed, what, name, got[name], value)
					}
				}
			}
			for _, a := range report.Accounts {
				var version uint64 // beyond what was recovered there are notes of lost texts
				_, _ = fmt.Sscan(got[a.Account.String()], &version)
				if version < a.Recovered || version > a.Recovered && a.Texts == 0 || a.Recovered+a.SetAside+a.Lost != a.Version {
					t.Errorf("file %d, where%s: the report says %+v, and the new file has %s", n, what, a, got[a.Account.String()])
				}
			}
		}
	}
	t.Logf("%d are called whole", wholes)
}

// TestRecoverTellsOfWhatNothingLeadsTo: beside damaged trees a page may be lost to which
// nothing leads any more, because what named its bucket is damaged, too.
func TestRecoverTellsOfWhatNothingLeadsTo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	data, _ := peopledLedger(t, rand.New(rand.NewPCG(1, 6)), path, true)
	page := os.Getpagesize()
	lost := 0
	for from := 0; ; from += page { // leaves with records beside the journal, as they are and were
		at := bytes.Index(data[from:], []byte("\x07invoice"))
		if at < 0 {
			break
		}
		from = (from + at) / page * page
		clear(data[from:][:page])
		lost++
	}
	named := allOf(data, []byte("records"))
	if lost == 0 || len(named) == 0 {
		t.Fatal("there are none")
	}
	for _, alter := range []func(at int){
		func(at int) { data[at+6]++ }, // its name
		func(at int) { data[at+6]--; binary.NativeEndian.PutUint64(data[at+7:], 0) }, // the page it begins at
	} {
		for _, at := range named {
			alter(at)
		}
		damaged := path + fmt.Sprint(data[named[0]+6])
		if err := os.WriteFile(damaged, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if r, err := bolt.Recover(t.Context(), damaged, damaged+".new"); err != nil || r.Whole() {
			t.Errorf("called whole: %+v, %v", r, err)
		}
	}
}
