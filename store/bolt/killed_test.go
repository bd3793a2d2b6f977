package bolt_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"go.etcd.io/bbolt"

	"creditledger"
	"creditledger/fuzz/testseed"
	"creditledger/fuzz/testsize"
	"creditledger/store/bolt"
)

// TestBackupsAndKills: whatever is done to a ledger between two kills, and at whatever write to
// one of its two files a kill comes, before it, in its middle or after it, whoever opens the
// ledger next finds every commit that was acknowledged, and at most the one that was being made.
func TestBackupsAndKills(t *testing.T) {
	r := rand.New(rand.NewPCG(testseed.Of(t), 21))
	kills := 0
	for range testsize.Of(4, 12, 300) {
		dir := t.TempDir()
		l := lives{t: t, random: r, path: filepath.Join(dir, "0.db")}
		for n := range 8 {
			kills += l.live(filepath.Join(dir, fmt.Sprint(n+1, ".db")))
			l.between()
			if t.Failed() {
				t.Fatalf("life %d; what was done: %v", n, l.did)
			}
		}
		os.RemoveAll(dir)
	}
	t.Logf("%d kills", kills)
}

// lives are those of one ledger, each ended by a kill or a Close.
type lives struct {
	t      *testing.T
	random *rand.Rand
	path   string
	done   uint64 // commits that were acknowledged
	did    []string
}

func (l *lives) note(format string, args ...any) { l.did = append(l.did, fmt.Sprintf(format, args...)) }

// live does things to the ledger until it is killed or closed, and goes on with what is there
// then, at next after a kill.
func (l *lives) live(next string) (kills int) {
	t, r := l.t, l.random
	s := mustOpen(t, l.path, nil)
	var mu sync.Mutex // held over every write to either file
	killAt, how, acked := 1+r.IntN(120), r.IntN(3), l.done
	killed := false
	bolt.HookBoth(s, func(_ bool, write func([]byte, int64) (int, error), p []byte, off int64) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		if killAt--; killAt != 0 {
			return write(p, off)
		}
		killed = true
		switch how {
		case 0:
			copyBoth(t, l.path, next)
			return write(p, off)
		case 1:
			part := len(p) / 512 / 2 * 512
			if _, err := write(p[:part], off); err != nil {
				return 0, err
			}
			copyBoth(t, l.path, next)
			n, err := write(p[part:], off+int64(part))
			return part + n, err
		}
		n, err := write(p, off)
		copyBoth(t, l.path, next)
		return n, err
	})
	bolt.EngageIfNone(t, s, int64(16+16*r.IntN(3))<<10)
	l.note("open, kill at write %d (%d)", killAt, how)
	for i := range 10 + r.IntN(60) {
		mu.Lock()
		if killed {
			mu.Unlock()
			break
		}
		acked = l.done
		mu.Unlock()
		l.step(s, i, &mu, &killAt)
	}
	mu.Lock()
	if !killed {
		acked = l.done
	}
	mu.Unlock()
	mustClose(t, s)
	l.note("killed: %v, acknowledged %d of %d", killed, acked, l.done)
	if killed {
		l.path, l.done, kills = next, acked, 1
	}
	return kills
}

// step does one thing.
func (l *lives) step(s *bolt.Store, i int, mu *sync.Mutex, killAt *int) {
	t, r := l.t, l.random
	switch what := r.IntN(40); {
	case what < 4:
		l.note("backup")
		if _, err := s.Backup(t.Context(), io.Discard); err != nil {
			t.Fatal(err)
		}
	case what == 4: // a kill before the next commit would cost what was in the log file
		mu.Lock()
		left := *killAt
		*killAt = -1
		mu.Unlock()
		l.note("log file removed")
		_ = os.Remove(l.path + "-log")
		l.grant(s, i)
		mu.Lock()
		*killAt = left
		mu.Unlock()
	default:
		l.grant(s, i)
	}
}

func (l *lives) grant(s *bolt.Store, i int) {
	id := ann
	if i%3 == 0 {
		id = creditledger.AccountID{Customer: fmt.Sprint("c", l.random.IntN(5)), Currency: "credits"}
	}
	if err := grant(l.t, s, id, creditledger.Key(fmt.Sprint("key", l.done))); err != nil {
		l.t.Error(err)
		return
	}
	l.done++
	l.note("grant %d", l.done)
}

// between looks at the ledger as others may, each of whom leaves it a ledger.
func (l *lives) between() {
	t := l.t
	switch what := l.random.IntN(6); what {
	case 0:
		l.note("opened for reading")
		l.check(mustOpen(t, l.path, &bolt.Options{ReadOnly: true}))
	case 1:
		l.note("joined")
		l.join()
	case 2:
		l.note("compacted")
		if _, _, err := bolt.CompactInPlace(t.Context(), l.path, nil); err != nil {
			t.Error(err)
		}
	case 3:
		l.note("compacted to another place")
		to := fmt.Sprint(l.path, ".compact", len(l.did))
		if err := bolt.Compact(l.path, to); err != nil {
			t.Error(err)
			return
		}
		if l.random.IntN(2) == 0 {
			l.path = to // its log file stays where it is
		}
	case 4:
		l.note("recovered")
		to := fmt.Sprint(l.path, ".new", len(l.did))
		r, err := bolt.Recover(t.Context(), l.path, to)
		if l.done == 0 && errors.Is(err, creditledger.ErrCorrupt) { // nothing can be found in what has nothing
			break
		}
		if err != nil {
			t.Error(err)
			return
		}
		recovered := uint64(0)
		for _, a := range r.Accounts {
			recovered += a.Recovered
		}
		if recovered != l.done && recovered != l.done+1 {
			t.Errorf("%d commits were recovered, %d were acknowledged", recovered, l.done)
		}
	}
	l.check(mustOpen(t, l.path, nil))
}

// check proves that all is there, and closes the store.
func (l *lives) check(s *bolt.Store) {
	t := l.t
	defer mustClose(t, s)
	led := creditledger.New(s, nil)
	defer led.Close()
	if v, err := led.VerifyAll(context.Background(), nil); err != nil || v.Violation != nil {
		t.Errorf("verify: %v, %v", v.Violation, err)
	}
	all := uint64(0)
	for a, err := range led.AllAccounts(t.Context(), creditledger.AccountID{}) {
		if err != nil {
			t.Error(err)
			return
		}
		state, err := s.Load(t.Context(), a, nil)
		if err != nil {
			t.Error(err)
			return
		}
		all += state.Head.Version
	}
	if all != l.done && all != l.done+1 {
		t.Errorf("%d commits are there, %d were acknowledged", all, l.done)
	}
	l.done = all
}

// join commits in a transaction of one who opens the file without the store.
func (l *lives) join() {
	db, err := bbolt.Open(l.path, 0o600, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	rollBack := l.random.IntN(3) == 0
	err = db.Update(func(tx *bbolt.Tx) error {
		j, err := bolt.Join(tx)
		if err != nil {
			return err
		}
		if err := grant(l.t, j, ann, creditledger.Key(fmt.Sprint("joined", len(l.did)))); err != nil {
			return err
		}
		if rollBack {
			return errRollBack
		}
		return nil
	})
	if !rollBack {
		l.done++
	} else if errors.Is(err, errRollBack) {
		err = nil
	}
	if err = errors.Join(err, db.Close()); err != nil {
		l.t.Error(err)
	}
}

var errRollBack = errors.New("rolled back")

func copyBoth(t *testing.T, from, to string) {
	copyFile(t, from, to)
	if _, err := os.Stat(from + "-log"); err == nil {
		copyFile(t, from+"-log", to+"-log")
	}
}
