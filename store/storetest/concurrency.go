package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"creditledger"
)

var concurrencyCases = []Case{
	{"concurrency/one account", "Of several commits from the same version of an account exactly one succeeds, the others conflict.", onStore(oneWinner)},
	{"concurrency/many accounts", "Commits on different accounts at once all succeed.", onStore(allWinners)},
	{"concurrency/snapshot", "Load returns head and blocks of one moment, also while commits go on.", onStore(snapshots)},
	{"concurrency/visible whole", "Once a read has shown one account of a commit, every later read shows the others.", onStore(visibleWhole)},
}

// together runs f so many times at once and joins the errors.
func together(n int, f func(i int) error) error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return errors.Join(errs...)
}

func oneWinner(ctx context.Context, s creditledger.Store) error {
	const rounds, writers = 10, 8
	b := &book{id: plain}
	for round := range rounds {
		changes := make([]creditledger.Change, writers)
		results := make([]error, writers)
		for i := range writers {
			changes[i] = key(b.next(1, created(sampleBlock(b.head.Blocks+1))), creditledger.Key(fmt.Sprint(round, " ", i)))
			changes[i].Journal[0].Bytes = fmt.Append(nil, round, i)
		}
		err := together(writers, func(i int) error {
			results[i] = s.Commit(ctx, changes[i:i+1])
			if results[i] == nil {
				return nil
			}
			return conflict(results[i], []creditledger.AccountID{b.id}, nil)
		})
		if err != nil {
			return err
		}
		won := 0
		for i, err := range results {
			if err == nil {
				won++
				b.done(changes[i])
			}
		}
		if won != 1 {
			return fmt.Errorf("%d of %d commits from version %d succeeded, want 1", won, writers, round)
		}
		if err := verifyAll(ctx, s, b); err != nil {
			return err
		}
	}
	return nil
}

func allWinners(ctx context.Context, s creditledger.Store) error {
	const commits = 10
	books := make([]*book, 8)
	for i := range books {
		books[i] = &book{id: awkwardAccounts[i]}
	}
	err := together(len(books), func(i int) error {
		b := books[i]
		for range commits {
			c := key(b.next(3, created(sampleBlock(b.head.Blocks+1))), creditledger.Key(fmt.Sprint(b.head.Version)))
			if err := b.commit(ctx, s, c); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return verifyAll(ctx, s, books...)
}

// whileWriting calls write again and again while others call read, until both have
// happened often enough to have met, or one has failed.
func whileWriting(write, read func() error) error {
	const readers, writes, reads = 3, 40, 200
	var done atomic.Int64
	stop := make(chan struct{})
	end := sync.OnceFunc(func() { close(stop) })
	over := func() bool {
		select {
		case <-stop:
			return true
		default:
			return false
		}
	}
	return together(1+readers, func(i int) error {
		defer end()
		for n := 0; !over(); n++ {
			if i > 0 {
				if err := read(); err != nil {
					return err
				}
				done.Add(1)
				continue
			}
			if n >= writes && done.Load() >= reads {
				return nil
			}
			if err := write(); err != nil {
				return err
			}
		}
		return nil
	})
}

func snapshots(ctx context.Context, s creditledger.Store) error {
	const blocks = 8
	b := &book{id: plain}
	// Every block has the version of its last change as its priority.
	change := func(isNew bool) creditledger.Change {
		c := b.next(1)
		for n := range uint64(blocks) {
			block := sampleBlock(n + 1)
			block.Priority = int32(c.Head.Version)
			c.Blocks = append(c.Blocks, creditledger.StoredBlock{Block: block, Open: true, New: isNew})
		}
		return c
	}
	if err := b.commit(ctx, s, change(true)); err != nil {
		return err
	}
	return whileWriting(func() error {
		return b.commit(ctx, s, change(false))
	}, func() error {
		state, err := s.Load(ctx, plain, nil)
		if err != nil || state == nil {
			return fmt.Errorf("Load: %w", orMissing(err))
		}
		for _, block := range state.Blocks {
			if uint64(block.Priority) != state.Head.Version {
				return fmt.Errorf("Load: block %d as of version %d with the head of version %d", block.Number, block.Priority, state.Head.Version)
			}
		}
		if len(state.Blocks) != blocks {
			return fmt.Errorf("Load: %d blocks, want %d", len(state.Blocks), blocks)
		}
		return nil
	})
}

func visibleWhole(ctx context.Context, s creditledger.Store) error {
	one, two := &book{id: awkwardAccounts[0]}, &book{id: awkwardAccounts[3]}
	return whileWriting(func() error {
		list := []creditledger.Change{one.next(1), two.next(1)}
		if err := s.Commit(ctx, list); err != nil {
			return err
		}
		one.done(list[0])
		two.done(list[1])
		return nil
	}, func() error {
		// In one order and in the other: neither account may be behind the one
		// that was read before it.
		for _, ids := range [][2]creditledger.AccountID{{one.id, two.id}, {two.id, one.id}} {
			first, err := s.Load(ctx, ids[0], nil)
			if err != nil || first == nil {
				return fmt.Errorf("Load: %w", orMissing(err))
			}
			journal, err := s.Journal(ctx, ids[1], math.MaxUint64, 1, true)
			if err != nil {
				return err
			}
			last := uint64(0)
			for _, r := range journal {
				last = r.Seq
			}
			if last < first.Head.Version {
				return fmt.Errorf("%v is at version %d, then %v at %d, which were committed together", ids[0], first.Head.Version, ids[1], last)
			}
		}
		return nil
	})
}
