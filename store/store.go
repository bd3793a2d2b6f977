// Package store says what the backends of a ledger offer beyond creditledger.Store.
//
// The seam itself is creditledger.Store; every backend here adds Close, and some
// add abilities that a caller asks for with a type assertion:
//
//	if b, ok := s.(store.Backuper); ok {
//		n, err := b.Backup(ctx, file)
//	}
//
// Package storetest examines a backend of any origin. Package transfer copies a ledger from
// one store to another.
package store

import (
	"context"
	"io"

	"creditledger"
)

// Store is a backend that a process opens and closes. Close releases what the store
// holds; it may be called more than once and waits only for calls in progress.
// Every later call of any other method returns creditledger.ErrClosed.
type Store interface {
	creditledger.Store
	io.Closer
}

// Backuper is a store that can copy itself while it is in use.
type Backuper interface {
	// Backup writes one consistent snapshot of everything stored to w, in the store's own
	// format, and returns the number of bytes written. Commits go on meanwhile and are not
	// part of it. When it returns an error, what was written is worth nothing. The caller
	// makes w durable: see the store's package.
	Backup(ctx context.Context, w io.Writer) (int64, error)
}

// Kinder is a store that can list the kinds of its documents of upper layers. Copying a
// whole ledger needs that (package transfer).
type Kinder interface {
	// Kinds returns every kind that there is a record of, in byte order.
	Kinds(ctx context.Context) ([]string, error)
}
