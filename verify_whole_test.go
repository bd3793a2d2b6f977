package creditledger_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"creditledger"
	"creditledger/store/memory"
)

// eager is a store to which somebody writes before every read of the journal and every
// snapshot: faster than any verification.
type eager struct {
	creditledger.Store
	write func()
}

func (s *eager) Journal(ctx context.Context, id creditledger.AccountID, from uint64, limit int, reverse bool) ([]creditledger.JournalRecord, error) {
	s.write()
	return s.Store.Journal(ctx, id, from, limit, reverse)
}

func (s *eager) Snapshot(ctx context.Context, id creditledger.AccountID, f func(creditledger.Snapshot) error) error {
	s.write()
	s.write()
	return s.Store.Snapshot(ctx, id, func(snapshot creditledger.Snapshot) error {
		s.write()
		return f(snapshot)
	})
}

// TestVerifyEndsBesideAWriterThatNeverStops: and it has looked at everything that there
// was when it began.
func TestVerifyEndsBesideAWriterThatNeverStops(t *testing.T) {
	store := memory.New()
	writer := creditledger.New(store, nil)
	defer writer.Close()
	written := uint64(0)
	var mu sync.Mutex // accounts are verified beside each other
	s := &eager{Store: store, write: func() {
		mu.Lock()
		defer mu.Unlock()
		if _, err := writer.Do(ctx, cus1, creditledger.Batch{spend("1"), grant("", "2", expires("2036-06-01"))}, creditledger.Key(fmt.Sprint("k", written))); err != nil {
			t.Error(err)
		}
		written++
	}}
	s.write()
	l := creditledger.New(s, nil)
	defer l.Close()
	guard, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for _, size := range []int{1, 2, 1 << 15} { // records in a snapshot: fewer than are written meanwhile, as many, more
		restore := creditledger.SetSnapshotRecords(size)
		for name, verify := range map[string]func() (creditledger.Verification, error){
			"one": func() (creditledger.Verification, error) { return l.Verify(guard, cus1, nil) },
			"all": func() (creditledger.Verification, error) { return l.VerifyAll(guard, nil) },
		} {
			begun := written
			got, err := verify()
			if err != nil || got.Violation != nil || got.Records < begun || got.Records > written {
				t.Errorf("%s, %d: %+v, %v, %v; there were %d records, and are %d", name, size, got, got.Violation, err, begun, written)
			}
		}
		restore()
	}
}

// TestVerifyIsNotOKBesideAnError: what was not read to its end is not called whole.
func TestVerifyIsNotOKBesideAnError(t *testing.T) {
	broken := errors.New("disk on fire")
	for _, what := range []string{"snapshot", "load", "journal", "keys", "blocks", "block ids", "check", "accounts", "check strays"} {
		d := copyOf(t, history(t))
		d.fail = func(asked string) error {
			if asked == what {
				return broken
			}
			return nil
		}
		l := creditledger.New(d, nil)
		if got, err := l.VerifyAll(ctx, nil); got.Violation != nil || !errors.Is(err, broken) {
			t.Errorf("%s: %v, %v", what, got.Violation, err)
		}
		if got, err := l.Verify(ctx, d.id, nil); err != nil && got.Violation != nil {
			t.Errorf("%s of one account: %v, %v", what, got.Violation, err)
		}
		l.Close()
	}
	over, cancel := context.WithCancel(ctx)
	cancel()
	w := history(t)
	if got, err := w.VerifyAll(over, nil); got.Violation != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("a context that is over: %v, %v", got.Violation, err)
	}
}

// TestVerifyCountsRecordsBehindTheHead: a record that the head does not count is one too
// many, in its place or far from it.
func TestVerifyCountsRecordsBehindTheHead(t *testing.T) {
	w := history(t)
	for _, gap := range []uint64{1, 2, 1 << 40} {
		d := copyOf(t, w)
		last := d.journal[len(d.journal)-1]
		d.journal = append(d.journal, creditledger.JournalRecord{Seq: last.Seq + gap, Bytes: last.Bytes})
		checkViolation(t, d, fmt.Sprintf("a record %d behind the head", gap), last.Seq+1, "")
	}
	// One that would fit is none of the history either.
	d := copyOf(t, w)
	d.head = headBefore(t, d)
	got, err := d.verify(nil)
	if err != nil || got.Violation == nil || got.Violation.Record != uint64(len(d.journal)) || got.Violation.Rule != "sequence" {
		t.Errorf("the head as it was before: %v, %v", got.Violation, err)
	}
}

