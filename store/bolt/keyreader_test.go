package bolt_test

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"creditledger"
	"creditledger/store/bolt"
)

var ben = creditledger.AccountID{Customer: "ben", Currency: "credits"}

func wantSeq(t *testing.T, s *bolt.Store, id creditledger.AccountID, key creditledger.Key, want uint64) {
	t.Helper()
	if seq, err := s.KeySeq(t.Context(), id, key); err != nil || seq != want {
		t.Errorf("key %q of %v stands for record %d, %v; want %d", key, id, seq, err, want)
	}
}

// Rule: what a key stands for is known from its commit on, wherever the row is: in the
// tail, or in the tables; on a store that was asked before the commit, and again after.
func TestKeysAreKnownFromTheirCommitOn(t *testing.T) {
	path := path(t)
	s := mustOpen(t, path, nil)
	bolt.SetFoldEvery(s, 5)
	for i := range uint64(23) {
		for _, id := range []creditledger.AccountID{ann, ben} {
			key := creditledger.Key(fmt.Sprint("key ", i))
			wantSeq(t, s, id, key, 0)
			if err := grant(t, s, id, key); err != nil {
				t.Fatal(err)
			}
			for j := range i + 1 {
				wantSeq(t, s, id, creditledger.Key(fmt.Sprint("key ", j)), j+1)
			}
		}
	}
	wantSeq(t, s, creditledger.AccountID{Customer: "nobody", Currency: "credits"}, "key 1", 0)
	wantSeq(t, s, ann, "key", 0) // in front of all that are there
	wantSeq(t, s, ann, "zzz", 0) // behind all of ann's
	wantSeq(t, s, ben, "key 9", 10)
	mustClose(t, s)

	s = mustOpen(t, path, nil)
	wantSeq(t, s, ann, "key 22", 23)
	wantSeq(t, s, ben, "key 23", 0)
	mustClose(t, s)
}

// Rule: whoever asks for keys holds up neither a commit, when the file has to grow, nor
// Close; and a commit uses the pages again that the one before it has freed.
func TestQuestionsForKeysCostTheFileNothing(t *testing.T) {
	size := func(ask bool) int64 {
		path := path(t)
		s := mustOpen(t, path, &bolt.Options{InitialMmapSize: -1})
		l := creditledger.New(s, nil)
		for i := range 300 {
			if ask {
				wantSeq(t, s, ann, "no such key", 0)
			}
			if _, err := l.Do(t.Context(), ann, creditledger.Increment{Amount: creditledger.AmountOf(1), Description: fmt.Sprintf("%04096d", i)}, ""); err != nil {
				t.Fatal(err)
			}
		}
		if ask {
			wantSeq(t, s, ben, "no such key", 0)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		mustClose(t, s)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	if with, without := size(true), size(false); with != without {
		t.Errorf("a file is %d bytes when it was asked for keys, and %d when not", with, without)
	}
}

// Rule: a question for a key between two commits is no transaction.
func TestQuestionsForKeysShareATransaction(t *testing.T) {
	path := path(t)
	s := mustOpen(t, path, nil)
	mustGrant(t, s, ann, 3)
	mustClose(t, s)
	s = mustOpen(t, path, nil)
	bolt.Engage(t, s, 1<<20)
	mustGrantKey(t, s, 0)
	ask := func(id creditledger.AccountID) {
		if seq, err := s.KeySeq(t.Context(), id, "new"); err != nil || seq != 0 {
			t.Fatal(seq, err)
		}
	}
	if n := testing.AllocsPerRun(100, func() { ask(ann) }); n > 4 {
		t.Errorf("a question for a key of an account in the tables: %v allocations", n)
	}
	mustGrant(t, s, ben, 1)
	if n := testing.AllocsPerRun(100, func() { ask(ben) }); n > 0 {
		t.Errorf("a question for a key of an account in the tail: %v allocations", n)
	}
}

// Rule: keys are answered for beside commits and folds as they were before or after.
func TestKeysAreAskedForBesideCommits(t *testing.T) {
	s := mustOpen(t, path(t), &bolt.Options{InitialMmapSize: -1})
	bolt.SetFoldEvery(s, 7)
	var told atomic.Uint64 // keys of operations that were answered
	var asking sync.WaitGroup
	ended := make(chan struct{})
	for range 4 {
		asking.Go(func() {
			for i := uint64(0); ; i++ {
				n := told.Load()
				if n > 0 {
					seq := i%n + 1
					wantSeq(t, s, ann, creditledger.Key(fmt.Sprint("key ", seq)), seq)
				}
				wantSeq(t, s, ann, creditledger.Key(fmt.Sprint("never ", i)), 0)
				select {
				case <-ended:
					return
				default:
				}
			}
		})
	}
	l := creditledger.New(s, nil)
	for i := range uint64(100) {
		if _, err := l.Do(t.Context(), ann, creditledger.Increment{Amount: creditledger.AmountOf(1)}, creditledger.Key(fmt.Sprint("key ", i+1))); err != nil {
			t.Error(err)
		}
		told.Store(i + 1)
	}
	close(ended)
	asking.Wait()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
