package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"

	"creditledger"
)

var lifeCases = []Case{
	{"context/reads", "A read with a context that is over returns the context's error.", onStore(contextReads)},
	{"context/commit", "A Commit with a context that is over returns the context's error and writes nothing.", onStore(contextCommit)},
	{"close/refuses", "After Close every method returns ErrClosed.", onStore(closeRefuses)},
	{"close/twice", "Closing again does nothing.", onStore(closeTwice)},
	{"reopen/keeps", "What was committed is there, unchanged, when the store is opened again, and can be built upon.", reopenKeeps},
}

// readsOf are all reading methods of a store, called with something that is there.
func readsOf(s creditledger.Store) map[string]func(context.Context) error {
	id, first := plain, creditledger.AccountID{}
	record := creditledger.DocumentID{Kind: "kind", Key: "key"}
	return map[string]func(context.Context) error{
		"Load":           func(ctx context.Context) error { _, err := s.Load(ctx, id, nil); return err },
		"Load with have": func(ctx context.Context) error { _, err := s.Load(ctx, id, &creditledger.Head{Version: 3}); return err },
		"Block":          func(ctx context.Context) error { _, err := s.Block(ctx, id, sampleBlock(1).ID); return err },
		"BlocksByID": func(ctx context.Context) error {
			_, err := s.BlocksByID(ctx, id, []string{sampleBlock(1).ID})
			return err
		},
		"Blocks":         func(ctx context.Context) error { _, err := s.Blocks(ctx, id, 1, 1); return err },
		"BlocksByNumber": func(ctx context.Context) error { _, err := s.BlocksByNumber(ctx, id, []uint64{1}); return err },
		"Journal":        func(ctx context.Context) error { _, err := s.Journal(ctx, id, 1, 1, false); return err },
		"KeySeq":         func(ctx context.Context) error { _, err := s.KeySeq(ctx, id, "key"); return err },
		"RowsByKey": func(ctx context.Context) error {
			_, err := s.RowsByKey(ctx, id, creditledger.RowHold, []string{"key"})
			return err
		},
		"Rows":     func(ctx context.Context) error { _, err := s.Rows(ctx, id, creditledger.RowHold, "", 1); return err },
		"Due":      func(ctx context.Context) error { _, err := s.Due(ctx, 1, creditledger.DueAccount{}, 1); return err },
		"Accounts": func(ctx context.Context) error { _, err := s.Accounts(ctx, first, 1); return err },
		"Record":   func(ctx context.Context) error { _, err := s.Document(ctx, record); return err },
		"Records":  func(ctx context.Context) error { _, err := s.Documents(ctx, "kind", "", "", 1); return err },
		"Snapshot": func(ctx context.Context) error {
			return s.Snapshot(ctx, id, func(snap creditledger.Snapshot) error { _, err := snap.State(ctx); return err })
		},
		"CheckStrays": s.CheckStrays,
	}
}

// allRefused calls functions that must all fail with an error that matches want.
func allRefused(ctx context.Context, calls map[string]func(context.Context) error, want error) error {
	var errs []error
	for name, call := range calls {
		if err := call(ctx); !errors.Is(err, want) {
			errs = append(errs, fmt.Errorf("%s: error %v, want %v", name, err, want))
		}
	}
	return errors.Join(errs...)
}

func contextReads(ctx context.Context, s creditledger.Store) error {
	if _, _, _, err := fullChange(ctx, s); err != nil {
		return err
	}
	over, cancel := context.WithCancel(ctx)
	cancel()
	return allRefused(over, readsOf(s), context.Canceled)
}

func contextCommit(ctx context.Context, s creditledger.Store) error {
	b, _, _, err := fullChange(ctx, s)
	if err != nil {
		return err
	}
	over, cancel := context.WithCancel(ctx)
	cancel()
	if err := s.Commit(over, []creditledger.Change{b.next(1)}); !errors.Is(err, context.Canceled) {
		return fmt.Errorf("Commit: error %v, want %w", err, context.Canceled)
	}
	return verifyAll(ctx, s, b)
}

func closeRefuses(ctx context.Context, s creditledger.Store) error {
	c, ok := s.(io.Closer)
	if !ok {
		return ErrNotApplicable
	}
	b, _, _, err := fullChange(ctx, s)
	if err != nil {
		return err
	}
	if err := c.Close(); err != nil {
		return fmt.Errorf("Close: %w", err)
	}
	calls := readsOf(s)
	calls["Commit"] = func(ctx context.Context) error { return s.Commit(ctx, []creditledger.Change{b.next(1)}) }
	return allRefused(ctx, calls, creditledger.ErrClosed)
}

func closeTwice(_ context.Context, s creditledger.Store) error {
	c, ok := s.(io.Closer)
	if !ok {
		return ErrNotApplicable
	}
	for i := range 3 {
		if err := c.Close(); err != nil {
			return fmt.Errorf("Close, call %d: %w", i+1, err)
		}
	}
	return nil
}

func reopenKeeps(ctx context.Context, backend Backend) error {
	if backend.Reopen == nil {
		return ErrNotApplicable
	}
	s, err := backend.New()
	if err != nil {
		return err
	}
	full, record, _, err := fullChange(ctx, s)
	if err != nil {
		return err
	}
	books := []*book{full}
	for i, id := range awkwardAccounts[1:] {
		b := &book{id: id}
		if err := b.commit(ctx, s, due(key(b.next(2), "key"), creditledger.Instant(i+1))); err != nil {
			return err
		}
		books = append(books, b)
	}
	for range 3 {
		if s, err = backend.Reopen(s); err != nil {
			return fmt.Errorf("reopening: %w", err)
		}
		if err := errors.Join(verifyAll(ctx, s, books...), sameRecord(ctx, s, record.DocumentID, 1, record.Value)); err != nil {
			return err
		}
		for i, b := range books {
			n := b.head.Blocks + 1
			if i == 0 {
				n = 100 + b.head.Version
			}
			if err := b.commit(ctx, s, b.next(1, created(sampleBlock(n)))); err != nil {
				return err
			}
			if err := conflict(s.Commit(ctx, []creditledger.Change{key(b.next(1), "key")}), []creditledger.AccountID{b.id}, nil); err != nil {
				return fmt.Errorf("a key from before: %w", err)
			}
		}
	}
	return verifyAll(ctx, s, books...)
}
