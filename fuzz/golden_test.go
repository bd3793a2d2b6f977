package fuzz_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cl "creditledger"
	"creditledger/fuzz"
	"creditledger/fuzz/results"
	"creditledger/store"
	"creditledger/store/bolt"
	"creditledger/store/memory"
	"creditledger/store/transfer"
)

// A ledger file of every layout that a release or this branch ever wrote is kept, with
// what it holds: whatever comes later has to open it, prove it and go on with it.
// Files are added, never replaced.
//
//	go test ./fuzz -run TestStoredFormats -write-format 2
var writeFormat = flag.Int("write-format", 0, "write the stored file of this layout, the present one")

const storedFormats = "testdata/golden"

// storedFile describes what is in a stored file.
type storedFile struct {
	Digest      string // of the accounts and customers: Digest
	Checkpoints []storedPoint
	Totals      []string          // of the accounts of the checkpoints, at storedUntil
	Records     map[string]string // of an upper layer, kind "note"
}

// storedPoint is a checkpoint in a form for reading.
type storedPoint struct {
	Customer, Currency, Seal string
	Version                  uint64
}

func (p storedPoint) account() cl.AccountID {
	return cl.AccountID{Customer: p.Customer, Currency: p.Currency}
}

func (f *storedFile) since(t *testing.T) (list []cl.Checkpoint) {
	t.Helper()
	for _, p := range f.Checkpoints {
		point := cl.Checkpoint{Account: p.account(), Version: p.Version}
		if n, err := hex.Decode(point.Seal[:], []byte(p.Seal)); err != nil || n != len(point.Seal) {
			t.Fatalf("%s is no seal: %v", p.Seal, err)
		}
		list = append(list, point)
	}
	return list
}

var (
	storedAt    = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	storedUntil = storedAt.Add(40 * 24 * time.Hour)
	storedRetry = cl.Increment{Amount: cl.AmountOf(100), BlockID: "b1", ExpiresAt: cl.On(cl.DateOf(2027, 12, 28)), CostBasis: cl.MustCostBasis("0.20")}
)

// storedLedger opens a ledger at a fixed instant.
func storedLedger(t *testing.T, path string, now time.Time) (*cl.Ledger, *bolt.Store) {
	t.Helper()
	s, err := bolt.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	l := cl.New(s, &cl.Options{Clock: func() time.Time { return now }})
	return l, s
}

