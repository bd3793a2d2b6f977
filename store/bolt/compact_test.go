package bolt_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"creditledger"
	"creditledger/store/bolt"
)

// secret is what is said in erasedFile, in every text.
const secret = "Ada Lovelace of Marylebone"

// erasedFile makes a file in which much was said, in operations, blocks and a customer's
// record, and then erased. Unclosed, it is left as a crash would: not folded since.
func erasedFile(t *testing.T, closed bool) string {
	t.Helper()
	file := path(t)
	s := mustOpen(t, file, nil)
	l := creditledger.New(s, nil)
	about, name := map[string]string{"for": secret}, secret
	do := func(op creditledger.Operation) {
		if _, err := l.Do(t.Context(), ann, op, ""); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 50 {
		do(creditledger.Increment{Amount: creditledger.AmountOf(10), BlockID: fmt.Sprint("b", i), Metadata: about, Description: secret})
		do(creditledger.Decrement{Amount: creditledger.AmountOf(1), Description: secret})
	}
	if _, err := l.PutCustomer(t.Context(), creditledger.CustomerUpdate{ID: ann.Customer, Name: &name}); err != nil {
		t.Fatal(err)
	}
	mustClose(t, s) // so that it is in the tables
	s = mustOpen(t, file, nil)
	l = creditledger.New(s, nil)
	done, err := l.Erase(t.Context(), ann.Customer, creditledger.Erasure{Customer: true})
	if err != nil || done.Operations != 100 || done.Blocks != 50 {
		t.Fatalf("%+v, %v", done, err)
	}
	if closed {
		mustClose(t, s)
		return file
	}
	data, err := os.ReadFile(file)
	crashed := path(t)
	if err := errors.Join(err, os.WriteFile(crashed, data, 0o600)); err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
	return crashed
}

// says reports whether a file has the secret anywhere.
func says(t *testing.T, file string) bool {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(data, []byte(secret))
}

func erasedHolds(t *testing.T, file string) {
	t.Helper()
	s := mustOpen(t, file, nil)
	defer mustClose(t, s)
	v, err := creditledger.New(s, nil).VerifyAll(t.Context(), nil)
	if err != nil || v.Violation != nil || v.Erased != 100 || v.Blocks != 50 {
		t.Errorf("%+v, %v", v, err)
	}
}

// Rule: docs/semantics.md, "Erasure": nothing of what was erased is in a file that was
// compacted, whether it had been closed or not.
func TestCompactLeavesNothing(t *testing.T) {
	for _, closed := range []bool{true, false} {
		file := erasedFile(t, closed)
		if !says(t, file) {
			t.Fatal("the test shows nothing: no page that is not in use has it")
		}
		other := filepath.Join(t.TempDir(), "other.db")
		unchanged(t, file, func() {
			if err := bolt.Compact(file, other); err != nil {
				t.Fatal(err)
			}
		})
		if says(t, other) {
			t.Errorf("closed %t: a compacted copy has it", closed)
		}
		erasedHolds(t, other)
		before, after, err := bolt.CompactInPlace(t.Context(), file, nil)
		info, failed := os.Stat(file)
		if err != nil || failed != nil || after > before || info.Size() != after || info.Mode().Perm() != 0o600 {
			t.Errorf("closed %t: from %d to %d, %v, %v", closed, before, after, err, info)
		}
		if says(t, file) {
			t.Errorf("closed %t: the compacted file has it", closed)
		}
		erasedHolds(t, file)
		left, err := os.ReadDir(filepath.Dir(file))
		if err != nil || len(left) != 1 {
			t.Errorf("closed %t: beside it is left %v, %v", closed, left, err)
		}
	}
}

// Rule: docs/semantics.md, "Erasure": a backup holds nothing of what was erased before it.
func TestBackupLeavesNothing(t *testing.T) {
	file := erasedFile(t, true)
	s := mustOpen(t, file, nil)
	var copied bytes.Buffer
	n, err := s.Backup(t.Context(), &copied)
	if err != nil || n != int64(copied.Len()) {
		t.Fatalf("%d of %d, %v", n, copied.Len(), err)
	}
	mustClose(t, s)
	to := path(t)
	if err := bolt.Restore(t.Context(), bytes.NewReader(copied.Bytes()), to); err != nil {
		t.Fatal(err)
	}
	if !says(t, file) || says(t, to) {
		t.Errorf("the file has it: %t, the backup: %t", says(t, file), says(t, to))
	}
	erasedHolds(t, to)
}

// A file that is in use, or is none, is not touched.
func TestCompactRefuses(t *testing.T) {
	if _, _, err := bolt.CompactInPlace(t.Context(), filepath.Join(t.TempDir(), "none.db"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	file := path(t)
	s := mustOpen(t, file, nil)
	mustGrant(t, s, ann, 3)
	if _, _, err := bolt.CompactInPlace(t.Context(), file, &bolt.Options{LockTimeout: -1}); !errors.Is(err, creditledger.ErrLocked) {
		t.Errorf("in use: %v", err)
	}
	mustGrant(t, s, ann, 1)
	mustClose(t, s)
}
