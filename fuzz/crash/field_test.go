//go:build linux

package crash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"creditledger"
	"creditledger/store/bolt"
)

// These are failures of embedded stores that other projects met, under their numbers in
// docs/reliability/field.md. Those that another test covers are not repeated.

// The file may not grow any further, so mapping it anew fails. That is an error and no
// panic, and the ledger works again when there is room.
func TestField_05_GrowthFails(t *testing.T) {
	path := fresh(t, scratch(t), "ledger.db")
	steps := script(*seeded, 80)
	s, err := bolt.Open(path, &bolt.Options{InitialMmapSize: -1})
	if err != nil {
		t.Fatal(err)
	}
	setFoldEvery(s, foldEvery)
	database(s).MaxSize = 80_000
	w := newWorld(s, steps)
	failed := false
	for i := range steps {
		if _, err := w.do(i); err != nil && !refused(err) {
			if !failed && !errors.Is(err, creditledger.ErrOutcomeUnknown) && errors.Is(err, creditledger.ErrCorrupt) {
				t.Errorf("step %d: %v", i, err)
			}
			failed = true
		}
	}
	if !failed {
		t.Fatal("the file never reached its limit")
	}
	w.l.Close()
	_ = s.Close()
	s = open(t, path)
	defer s.Close()
	w = newWorld(s, steps)
	verified(t, w.l, nil)
	for i := range steps {
		if _, err := w.do(i); err != nil && !refused(err) {
			t.Fatalf("step %d with room again: %v", i, err)
		}
	}
	verified(t, w.l, nil)
}

// What a read returned does not change when the pages that it came from are reused, or when
// the file is closed.
func TestField_09_ReadsAreCopies(t *testing.T) {
	s := open(t, fresh(t, scratch(t), "ledger.db"))
	setFoldEvery(s, 2)
	ctx := context.Background()
	l := creditledger.New(s, nil)
	on := creditledger.AccountID{Customer: "c", Currency: creditledger.DefaultCurrency}
	grant := func(n int) {
		op := creditledger.Increment{Amount: creditledger.AmountOf(1), BlockID: fmt.Sprint("b", n), Metadata: map[string]string{"n": fmt.Sprint(n)}}
		if _, err := l.Do(ctx, on, op, ""); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 20 {
		grant(n)
	}
	records, err := s.Journal(ctx, on, 1, 20, false)
	if err != nil {
		t.Fatal(err)
	}
	blocks, err := s.Blocks(ctx, on, 1, 20)
	if err != nil {
		t.Fatal(err)
	}
	text := func() string { return fmt.Sprintf("%x %+v", records, blocks) }
	before := text()
	for n := range 100 {
		grant(100 + n)
	}
	if err := errors.Join(l.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if text() != before {
		t.Error("what was read has changed")
	}
}

// Commits and reads go on, and the file grows, while a backup is stuck half way.
func TestField_10_NothingWaitsForAReader(t *testing.T) {
	s := open(t, fresh(t, scratch(t), "ledger.db"))
	setFoldEvery(s, foldEvery)
	from, to := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		_, err := s.Backup(context.Background(), to)
		ended <- err
	}()
	if _, err := io.ReadFull(from, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		w := newWorld(s, script(*seeded, 300))
		for i := range w.steps {
			if _, err := w.do(i); err != nil && !refused(err) {
				t.Error(err)
				return
			}
		}
		verified(t, w.l, nil)
	}()
	select {
	case <-done:
	case <-time.After(2 * time.Minute):
		t.Fatal("commits wait for a backup")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	from.Close() // the backup is still in its write to us
	if err := <-ended; err == nil {
		t.Error("the backup ended well")
	}
}

// Values that no page could hold are refused before the store sees them.
func TestField_11_HugeValues(t *testing.T) {
	path := fresh(t, scratch(t), "ledger.db")
	s := open(t, path)
	defer s.Close()
	before := read(t, path)
	l := creditledger.New(s, nil)
	ctx := context.Background()
	huge := bytes.Repeat([]byte("x"), 1<<21)
	put := creditledger.DocumentPut{DocumentID: creditledger.DocumentID{Kind: "k", Key: "k"}, Value: huge}
	if err := l.PutDocuments(ctx, []creditledger.DocumentPut{put}); !errors.Is(err, creditledger.ErrInvalid) {
		t.Errorf("a huge record: %v", err)
	}
	put.Key, put.Value = string(huge), nil
	if err := l.PutDocuments(ctx, []creditledger.DocumentPut{put}); !errors.Is(err, creditledger.ErrInvalid) {
		t.Errorf("a huge key: %v", err)
	}
	op := creditledger.Increment{Amount: creditledger.AmountOf(1), Metadata: map[string]string{"k": string(huge)}}
	if _, err := l.Do(ctx, creditledger.AccountID{Customer: "c"}, op, ""); !errors.Is(err, creditledger.ErrInvalid) {
		t.Errorf("huge metadata: %v", err)
	}
	if _, err := l.Do(ctx, creditledger.AccountID{Customer: string(huge)}, creditledger.Increment{Amount: creditledger.AmountOf(1)}, ""); !errors.Is(err, creditledger.ErrInvalid) {
		t.Errorf("a huge customer id: %v", err)
	}
	if !bytes.Equal(read(t, path), before) {
		t.Error("something was written")
	}
}
