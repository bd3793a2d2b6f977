// Package storetest examines stores: whether a creditledger.Store does all that its
// contract says. Every backend of this module passes it, and anyone's backend can be
// put to it from a test:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) creditledger.Store { return mystore.New() })
//	}
//
// The examination is the table Cases. Its checks return errors and know nothing of
// package testing, so they can run anywhere, and the tests of this package run them
// on stores that are wrong on purpose, to show that each check finds something.
package storetest

import (
	"context"
	"errors"
	"io"
	"testing"

	"creditledger"
)

// Backend is what is examined.
type Backend struct {
	// New returns an empty store that shares nothing with those before.
	New func() (creditledger.Store, error)
	// Reopen closes a store of New's and opens again what it kept. It is nil for
	// stores that keep nothing.
	Reopen func(s creditledger.Store) (creditledger.Store, error)
	// Beside opens what a store of New's keeps once more, as another process would while
	// the first is open. It is nil for stores that one process has to itself.
	Beside func(s creditledger.Store) (creditledger.Store, error)
}

// Case is one clause of the contract.
type Case struct {
	Name string
	Rule string // in words, what is promised
	// Check returns what the backend does otherwise, nil if nothing, and
	// ErrNotApplicable if the backend has no such thing.
	Check func(ctx context.Context, b Backend) error
}

// ErrNotApplicable is what the Check of a Case returns when the backend lacks the
// ability that it is about: closing, keeping what it stores, or locking accounts.
var ErrNotApplicable = errors.New("not applicable to this store")

// Cases is the whole examination.
var Cases = concat(loadCases, commitCases, conflictCases, blockCases, findingCases, journalCases,
	accountCases, recordCases, rowCases, copyCases, snapshotCases, concurrencyCases, lockCases, lifeCases)

func concat(tables ...[]Case) (all []Case) {
	for _, t := range tables {
		all = append(all, t...)
	}
	return all
}

// Run examines a store that keeps nothing. The function open returns an empty one
// each time; Run closes it if it has a Close method.
func Run(t *testing.T, open func(t *testing.T) creditledger.Store) {
	t.Helper()
	RunReopen(t, open, nil)
}

// RunReopen examines a store that keeps what it stores: reopen closes one and opens
// the same again.
func RunReopen(t *testing.T, open func(t *testing.T) creditledger.Store, reopen func(t *testing.T, s creditledger.Store) creditledger.Store) {
	t.Helper()
	RunShared(t, open, reopen, nil)
}

// RunShared examines a store that processes share: beside opens the same once more, while
// the first is open.
func RunShared(t *testing.T, open func(t *testing.T) creditledger.Store, reopen, beside func(t *testing.T, s creditledger.Store) creditledger.Store) {
	t.Helper()
	for _, c := range Cases {
		t.Run(c.Name, func(t *testing.T) {
			b := Backend{New: func() (creditledger.Store, error) {
				return closeAfter(t, open(t)), nil
			}}
			if reopen != nil {
				b.Reopen = func(s creditledger.Store) (creditledger.Store, error) {
					return closeAfter(t, reopen(t, s)), nil
				}
			}
			if beside != nil {
				b.Beside = func(s creditledger.Store) (creditledger.Store, error) {
					return closeAfter(t, beside(t, s)), nil
				}
			}
			err := c.Check(t.Context(), b)
			if errors.Is(err, ErrNotApplicable) {
				t.Skip(err)
			}
			if err != nil {
				t.Errorf("%v\nthe rule: %s", err, c.Rule)
			}
		})
	}
}

func closeAfter(t *testing.T, s creditledger.Store) creditledger.Store {
	if c, ok := s.(io.Closer); ok {
		t.Cleanup(func() {
			if err := c.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	}
	return s
}

// onStore makes a Check of a function that wants one empty store.
func onStore(check func(ctx context.Context, s creditledger.Store) error) func(context.Context, Backend) error {
	return func(ctx context.Context, b Backend) error {
		s, err := b.New()
		if err != nil {
			return err
		}
		return check(ctx, s)
	}
}
