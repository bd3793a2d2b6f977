//go:build linux

package crash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.etcd.io/bbolt"

	"creditledger"
	"creditledger/fuzz/results"
	"creditledger/store/bolt"
)

// firstWrite is what bbolt writes first into a new file: four pages.
func firstWrite(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(scratch(t), "new.db")
	db, err := bbolt.Open(path, 0o600, nil)
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return read(t, path)[:4*pageSize]
}

// TestCreation: a creation that is cut off leaves no file that cannot be opened, because
// nothing has the ledger's name before it is whole on the disk. If such a torn file comes
// from elsewhere, it is refused and crashes nothing.
func TestCreation(t *testing.T) {
	run := results.Start(t, "creation cut off")
	whole := firstWrite(t)
	var torn [][]byte
	for subset := range 1 << 4 {
		state := make([]byte, len(whole))
		for page := range 4 {
			if subset&(1<<page) != 0 {
				copy(state[page*pageSize:], whole[page*pageSize:][:pageSize])
			}
		}
		torn = append(torn, state)
	}
	for cut := 0; cut <= len(whole); cut += 512 {
		torn = append(torn, whole[:cut])
	}
	for i, state := range torn {
		dir := scratch(t)
		path := filepath.Join(dir, "ledger.db")
		// A cut leaves this: the torn file under a temporary name.
		if err := os.WriteFile(filepath.Join(dir, ".ledger.db.new-1"), state, 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, path)
		w := newWorld(s, script(1, 4))
		for n := range 4 {
			if _, err := w.do(n); err != nil && !refused(err) {
				t.Errorf("state %d: %v", i, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		run.Count("states", 1)

		// A cut never leaves this: a torn file under the ledger's own name.
		other := filepath.Join(dir, "other.db")
		if err := os.WriteFile(other, state, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := bolt.Open(other, nil)
		switch {
		case err == nil:
			s.Close()
		case errors.Is(err, creditledger.ErrCorrupt):
			run.Count("refused under the ledger's name", 1)
		default:
			t.Errorf("state %d under the ledger's name: %v", i, err)
		}
	}
	if run.Get("refused under the ledger's name") == 0 {
		t.Error("no torn state was unusable: the test tests nothing")
	}
}

// TestTruncated cuts a ledger at every 512 bytes. What is left is refused, or is the whole
// ledger.
func TestTruncated(t *testing.T) {
	whole, _, since, history := original(t, scratch(t), closed)
	file := whole.ledger
	job := &damageJob{since, history, *seeded}
	path := filepath.Join(scratch(t), "cut.db")
	for end := 0; end < len(file); end += 512 {
		if err := os.WriteFile(path, file[:end], 0o600); err != nil {
			t.Fatal(err)
		}
		if verdict := judge(path, job, false); verdict != "refused" {
			t.Errorf("cut at %d of %d: %s", end, len(file), verdict)
		}
	}
}

// TestPathReplaced: a store whose path names another file, or none, writes nothing
// more, and writes again once its file is back.
func TestPathReplaced(t *testing.T) {
	dir := scratch(t)
	path, aside := fresh(t, dir, "ledger.db"), filepath.Join(dir, "aside.db")
	s := open(t, path)
	defer s.Close()
	l := creditledger.New(s, nil)
	grant := func() error {
		_, err := l.Do(context.Background(), creditledger.AccountID{Customer: "c"}, creditledger.Increment{Amount: creditledger.AmountOf(1)}, "")
		return err
	}
	moved := func(what string) {
		t.Helper()
		var file *bolt.FileError
		if err := grant(); !errors.As(err, &file) || errors.Is(err, creditledger.ErrOutcomeUnknown) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := os.Rename(path, aside); err != nil {
		t.Fatal(err)
	}
	moved("renamed away")
	copyFile(t, aside, path)
	moved("replaced by a copy")
	if err := errors.Join(os.Remove(path), os.Symlink(aside, path)); err != nil {
		t.Fatal(err)
	}
	moved("replaced by a link to it")
	if err := errors.Join(os.Remove(path), os.Rename(aside, path)); err != nil {
		t.Fatal(err)
	}
	if err := grant(); err != nil {
		t.Errorf("back again: %v", err)
	}
	verified(t, l, nil)
}

// TestBackupWhileReplaced takes a backup while the path names another file. The backup is
// of the ledger that is open, or it is an error.
func TestBackupWhileReplaced(t *testing.T) {
	dir := scratch(t)
	path := fresh(t, dir, "ledger.db")
	s := open(t, path)
	defer s.Close()
	steps := script(1, 40)
	w := newWorld(s, steps)
	for i := range steps {
		if _, err := w.do(i); err != nil && !refused(err) {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Rename(path, filepath.Join(dir, "aside.db")), os.WriteFile(path, []byte("another file"), 0o600)); err != nil {
		t.Fatal(err)
	}
	var backup bytes.Buffer
	if _, err := s.Backup(context.Background(), &backup); err != nil {
		return
	}
	restored := filepath.Join(dir, "restored.db")
	if err := bolt.Restore(context.Background(), &backup, restored); err != nil {
		t.Fatal(err)
	}
	r := open(t, restored)
	defer r.Close()
	verified(t, creditledger.New(r, nil), nil)
	if got := newWorld(r, steps).history(t); got != expected(t, steps) {
		t.Error("the backup has another history")
	}
}

// TestRecoverDamaged recovers damaged files. None crashes the process, and no account comes
// back with records that it never had.
func TestRecoverDamaged(t *testing.T) {
	run := results.Start(t, "damaged files recovered")
	run.Set("seed", *seeded)
	dir := scratch(t)
	whole, old, since, _ := original(t, dir, leftOpen)
	sound := filepath.Join(dir, "sound.db")
	if err := whole.write(sound); err != nil {
		t.Fatal(err)
	}
	s := open(t, sound)
	seals := map[creditledger.AccountID][]creditledger.Seal{}
	for _, p := range since {
		records, err := s.Journal(context.Background(), normal(p.Account), 1, 1<<20, false)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			seals[normal(p.Account)] = append(seals[normal(p.Account)], creditledger.SealOf(r.Bytes))
		}
	}
	s.Close()
	damaged, path := filepath.Join(dir, "damaged.db"), filepath.Join(dir, "new.db")
	for _, d := range slices.Concat(damages, logDamages) {
		for n := range max(2, states()/400) {
			r := rand.New(rand.NewPCG(*seeded+uint64(n), uint64(len(d.name))))
			if err := d.to(r, whole, old).write(damaged); err != nil {
				t.Fatal(err)
			}
			run.Count("files", 1)
			if err := recoverOne(damaged, path, seals, run); err != nil {
				t.Errorf("%s, seed %d: %v", d.name, *seeded+uint64(n), err)
			}
			os.Remove(path)
		}
	}
}

// sealAt is the seal of an account's record.
func sealAt(s *bolt.Store, id creditledger.AccountID, seq uint64) (seal creditledger.Seal, err error) {
	if seq == 0 {
		return seal, nil
	}
	records, err := s.Journal(context.Background(), id, seq, 1, false)
	if err == nil && len(records) == 0 {
		err = fmt.Errorf("%v has no record %d", id, seq)
	}
	if err != nil {
		return seal, err
	}
	return creditledger.SealOf(records[0].Bytes), nil
}

func recoverOne(damaged, path string, seals map[creditledger.AccountID][]creditledger.Seal, run *results.Run) error {
	report, err := bolt.Recover(context.Background(), damaged, path)
	if errors.Is(err, creditledger.ErrCorrupt) {
		run.Count("nothing left", 1)
		return nil
	}
	if err != nil {
		return err
	}
	s, err := bolt.Open(path, nil)
	if err != nil {
		return err
	}
	defer s.Close()
	l := creditledger.New(s, nil)
	v, err := l.VerifyAll(context.Background(), nil)
	if err != nil || v.Violation != nil {
		return fmt.Errorf("verify: %v %w", v.Violation, err)
	}
	run.Count("records that lost texts, noted and verified", int(v.Lost))
	if v.Lost > 0 && report.Whole() {
		return fmt.Errorf("called whole, and %d records have lost texts", v.Lost)
	}
	if report.Whole() {
		run.Count("called whole", 1)
	}
	recovered := map[creditledger.AccountID]uint64{}
	for _, a := range report.Accounts {
		recovered[a.Account] = a.Recovered
		run.Count("records recovered", int(a.Recovered))
		run.Count("records set aside", int(a.SetAside))
		run.Count("records lost", int(a.Lost))
		had, n := seals[a.Account], a.Recovered // the records after these note what was lost
		seal, err := sealAt(s, a.Account, n)
		if err != nil {
			return err
		}
		if a.Unproven && (n > uint64(len(had)) || seal != had[n-1]) {
			// The report says that the last record may be an altered one, and if it is the
			// first one too, that the account's name may be. It continues the others.
			run.Count("last records altered and called unproven", 1)
			n--
			if seal, err = sealAt(s, a.Account, n); err != nil {
				return err
			}
		}
		if n > uint64(len(had)) || n > 0 && seal != had[n-1] {
			return fmt.Errorf("%v has %d records of another history", a.Account, n)
		}
	}
	for id, had := range seals {
		if n := recovered[id]; report.Whole() && n < uint64(len(had)) && !slices.ContainsFunc(report.Accounts, func(a bolt.RecoveredAccount) bool { return a.Unproven && seals[a.Account] == nil }) {
			return fmt.Errorf("called whole, and %v has %d of its %d records", id, n, len(had))
		}
	}
	return nil
}
