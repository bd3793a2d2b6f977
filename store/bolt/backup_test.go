package bolt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"creditledger"
)

// TestBackupWhileWriting copies a ledger again and again while it is written, and
// opens every copy.
func TestBackupWhileWriting(t *testing.T) {
	s := mustOpen(t, path(t), nil)
	mustGrant(t, s, ann, 5)
	stop := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := grant(t, s, ann, creditledger.Key(fmt.Sprint("while ", i))); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 10 {
		before := version(t, s, ann)
		var copied bytes.Buffer
		n, err := s.Backup(t.Context(), &copied)
		if err != nil || n != int64(copied.Len()) {
			t.Fatalf("Backup = %d, %v, wrote %d", n, err, copied.Len())
		}
		after := version(t, s, ann)
		to := path(t)
		if err := os.WriteFile(to, copied.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		restored := mustOpen(t, to, nil)
		got := version(t, restored, ann)
		if got < before || got > after {
			t.Errorf("the backup has version %d, the ledger had %d to %d meanwhile", got, before, after)
		}
		mustGrant(t, restored, ann, 1)
		mustClose(t, restored)
	}
	close(stop)
	writer.Wait()
}

// TestBackupTakesAll keeps other people's buckets too.
func TestBackupTakesAll(t *testing.T) {
	from, to := path(t), path(t)
	mustClose(t, mustOpen(t, from, nil))
	database(t, from, nil, nil)
	var copied bytes.Buffer
	if _, err := mustOpen(t, from, nil).Backup(t.Context(), &copied); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, copied.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	err := theirs(t, to).View(func(tx *bbolt.Tx) error {
		if b := tx.Bucket([]byte("theirs")); b == nil || string(b.Get([]byte("k"))) != "v" {
			return errors.New("their bucket is missing")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// stuck is a writer whose second Write waits.
type stuck struct {
	writing chan struct{}
	release chan struct{}
	writes  int
}

func newStuck() *stuck { return &stuck{writing: make(chan struct{}), release: make(chan struct{})} }

func (w *stuck) Write(p []byte) (int, error) {
	if w.writes++; w.writes == 2 {
		close(w.writing)
		<-w.release
	}
	return len(p), nil
}

// TestBackupStops ends backups whose writer does not move: by Close, by the context,
// and by an error of the writer.
func TestBackupStops(t *testing.T) {
	s := mustOpen(t, path(t), nil)
	mustGrant(t, s, ann, 5)

	ctx, cancel := context.WithCancel(t.Context())
	w := newStuck()
	ended := make(chan error, 1)
	go func() { _, err := s.Backup(ctx, w); ended <- err }()
	<-w.writing
	cancel()
	close(w.release)
	wantError(t, <-ended, context.Canceled, "backup")
	_, err := s.Backup(ctx, new(bytes.Buffer))
	wantError(t, err, context.Canceled, "backup")

	full := errors.New("disk full")
	_, err = s.Backup(t.Context(), failing{full})
	wantError(t, err, full, "backup")

	w = newStuck()
	go func() { _, err := s.Backup(t.Context(), w); ended <- err }()
	<-w.writing
	mustGrant(t, s, creditledger.AccountID{Customer: "bob", Currency: "credits"}, 3) // a stuck backup stops nobody
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("Close waits for a stuck backup")
	}
	close(w.release)
	wantError(t, <-ended, creditledger.ErrClosed, "backup")
	_, err = s.Backup(t.Context(), new(bytes.Buffer))
	wantError(t, err, creditledger.ErrClosed, "backup")
}

type failing struct{ err error }

func (w failing) Write([]byte) (int, error) { return 0, w.err }