// headBefore is the head that the account had one record earlier.
func headBefore(t *testing.T, d *damaged) creditledger.Head {
	t.Helper()
	store := memory.New()
	copied := creditledger.New(store, nil)
	defer copied.Close()
	if err := copied.Import(ctx, cus1, d.journal[:len(d.journal)-1]); err != nil {
		t.Fatal(err)
	}
	state, err := store.Load(ctx, cus1, nil)
	if err != nil {
		t.Fatal(err)
	}
	return state.Head
}

// listing is a store that lists other accounts than it has.
type listing struct {
	creditledger.Store
	accounts []creditledger.AccountID
}

func (s listing) Accounts(_ context.Context, after creditledger.AccountID, limit int) ([]creditledger.AccountID, error) {
	at := slices.Index(s.accounts, after) + 1
	return s.accounts[at:min(len(s.accounts), at+limit)], nil
}

// TestVerifyAllProvesTheList: what is listed is there, in order, and once.
func TestVerifyAllProvesTheList(t *testing.T) {
	w := newWorld(t)
	for _, id := range []creditledger.AccountID{cus1, cus2} {
		if _, err := w.Do(ctx, id, grant("A", "1"), ""); err != nil {
			t.Fatal(err)
		}
	}
	nobody := creditledger.AccountID{Customer: "cus_3", Currency: "credits"}
	for _, c := range []struct {
		name string
		list []creditledger.AccountID
		says string
	}{
		{"as they are", []creditledger.AccountID{cus1, cus2}, ""},
		{"one twice", []creditledger.AccountID{cus1, cus1, cus2}, "cus_1/credits: accounts: it is listed after cus_1/credits"},
		{"not in order", []creditledger.AccountID{cus2, cus1}, "cus_1/credits: accounts: it is listed after cus_2/credits"},
		{"one that is not there", []creditledger.AccountID{cus1, cus2, nobody}, "cus_3/credits: accounts: it is listed, and nothing of it can be read"},
	} {
		l := creditledger.New(listing{w.store, c.list}, nil)
		got, err := l.VerifyAll(ctx, nil)
		if err != nil || (got.Violation == nil) != (c.says == "") || got.Violation != nil && !strings.Contains(got.Violation.String(), c.says) {
			t.Errorf("%s: %v, %v; want %q", c.name, got.Violation, err, c.says)
		}
		l.Close()
	}
}

// asking counts the calls of a store, and the rows that it returns.
type asking struct {
	creditledger.Store
	mu    sync.Mutex
	calls map[string]int
	rows  int
}

func (s *asking) asked(what string, rows int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[what]++
	s.rows += rows
}

func (s *asking) KeySeq(ctx context.Context, id creditledger.AccountID, key creditledger.Key) (uint64, error) {
	s.asked("key", 1)
	return s.Store.KeySeq(ctx, id, key)
}

func (s *asking) Block(ctx context.Context, id creditledger.AccountID, blockID string) (creditledger.Block, error) {
	s.asked("block", 1)
	return s.Store.Block(ctx, id, blockID)
}

func (s *asking) Load(ctx context.Context, id creditledger.AccountID, have *creditledger.Head) (*creditledger.State, error) {
	s.asked("load", 1)
	return s.Store.Load(ctx, id, have)
}

func (s *asking) Journal(ctx context.Context, id creditledger.AccountID, from uint64, limit int, reverse bool) ([]creditledger.JournalRecord, error) {
	records, err := s.Store.Journal(ctx, id, from, limit, reverse)
	s.asked("journal", len(records))
	return records, err
}

func (s *asking) Snapshot(ctx context.Context, id creditledger.AccountID, f func(creditledger.Snapshot) error) error {
	s.asked("snapshot", 0)
	return s.Store.Snapshot(ctx, id, func(snapshot creditledger.Snapshot) error { return f(askingSnapshot{snapshot, s}) })
}

type askingSnapshot struct {
	creditledger.Snapshot
	s *asking
}

