package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"creditledger"
	"creditledger/store/bolt"
)

// TestHead: a head proves growth, and shows a file that was set back, whole as it is.
func TestHead(t *testing.T) {
	s := newSession(t)
	s.must("grant", "c", "10", "--block-id", "b")
	s.must("grant", "d", "10", "--currency", "USD")
	path := filepath.Join(s.dir, "credits.db")
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s.must("spend", "c", "3")
	head := s.must("head")
	if strings.Count(head, "\n") != 2 || !strings.Contains(head, `{"customer_id":"c","currency":"credits","version":2,"seal":"`) {
		t.Errorf("head is\n%s", head)
	}
	file := write(t, s.dir, "head.jsonl", head)
	s.must("verify", "--since", file)
	s.must("spend", "c", "1")
	s.must("verify", "--since", file)
	s.must("verify", "c", "--since", file)

	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	s.must("verify")
	if _, stderr, status := s.run("verify", "--since", file); status != statusDamaged || !strings.Contains(stderr, "checkpoint") {
		t.Errorf("a file set back: status %d, %s", status, stderr)
	}
	s.must("spend", "c", "4")
	if _, stderr, status := s.run("verify", "--since", file); status != statusDamaged || !strings.Contains(stderr, "record 2") {
		t.Errorf("another history: status %d, %s", status, stderr)
	}
	for _, bad := range []string{"", "{}\n", head + "x\n", strings.Replace(head, `"seal":"`, `"seal":"z`, 1), strings.Repeat("x", 1<<20)} {
		if _, stderr, status := s.run("verify", "--since", write(t, s.dir, "bad.jsonl", bad)); status != statusUsage {
			t.Errorf("head %.40q: status %d, %s", bad, status, stderr)
		}
	}
	if _, stderr, status := s.run("verify", "--since", filepath.Join(s.dir, "missing")); status == 0 || status == statusDamaged {
		t.Errorf("a missing head: status %d, %s", status, stderr)
	}
}

// TestRecover: a file that cannot be opened is recovered, and what is lost is named.
func TestRecover(t *testing.T) {
	s := newSession(t)
	s.must("customer", "set", "c", "--name", "Cyd")
	for range 5 {
		s.must("grant", "c", "10", "--description", "a recognisable text")
	}
	path, saved := filepath.Join(s.dir, "credits.db"), filepath.Join(s.dir, "saved.db")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// No meta page is left: bbolt cannot know it.
	clear(data[:8192])
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, stderr, status := s.run("verify"); status != statusTrouble || !strings.Contains(stderr, "corrupt") {
		t.Errorf("verify: status %d, %s", status, stderr)
	}
	out, _, status := s.run("recover", path, saved) // all is there, and nothing shows that it is
	if status != statusDamaged || !strings.Contains(out, "c         credits           5          0     0") || !strings.Contains(out, "Not proven: the meta pages lead nowhere") {
		t.Errorf("recover says, status %d\n%s", status, out)
	}
	s.must("verify", "--db", saved)
	if out := s.must("customer", "show", "c", "--db", saved); !strings.Contains(out, "Cyd") {
		t.Errorf("the customer is\n%s", out)
	}
	if _, stderr, status := s.run("recover", path, saved); status != statusUsage || !strings.Contains(stderr, "choose another name") {
		t.Errorf("over a file: status %d, %s", status, stderr)
	}
	if _, stderr, status := s.run("recover", path, path); status != statusUsage {
		t.Errorf("over itself: status %d, %s", status, stderr)
	}

	// As a crash leaves it: the last spend stands in the log and nowhere else.
	store, err := bolt.Open(saved, nil)
	if err != nil {
		t.Fatal(err)
	}
	l := creditledger.New(store, nil)
	var log []byte
	for err == nil && len(bytes.Trim(log[min(4096, len(log)):], "\x00")) == 0 { // until one is made and used
		_, err = l.Do(t.Context(), creditledger.AccountID{Customer: "c"}, creditledger.Decrement{Amount: creditledger.MustAmount("0.001")}, "")
		log, _ = os.ReadFile(saved + "-log")
	}
	crashed := filepath.Join(s.dir, "crashed.db")
	open, readErr := os.ReadFile(saved)
	if err := errors.Join(err, readErr, os.WriteFile(crashed, open, 0o600), os.WriteFile(crashed+"-log", log, 0o600), l.Close(), store.Close()); err != nil {
		t.Fatal(err)
	}
	out, _, status = s.run("recover", crashed, filepath.Join(s.dir, "again.db"))
	if status != statusDamaged || !strings.Contains(out, "and nothing proves that this was the last") {
		t.Errorf("recover says\n%s", out)
	}

	if err := os.Remove(crashed); err != nil {
		t.Fatal(err)
	}
	for target, says := range map[string]string{crashed + "-log": "is the log file of a ledger", crashed: "has commits that are not of this ledger file"} {
		if _, stderr, status := s.run("backup", "--force", target, "--db", saved); status == 0 || !strings.Contains(stderr, says) {
			t.Errorf("backup to %s: status %d, %s", target, status, stderr)
		}
	}

	damaged := bytes.Replace(data, []byte("a recognisable text"), []byte("another thing there"), -1)
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	out, stderr, status := s.run("recover", path, filepath.Join(s.dir, "less.db"), "--json")
	if status != statusDamaged || !strings.Contains(out, `"recovered":`) || !strings.Contains(stderr, "not everything") {
		t.Errorf("status %d\n%s%s", status, out, stderr)
	}
}

