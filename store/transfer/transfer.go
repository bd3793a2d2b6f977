package transfer

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"creditledger"
	"creditledger/store"
)

// Options of Copy. The zero value, or nil, is what most callers want.
type Options struct {
	// Progress is told now and then how far the copy is, never twice at once.
	Progress func(Progress)
	// Workers is how many accounts are copied beside each other; default 16. Accounts
	// that arrive together share commits.
	Workers int
}

// Progress says how far a copy is.
type Progress struct {
	Accounts    uint64 // compared and found the same
	AllAccounts uint64 // in the source
	Arrived     uint64 // journal records in the target by now
	AllJournal  uint64 // journal records in the source when the copy began
	Journal     uint64 // journal records written
	Records     uint64 // documents of upper layers written
}

// Report says what Copy found and did.
type Report struct {
	Accounts uint64 // in each store
	Journal  uint64 // journal records of all accounts, in each store
	Records  uint64 // documents of upper layers, in each store

	NewJournal uint64 // journal records that this call wrote
	NewRecords uint64 // documents of upper layers that this call wrote
}

const (
	defaultWorkers = 16
	journalPage    = 256    // journal records in one import
	recordPage     = 64     // documents of upper layers in one commit; they may be large
	cacheBlocks    = 10_000 // an account is needed only while it is copied
)

// Copy copies the ledger in from to the store to, verifies what has arrived, and
// returns what is in both. See the package's documentation. Memory is bounded by the
// number of workers and the open blocks of an account, not by the size of the ledger.
//
// When it returns an error, at least what the Report counts has been written: what was
// under way then may have been, too. Errors: a TargetError; ErrSourceMoved;
// creditledger.ErrCorrupt, or a creditledger.Violation, when the source does not follow
// from its journal, or has something that is of no account; otherwise trouble with either
// store.
func Copy(ctx context.Context, from, to creditledger.Store, opts *Options) (Report, error) {
	c := &copier{}
	var whole, both bool
	if c.from, whole = from.(lister); whole {
		c.to, both = to.(lister)
	}
	if !both {
		return Report{}, &creditledger.InvalidError{Field: "store", Reason: "a source and target that implement store.Kinder are needed"}
	}
	if opts != nil {
		c.opts = *opts
	}
	if c.opts.Workers <= 0 {
		c.opts.Workers = defaultWorkers
	}
	c.ledger = creditledger.New(to, &creditledger.Options{CacheBlocks: cacheBlocks})
	err := c.run(ctx)
	if err = errors.Join(err, c.ledger.Close()); err != nil {
		err = fmt.Errorf("copy ledger: %w", err)
	}
	return c.report, err
}

// lister is a store that can be copied whole.
type lister interface {
	creditledger.Store
	store.Kinder
}

// copier is one call of Copy.
type copier struct {
	from, to lister
	ledger   *creditledger.Ledger // over to
	opts     Options

	mu     sync.Mutex // guards what follows
	done   Progress
	report Report
}

func (c *copier) run(ctx context.Context) error {
	// First comes everything that may be refused, so that nothing is written then. Last
	// comes what the source has besides its accounts: everything else is copied by then,
	// and the caller hears what was not.
	for _, step := range []func(context.Context) error{
		c.checkAccounts, c.checkRecords, c.copyAccounts, c.copyRecords, c.compareAccounts, c.compareRecords, c.from.CheckStrays,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// note counts something, and reports progress.
func (c *copier) note(count func(*Progress, *Report)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	count(&c.done, &c.report)
	if c.opts.Progress != nil {
		c.opts.Progress(c.done)
	}
}

// eachAccount calls f for every account of a store, in order. It refuses a list with an
// account twice or out of order, because such a list may leave others out.
func eachAccount(ctx context.Context, s creditledger.Store, f func(creditledger.AccountID) error) error {
	var after creditledger.AccountID
	for {
		ids, err := s.Accounts(ctx, after, creditledger.MaxPage)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if id.Compare(after) <= 0 {
				return &creditledger.CorruptError{Where: "the list of accounts", Reason: fmt.Sprintf("%s stands after %s, out of order or twice", id, after)}
			}
			if err := f(id); err != nil {
				return err
			}
			after = id
		}
		if len(ids) < creditledger.MaxPage {
			return nil
		}
	}
}

// each calls f for every account of a store, several at once, and stops at the first
// error.
func (c *copier) each(ctx context.Context, s creditledger.Store, f func(context.Context, creditledger.AccountID) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	ids := make(chan creditledger.AccountID)
	var workers sync.WaitGroup
	for range c.opts.Workers {
		workers.Go(func() {
			for id := range ids {
				if ctx.Err() != nil {
					continue
				}
				if err := f(ctx, id); err != nil {
					stop(err)
				}
			}
		})
	}
	err := eachAccount(ctx, s, func(id creditledger.AccountID) error {
		select {
		case ids <- id:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
	close(ids)
	workers.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