func (a askingSnapshot) Journal(ctx context.Context, from uint64, limit int) ([]creditledger.JournalRecord, error) {
	records, err := a.Snapshot.Journal(ctx, from, limit)
	a.s.asked("journal page", len(records))
	return records, err
}

func (a askingSnapshot) State(ctx context.Context) (*creditledger.State, error) {
	state, err := a.Snapshot.State(ctx)
	a.s.asked("state", len(state.Blocks))
	return state, err
}

func (a askingSnapshot) Blocks(ctx context.Context, from uint64, limit int) ([]creditledger.Block, error) {
	blocks, err := a.Snapshot.Blocks(ctx, from, limit)
	a.s.asked("blocks page", len(blocks))
	return blocks, err
}

func (a askingSnapshot) Keys(ctx context.Context, after creditledger.Key, limit int) ([]creditledger.KeyedRecord, error) {
	keys, err := a.Snapshot.Keys(ctx, after, limit)
	a.s.asked("keys page", len(keys))
	return keys, err
}

func (a askingSnapshot) BlockIDs(ctx context.Context, after string, limit int) ([]creditledger.NumberedBlock, error) {
	ids, err := a.Snapshot.BlockIDs(ctx, after, limit)
	a.s.asked("ids page", len(ids))
	return ids, err
}

// TestVerifyReadsEachRowOnce: rows and calls are in proportion to the history, and nothing
// is asked for by itself.
func TestVerifyReadsEachRowOnce(t *testing.T) {
	store := memory.New()
	l := creditledger.New(store, nil)
	const records, blocks = 5000, 2500
	var last *creditledger.Pending
	for i := range records {
		var op creditledger.Operation = spend("1")
		if i%2 == 0 {
			op = grant("", "2", creditledger.NoRepay)
		}
		var err error
		if last, err = l.Submit(ctx, cus1, op, creditledger.Key(fmt.Sprint("k", i))); err != nil {
			t.Fatal(err)
		}
		if i%500 == 499 {
			if _, err := last.Wait(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	l.Close()
	s := &asking{Store: store, calls: map[string]int{}}
	fresh := creditledger.New(s, nil)
	defer fresh.Close()
	got, err := fresh.Verify(ctx, cus1, nil)
	if err != nil || got.Violation != nil || got.Records != records {
		t.Fatalf("%+v, %v, %v", got, got.Violation, err)
	}
	if s.calls["key"]+s.calls["block"]+s.calls["load"] > 0 {
		t.Errorf("it asks for single rows: %v", s.calls)
	}
	state, err := store.Load(ctx, cus1, nil)
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	for _, n := range s.calls {
		calls += n
	}
	// Records and keys, blocks and their ids, the open ones, and where the journal ends.
	if want := 2*records + 2*blocks + len(state.Blocks) + 1; s.rows != want || calls > 30 {
		t.Errorf("%d rows in %d calls %v, want %d rows", s.rows, calls, s.calls, want)
	}
}

// TestVerifyAllWithACheckpointOfEachAccount: checkpoints are found by account, and each is
// held to its own.
func TestVerifyAllWithACheckpointOfEachAccount(t *testing.T) {
	w := newWorld(t)
	var since []creditledger.Checkpoint
	for i := range 300 {
		id := creditledger.AccountID{Customer: fmt.Sprint("c", i), Currency: "credits"}
		for range 2 {
			if _, err := w.Do(ctx, id, grant("", "1"), ""); err != nil {
				t.Fatal(err)
			}
			c, err := w.Checkpoint(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			since = append(since, c)
		}
	}
	if got, err := w.VerifyAll(ctx, &creditledger.VerifyOptions{Since: since}); err != nil || got.Violation != nil || got.Accounts != 300 {
		t.Errorf("%+v, %v, %v", got, got.Violation, err)
	}
	for _, i := range []int{0, 301, 599} {
		forged := slices.Clone(since)
		forged[i].Seal[0] ^= 1
		got, err := w.VerifyAll(ctx, &creditledger.VerifyOptions{Since: forged})
		if err != nil || got.Violation == nil || got.Violation.Account != forged[i].Account || got.Violation.Rule != "checkpoint" || got.Violation.Record != forged[i].Version {
			t.Errorf("checkpoint %d forged: %v, %v", i, got.Violation, err)
		}
	}
}