// TestVerifyStrayRows: rows that the journal knows nothing of are damage, an account's or
// nobody's.
func TestVerifyStrayRows(t *testing.T) {
	one, nine := "\x00\x00\x00\x00\x00\x00\x00\x01", "\x00\x00\x00\x00\x00\x00\x00\x09"
	for _, c := range []struct{ bucket, key, value, says string }{
		{"keys", one + "stray", one, `the ledger is not whole: c/credits: idempotency: the key "stray" is stored for record 1`},
		{"blockids", one + "stray", one, `the ledger is not whole: c/credits, block "stray": index: the id leads to block number 1`},
		{"keys", nine + "stray", one, `the ledger is not whole: the store: index: keys row "stray" is of account number 9`},
		{"due", nine + "c\x00\x01credits", "", "the ledger is not whole: c/credits: index: due row"},
	} {
		s := newSession(t)
		s.must("grant", "c", "10", "--block-id", "b")
		s.must("verify")
		db, err := bbolt.Open(filepath.Join(s.dir, "credits.db"), 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = db.Update(func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte("creditledger")).Bucket([]byte(c.bucket)).Put([]byte(c.key), []byte(c.value))
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if _, stderr, status := s.run("verify"); status != statusDamaged || !strings.Contains(stderr, c.says) {
			t.Errorf("%s: status %d, %s", c.says, status, stderr)
		}
	}
}

// TestVerifyMoney: verify proves the invoices and the customer balances too.
func TestVerifyMoney(t *testing.T) {
	s := newSession(t)
	s.must("grant", "d", "10")
	if out := s.must("verify"); strings.Contains(out, "invoice") {
		t.Errorf("without invoices verify says\n%s", out)
	}
	s.must("purchase", "c", "100", "--cost-basis", "0.20", "--net-terms", "30", "--auto-collection=true", "--invoice-currency", "USD", "--invoice-id", "inv")
	if out := s.must("verify"); !strings.Contains(out, "Whole: 1 invoice, 0 transactions of customer balances.\n") {
		t.Errorf("verify says\n%s", out)
	}
	if out := s.must("verify", "--json"); !strings.Contains(out, `{"op":"verify_invoices","ok":true,"invoices":1,"transactions":0}`) {
		t.Errorf("verify says\n%s", out)
	}
	if out := s.must("verify", "c"); strings.Contains(out, "invoice") {
		t.Errorf("of one account verify says\n%s", out)
	}

	store, err := bolt.Open(filepath.Join(s.dir, "credits.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	l := creditledger.New(store, nil)
	id := creditledger.DocumentID{Kind: "invoice", Key: "inv"}
	rec, err := l.Document(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	altered := bytes.ReplaceAll(rec.Value, []byte(`"amount_due":"20.00`), []byte(`"amount_due":"19.00`))
	err = l.PutDocuments(t.Context(), []creditledger.DocumentPut{{DocumentID: id, Expect: rec.Version, Prev: rec.Seal(), Value: altered}})
	if err := errors.Join(err, l.Close(), store.Close()); err != nil {
		t.Fatal(err)
	}
	if _, stderr, status := s.run("verify"); status != statusDamaged || !strings.Contains(stderr, "the amount due is 19.00 USD") {
		t.Errorf("status %d, %s", status, stderr)
	}
	if out, _, status := s.run("verify", "--json"); status != statusDamaged || !strings.Contains(out, `"op":"verify_invoices","ok":false`) {
		t.Errorf("status %d, %s", status, out)
	}
}
