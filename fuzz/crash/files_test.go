//go:build linux

package crash

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"testing"

	"creditledger"
)

// How a ledger is left.
const (
	closed    = "closed"
	leftOpen  = "left open"                    // in two files
	leftShort = "left open without a log file" // it did not live long enough
)

// files are the two files of a ledger at one moment. The log file is nil if there is none.
type files struct{ ledger, log []byte }

// filesAt reads the files of a ledger that nobody writes to.
func filesAt(t testing.TB, path string) (f files) {
	t.Helper()
	f.ledger = inUse(read(t, path))
	if _, err := os.Stat(path + "-log"); err == nil {
		f.log = read(t, path+"-log")
	}
	return f
}

func (f files) write(path string) error {
	err := os.WriteFile(path, f.ledger, 0o600)
	_ = os.Remove(path + "-log")
	if err == nil && f.log != nil {
		err = os.WriteFile(path+"-log", f.log, 0o600)
	}
	return err
}

func (f files) clone() files { return files{bytes.Clone(f.ledger), bytes.Clone(f.log)} }

// original makes a ledger, closed or as a crash leaves it, and says what it holds. old is
// the ledger some commits earlier.
func original(t testing.TB, dir, left string) (f, old files, since []creditledger.Checkpoint, history string) {
	t.Helper()
	steps := script(*seeded, 150)
	path := fresh(t, dir, fmt.Sprintf("original-%s.db", left))
	s := open(t, path)
	setFoldEvery(s, 40)
	if left == leftShort {
		*field[int](s, "logAfter") = math.MaxInt
	}
	atRest := func() files { // nobody folds meanwhile
		folding := *field[chan struct{}](s, "folding")
		folding <- struct{}{}
		defer func() { <-folding }()
		return filesAt(t, path)
	}
	w := newWorld(s, steps)
	for i := range steps {
		if i == len(steps)-12 {
			old = atRest()
		}
		if _, err := w.do(i); err != nil && !refused(err) {
			t.Fatal(err)
		}
	}
	w.history(t) // which sweeps, as whoever looks at the file does: the last commit is none that comes by itself
	last := creditledger.Increment{Amount: creditledger.AmountOf(1), Repay: creditledger.RepayNever}
	if _, err := w.l.Do(context.Background(), creditledger.AccountID{Customer: "customer-2"}, last, "last"); err != nil {
		t.Fatal(err)
	}
	history = w.history(t)
	for c := range 4 {
		point, err := w.l.Checkpoint(context.Background(), creditledger.AccountID{Customer: fmt.Sprintf("customer-%d", c)})
		if err != nil {
			t.Fatal(err)
		}
		since = append(since, point)
	}
	f = atRest()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left == closed {
		f = filesAt(t, path)
	}
	if (f.log != nil) != (left == leftOpen) {
		t.Fatalf("%s: the log file has %d bytes", left, len(f.log))
	}
	return f, old, since, history
}

// inUse cuts a file off after its last page in use, because damage after it would have no
// effect.
func inUse(file []byte) []byte {
	pages := uint64(0)
	for _, meta := range [][]byte{file, file[pageSize:]} {
		pages = max(pages, binary.NativeEndian.Uint64(meta[16+40:]))
	}
	return file[:pages*pageSize]
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
