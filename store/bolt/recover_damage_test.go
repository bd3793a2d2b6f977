package bolt_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"creditledger"
	"creditledger/store/bolt"
)

// TestRecoverCallsNothingWholeThatIsNot zeroes each page of a ledger, and each page but
// for its first bytes: what is called whole has everything.
func TestRecoverCallsNothingWholeThatIsNot(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	s := mustOpen(t, path, nil)
	ctx := t.Context()
	const customers, accounts = 120, 12
	var puts []creditledger.DocumentPut
	for i := range customers {
		puts = append(puts, creditledger.DocumentPut{DocumentID: creditledger.DocumentID{Kind: "invoice", Key: fmt.Sprintf("inv_%03d", i)}, Value: bytes.Repeat([]byte("i"), 100)})
	}
	if err := s.Commit(ctx, []creditledger.Change{{Documents: puts}}); err != nil {
		t.Fatal(err)
	}
	for i := range accounts {
		if err := grant(t, s, creditledger.AccountID{Customer: fmt.Sprintf("cus_%03d", i), Currency: "credits"}, "k"); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, s)
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := os.Getpagesize()
	wholes, doubts := 0, 0
	used := int(max(binary.NativeEndian.Uint64(sound[16+40:]), binary.NativeEndian.Uint64(sound[page+16+40:])))
	for at := 0; at < used*page; at += page {
		for _, keep := range []int{0, 32} {
			data := bytes.Clone(sound)
			clear(data[at+keep:][:page-keep])
			damaged := filepath.Join(dir, fmt.Sprintf("%d-%d.db", at/page, keep))
			if err := os.WriteFile(damaged, data, 0o600); err != nil {
				t.Fatal(err)
			}
			r, err := bolt.Recover(ctx, damaged, damaged+".new")
			if err != nil {
				t.Fatalf("page %d: %v", at/page, err)
			}
			recovered := 0
			for _, a := range r.Accounts {
				if a.Recovered == 1 {
					recovered++
				}
			}
			if all := recovered == accounts && r.Records == customers+2; r.Whole() && !all {
				t.Errorf("page %d from byte %d on: called whole, with %d of %d accounts and %d of %d records", at/page, keep, recovered, accounts, r.Records, customers+2) // the settings and their head, too
			}
			if r.Whole() {
				wholes++
			} else if len(r.Open) > 0 {
				doubts++
			}
		}
	}
	t.Logf("%d called whole, of %d something is open", wholes, doubts)
	if wholes == 0 || doubts == 0 {
		t.Error("all are called alike")
	}
}

// TestRecoverCallsNothingWholeThatOpenRefuses: a row of the log cut off its end, of a file
// that was not closed, leaves no trace but the number of the last one; a meta page put back
// none but a freelist that is none. What opening refuses the file for stands in the report.
func TestRecoverCallsNothingWholeThatOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	s := mustOpen(t, path, nil)
	mustGrant(t, s, ann, 20)
	bolt.Engage(t, s, 1<<20)
	earlier, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	mustGrantKey(t, s, 100)
	mustGrant(t, s, bob, 20)
	crashed := crashed(t, s)
	mustClose(t, s)
	page := os.Getpagesize()
	metas := func(data []byte) []byte {
		data = bytes.Clone(data)
		copy(data, earlier[:2*page])
		return data
	}
	for name, data := range map[string][]byte{"the last row of the log cut off": cutRow(t, filepath.Join(dir, "cut.db"), crashed), "both meta pages as they were": metas(crashed)} {
		damaged := filepath.Join(dir, name)
		if err := os.WriteFile(damaged, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := bolt.Open(damaged, nil); !errors.Is(err, creditledger.ErrCorrupt) {
			mustClose(t, s)
			t.Fatalf("%s: opened, %v", name, err)
		}
		r, err := bolt.Recover(t.Context(), damaged, damaged+".new")
		if err != nil {
			t.Fatal(err)
		}
		if r.Whole() {
			t.Errorf("%s: called whole: %+v", name, r)
		}
	}
}

// cutRow takes the last row of the log out of a file.
func cutRow(t *testing.T, path string, data []byte) []byte {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	database(t, path, nil, func(tx *bbolt.Tx) error {
		k, _ := ledgerBucket(tx, "log").Cursor().Last()
		return ledgerBucket(tx, "log").Delete(bytes.Clone(k))
	})
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// frontOf is how many bytes of texts, with their mark and size, stand before a record.
func frontOf(t *testing.T, path string, id creditledger.AccountID, seq uint64) int {
	t.Helper()
	s := mustOpen(t, path, &bolt.Options{ReadOnly: true})
	defer mustClose(t, s)
	records, err := s.Journal(t.Context(), id, seq, 1, false)
	if err != nil || len(records) != 1 {
		t.Fatal(records, err)
	}
	if len(records[0].Texts) == 0 {
		return 0
	}
	return 1 + len(binary.AppendUvarint(nil, uint64(len(records[0].Texts)))) + len(records[0].Texts)
}
