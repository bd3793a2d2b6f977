package bolt_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"creditledger"
	"creditledger/store/bolt"
)

// TestCallsEndWithTheirContext holds up everything that a call of a file can wait for.
func TestCallsEndWithTheirContext(t *testing.T) {
	path := path(t)
	s := mustOpen(t, path, nil)
	mustGrant(t, s, ann, 2) // the first brings settings along, and so changes the tables; the last does not
	head := func() *creditledger.Head {
		state, err := s.Load(t.Context(), ann, nil)
		if err != nil {
			t.Fatal(err)
		}
		return &state.Head
	}()
	calls := map[string]func(context.Context) error{
		"Load":       func(ctx context.Context) error { _, err := s.Load(ctx, ann, nil); return err },
		"Load again": func(ctx context.Context) error { _, err := s.Load(ctx, ann, head); return err },
		"Block":      func(ctx context.Context) error { _, err := s.Block(ctx, ann, "b"); return err },
		"Blocks":     func(ctx context.Context) error { _, err := s.Blocks(ctx, ann, 1, 1); return err },
		"BlocksByNumber": func(ctx context.Context) error {
			_, err := s.BlocksByNumber(ctx, ann, []uint64{1})
			return err
		},
		"Journal":  func(ctx context.Context) error { _, err := s.Journal(ctx, ann, 1, 1, false); return err },
		"KeySeq":   func(ctx context.Context) error { _, err := s.KeySeq(ctx, ben, "k"); return err },
		"Due":      func(ctx context.Context) error { _, err := s.Due(ctx, 1, creditledger.DueAccount{}, 1); return err },
		"Accounts": func(ctx context.Context) error { _, err := s.Accounts(ctx, creditledger.AccountID{}, 1); return err },
		"Record": func(ctx context.Context) error {
			_, err := s.Document(ctx, creditledger.DocumentID{Kind: "k", Key: "k"})
			return err
		},
		"Records":     func(ctx context.Context) error { _, err := s.Documents(ctx, "k", "", "", 1); return err },
		"Kinds":       func(ctx context.Context) error { _, err := s.Kinds(ctx); return err },
		"CheckStrays": s.CheckStrays,
		"Snapshot": func(ctx context.Context) error {
			return s.Snapshot(ctx, ann, func(creditledger.Snapshot) error { return nil })
		},
		"Commit": func(ctx context.Context) error {
			return s.Commit(ctx, []creditledger.Change{{Documents: []creditledger.DocumentPut{{DocumentID: creditledger.DocumentID{Kind: "k", Key: "k"}}}}})
		},
		"Backup": func(ctx context.Context) error { _, err := s.Backup(ctx, io.Discard); return err },
		"Open": func(ctx context.Context) error {
			_, err := bolt.OpenContext(ctx, path, &bolt.Options{LockTimeout: time.Hour})
			return err
		},
	}
	reads := []string{"Load", "Block", "Blocks", "BlocksByNumber", "Journal", "KeySeq", "Due", "Accounts", "Record", "Records", "Kinds", "CheckStrays", "Snapshot"}
	for name, held := range map[string]struct {
		hold  func(*bolt.Store) func()
		calls []string
	}{
		"tables": {bolt.HoldTables, []string{"CheckStrays", "Snapshot"}},
		"tail":   {bolt.HoldTail, append(reads, "Load again")},
		"writer": {bolt.HoldWriter, []string{"Commit", "Backup"}},
		"lock":   {func(*bolt.Store) func() { return func() {} }, []string{"Open"}},
	} {
		release := held.hold(s)
		for _, call := range held.calls {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
			ended := make(chan error, 1)
			go func() { ended <- calls[call](ctx) }()
			select {
			case err := <-ended:
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s, held up by the %s: %v", call, name, err)
				}
			case <-time.After(time.Minute):
				t.Errorf("%s, held up by the %s: does not end", call, name)
			}
			cancel()
		}
		release()
	}
	wantVersion(t, s, ann, 2)
}
