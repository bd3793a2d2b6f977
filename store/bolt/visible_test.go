package bolt_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"creditledger"
	"creditledger/store/bolt"
)

// TestRetryWithRecords: an operation that brings records along gives its first result
// again, though the records have moved by its own doing.
func TestRetryWithRecords(t *testing.T) {
	l := creditledger.New(mustOpen(t, path(t), nil), nil)
	do := func() (*creditledger.Result, error) {
		return l.DoWith(t.Context(), ann, creditledger.Increment{Amount: creditledger.AmountOf(1)}, creditledger.DoOptions{Key: "k", Attach: func(*creditledger.Result) ([]creditledger.DocumentPut, error) {
			return []creditledger.DocumentPut{{DocumentID: creditledger.DocumentID{Kind: "thing", Key: "x"}, Value: []byte("v")}}, nil
		}})
	}
	if _, err := do(); err != nil {
		t.Fatal(err)
	}
	if res, err := do(); err != nil || !res.Replayed {
		t.Errorf("again: %+v, %v", res, err)
	}
}

// TestReadersOfAFailedFold: a commit that folds fails when its meta page is written
// already. Who reads meanwhile is told, and Close does not wait for him.
func TestReadersOfAFailedFold(t *testing.T) {
	s, err := bolt.Open(path(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	bolt.SetFoldEvery(s, 1)
	mustGrant(t, s, ann, 3)
	read := make(chan error, 1)
	meta := 2 * bolt.PageSize(s)
	bolt.HookWrites(s, func(write func([]byte, int64) (int, error), p []byte, off int64) (int, error) {
		if off >= meta {
			return write(p, off)
		}
		begun := make(chan bool)
		go func() {
			close(begun)
			_, err := s.Load(t.Context(), ann, nil)
			read <- err
		}()
		<-begun
		time.Sleep(20 * time.Millisecond)
		_, err := write(p, off)
		return 0, errors.Join(err, errors.New("input/output error"))
	})
	if err := grant(t, s, ann, "fails"); !errors.Is(err, creditledger.ErrOutcomeUnknown) {
		t.Errorf("the commit: %v", err)
	}
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	for name, answer := range map[string]chan error{"the reader": read, "Close": closed} {
		select {
		case err := <-answer:
			if err != nil && !errors.Is(err, creditledger.ErrPoisoned) && name == "the reader" {
				t.Errorf("%s: %v", name, err)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%s does not return", name)
		}
	}
}

// TestNoPartOfACommitIsShown: who has read a record that came with an operation sees
// the operation, too: both are shown when they are durable.
func TestNoPartOfACommitIsShown(t *testing.T) {
	s := mustOpen(t, path(t), nil)
	l := creditledger.New(s, nil)
	id := creditledger.DocumentID{Kind: "thing", Key: "x"}
	var over atomic.Bool
	done := make(chan bool)
	torn, looks := 0, 0
	go func() {
		defer close(done)
		for !over.Load() {
			r, err := s.Document(t.Context(), id)
			if err != nil {
				continue
			}
			state, err := s.Load(t.Context(), ann, nil)
			if err != nil {
				t.Error(err)
				return
			}
			if looks++; state.Head.Version < r.Version {
				torn++
			}
		}
	}()
	for i := range 100 {
		_, err := l.DoWith(t.Context(), ann, creditledger.Increment{Amount: creditledger.AmountOf(1)}, creditledger.DoOptions{Key: creditledger.Key(fmt.Sprint(i)), Attach: func(*creditledger.Result) ([]creditledger.DocumentPut, error) {
			was := creditledger.Document{DocumentID: id, Version: uint64(i), Value: []byte("v")}
			return []creditledger.DocumentPut{{DocumentID: id, Expect: was.Version, Prev: was.Seal(), Value: was.Value}}, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	over.Store(true)
	<-done
	if torn > 0 || looks == 0 {
		t.Errorf("%d of %d times the record was there and the operation not", torn, looks)
	}
}