// writeStored makes a file with something of everything in it.
func writeStored(t *testing.T, format int) {
	t.Helper()
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "ledger.db")
	l, s := storedLedger(t, path, storedAt)
	zone, name, external := "America/Los_Angeles", "Ann", "ext_1"
	if _, err := l.PutCustomer(ctx, cl.CustomerUpdate{ID: "cus_1", Timezone: &zone, Name: &name, ExternalID: &external}); err != nil {
		t.Fatal(err)
	}
	one, two := cl.AccountID{Customer: "cus_1", Currency: "credits"}, cl.AccountID{Customer: "größe/x", Currency: "USD"}
	for i, c := range []struct {
		on cl.AccountID
		op cl.Operation
	}{
		{one, storedRetry},
		{one, cl.Increment{Amount: cl.MustAmount("12345678901234567890.123456789012345678"), BlockID: "b2", Priority: -7, Filters: []cl.Filter{{Operator: cl.FilterExcludes, Values: []string{"api"}}}, RequirePayment: true}},
		{one, cl.Increment{Amount: cl.AmountOf(5), BlockID: "b3", ExpiresAt: cl.At(storedAt.Add(time.Hour)), Metadata: map[string]string{"record_id": "rec_123"}}},
		{one, cl.Decrement{Amount: cl.MustAmount("0.5"), ItemID: "api", PriceID: "p", InvoiceID: "inv", Overdraft: cl.OverdraftStopAtZero, Description: "zwei\nZeilen"}},
		{one, cl.ExpirationChange{BlockID: "b1", Target: cl.On(cl.DateOf(2028, 12, 28)), Amount: cl.AmountOf(10), NewBlockID: "b4"}},
		{one, cl.Batch{cl.Void{BlockID: "b1", Amount: cl.AmountOf(5), Reason: cl.VoidRefund}, cl.Amendment{BlockID: "b3", Amount: cl.MustAmount("0.25")}, cl.Activation{BlockID: "b2"}}},
		{one, cl.Decrement{Amount: cl.AmountOf(2), Overdraft: cl.OverdraftReject, UsageAt: cl.InstantOf(storedAt), Description: "usage of February", Metadata: map[string]string{"run": "17"}}},
		{two, cl.Decrement{Amount: cl.AmountOf(7)}},
		{two, cl.Increment{Amount: cl.AmountOf(3), Repay: cl.RepayNever}},
	} {
		if _, err := l.Do(ctx, c.on, c.op, cl.Key(fmt.Sprint("key-", i))); err != nil {
			t.Fatal(err)
		}
	}
	note := cl.DocumentPut{DocumentID: cl.DocumentID{Kind: "note", Key: "n1"}, Value: []byte(`{"amount":"100"}`)}
	if err := l.PutDocuments(ctx, []cl.DocumentPut{note}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	l, s = storedLedger(t, path, storedUntil)
	defer s.Close()
	for n := range 60 { // commits go into the log file when there is one, which is made after 32
		for n == 40 && !exists(path+"-log") {
			time.Sleep(time.Millisecond)
		}
		if _, err := l.Do(ctx, two, cl.Increment{Amount: cl.AmountOf(1)}, cl.Key(fmt.Sprint("more-", n))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	file := storedFile{Records: map[string]string{"n1": string(note.Value)}}
	var err error
	if file.Digest, err = fuzz.Digest(ctx, s); err != nil {
		t.Fatal(err)
	}
	for _, on := range []cl.AccountID{one, two} {
		point, err := l.Checkpoint(ctx, on)
		if err != nil {
			t.Fatal(err)
		}
		balance, err := l.Balance(ctx, on, cl.BalanceQuery{})
		if err != nil {
			t.Fatal(err)
		}
		kept := storedPoint{on.Customer, on.Currency, point.Seal.String(), point.Version}
		file.Checkpoints, file.Totals = append(file.Checkpoints, kept), append(file.Totals, balance.Total.String())
	}
	text, errText := json.MarshalIndent(file, "", "\t")
	base := filepath.Join(storedFormats, fmt.Sprintf("bolt-%d-before", format))
	pack(t, path+"-log", base+".db-log.gz") // while it is open, as a crash leaves it
	pack(t, path, base+".db.gz")
	if err := errors.Join(l.Close(), s.Close(), errText, os.WriteFile(base+".json", append(text, '\n'), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// pack keeps a file.
func pack(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	_, err = z.Write(data)
	if err := errors.Join(err, z.Close(), os.WriteFile(to, packed.Bytes(), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// unpack writes a file that was kept.
func unpack(t *testing.T, from, to string) {
	t.Helper()
	f, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err := errors.Join(err, os.WriteFile(to, data, 0o600)); err != nil {
		t.Fatal(err)
	}
}

// readStored unpacks a stored file and reads what it should hold.
func readStored(t *testing.T, packed string) (path string, file storedFile) {
	t.Helper()
	base := packed[:strings.Index(packed, ".")]
	text, err := os.ReadFile(base + ".json")
	if err = errors.Join(err, json.Unmarshal(text, &file)); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "ledger.db")
	unpack(t, packed, path)
	if log := base + ".db-log.gz"; exists(log) {
		unpack(t, log, path+"-log")
	}
	return path, file
}

// TestStoredFormats: the file of every layout holds what it held, byte for byte, proves
// itself against checkpoints taken then, knows the keys of then, and is spent from.
func TestStoredFormats(t *testing.T) {
	if *writeFormat != 0 {
		writeStored(t, *writeFormat)
	}
	files, err := filepath.Glob(filepath.Join(storedFormats, "bolt-*.db.gz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no stored files: %v", err)
	}
	run := results.Start(t, "stored files of every layout")
	run.Set("files", len(files))
	for _, packed := range files {
		t.Run(filepath.Base(packed), func(t *testing.T) {
			path, file := readStored(t, packed)
			in := func(opts *bolt.Options) func() store.Store {
				return func() store.Store {
					s, err := bolt.Open(path, opts)
					if err != nil {
						t.Fatal(err)
					}
					return s
				}
			}
			holds(t, in(&bolt.Options{ReadOnly: true}), file)
			holds(t, in(nil), file)
			erasable(t, in(&bolt.Options{ReadOnly: true}), file)
			goesOn(t, in(nil), file)
		})
	}
}

// holds compares what a store holds with what it should hold.
func holds(t *testing.T, open func() store.Store, file storedFile) {
	t.Helper()
	ctx := context.Background()
	s := open()
	defer s.Close()
	l := cl.New(s, &cl.Options{Clock: func() time.Time { return storedUntil }})
	defer l.Close()
	if digest, err := fuzz.Digest(ctx, s); err != nil || digest != file.Digest {
		t.Errorf("it holds %s (%v), and held %s", digest, err, file.Digest)
	}
	if v, err := l.VerifyAll(ctx, &cl.VerifyOptions{Since: file.since(t)}); err != nil || v.Violation != nil || v.Accounts != uint64(len(file.Totals)) {
		t.Errorf("verify: %v, %v", v.Violation, err)
	}
	for i, point := range file.Checkpoints {
		if b, err := l.Balance(ctx, point.account(), cl.BalanceQuery{}); err != nil || b.Total.String() != file.Totals[i] {
			t.Errorf("%s: %s (%v), and held %s", point.account(), b.Total, err, file.Totals[i])
		}
	}
	for key, value := range file.Records {
		if r, err := l.Document(ctx, cl.DocumentID{Kind: "note", Key: key}); err != nil || string(r.Value) != value {
			t.Errorf("note %s: %q (%v), and was %q", key, r.Value, err, value)
		}
	}
	if c, err := l.Customer(ctx, "cus_1"); err != nil || c.Name != "Ann" || c.ExternalID != "ext_1" {
		t.Errorf("the customer: %+v, %v", c, err)
	}
}

// erasable copies a store. In the copy no text is under a seal, so all of it can be erased.
// Before and after that the copy verifies against the checkpoints of then.
func erasable(t *testing.T, open func() store.Store, file storedFile) {
	t.Helper()
	ctx := context.Background()
	from := open()
	defer from.Close()
	to := memory.New()
	for range 2 { // the second finds it complete
		if _, err := transfer.Copy(ctx, from, to, nil); err != nil {
			t.Fatal(err)
		}
	}
	l := cl.New(to, &cl.Options{Clock: func() time.Time { return storedUntil }})
	defer l.Close()
	proves := func() cl.Verification {
		v, err := l.VerifyAll(ctx, &cl.VerifyOptions{Since: file.since(t)})
		if err != nil || v.Violation != nil {
			t.Errorf("the copy: %v, %v", v.Violation, err)
		}
		return v
	}
	proves()
	done, err := l.Erase(ctx, "cus_1", cl.Erasure{})
	if err != nil || done.Operations == 0 || done.Blocks == 0 || done.Kept != 0 {
		t.Errorf("erased in the copy: %+v, %v", done, err)
	}
	if v := proves(); v.Erased != done.Operations {
		t.Errorf("%d records are erased, of %d operations", v.Erased, done.Operations)
	}
}

// goesOn repeats operations that were done then, and does a new one.
func goesOn(t *testing.T, open func() store.Store, file storedFile) {
	t.Helper()
	ctx := context.Background()
	on := file.Checkpoints[0].account()
	then := &cl.Options{Clock: func() time.Time { return storedUntil }}
	s := open()
	l := cl.New(s, then)
	if res, err := l.Do(ctx, on, storedRetry, "key-0"); err != nil || !res.Replayed || res.NewBlockID != "b1" {
		t.Errorf("the retry: %+v, %v", res, err)
	}
	if _, err := l.Do(ctx, on, cl.Decrement{Amount: cl.AmountOf(30), Overdraft: cl.OverdraftReject}, "new"); err != nil {
		t.Error(err)
	}
	note := cl.DocumentPut{DocumentID: cl.DocumentID{Kind: "note", Key: "n1"}, Expect: 1, Prev: cl.SealOf([]byte(file.Records["n1"])), Value: []byte("changed")}
	if err := l.PutDocuments(ctx, []cl.DocumentPut{note}); err != nil {
		t.Error(err)
	}
	if err := errors.Join(l.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	s = open()
	l = cl.New(s, then)
	defer s.Close()
	defer l.Close()
	if v, err := l.VerifyAll(ctx, &cl.VerifyOptions{Since: file.since(t)}); err != nil || v.Violation != nil {
		t.Errorf("verify after the new operation: %v, %v", v.Violation, err)
	}
	if r, err := l.Document(ctx, note.DocumentID); err != nil || string(r.Value) != "changed" || r.Version != 2 {
		t.Errorf("the note: %+v, %v", r, err)
	}
}
