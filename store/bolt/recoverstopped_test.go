package bolt_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"creditledger"
	"creditledger/store/bolt"
)

// endsAfter is a context that is over once it was looked at so many times, or a little
// later, when whoever looked has begun to wait.
type endsAfter struct {
	context.Context
	left  atomic.Int64
	later time.Duration
	done  chan struct{}
	once  sync.Once
}

func (c *endsAfter) look() {
	if c.left.Add(-1) < 0 {
		c.once.Do(func() { time.AfterFunc(c.later, func() { close(c.done) }) })
	}
}

func (c *endsAfter) Done() <-chan struct{} { c.look(); return c.done }

func (c *endsAfter) Err() error {
	c.look()
	select {
	case <-c.done:
		return context.Canceled
	default:
		return nil
	}
}

// TestRecoverStopped: a recovery that is asked to end has made no file, and says so
// without doubt, wherever it was.
func TestRecoverStopped(t *testing.T) {
	dir := t.TempDir()
	sound := filepath.Join(dir, "sound.db")
	longLedger(t, sound)
	stopped := 0
	for n := int64(0); ; n += 1 + n/16 {
		ctx := &endsAfter{Context: t.Context(), done: make(chan struct{}), later: time.Duration(n%4) * 100 * time.Microsecond}
		ctx.left.Store(n)
		path := filepath.Join(dir, fmt.Sprintf("%d.db", n))
		_, err := bolt.Recover(ctx, sound, path)
		if err == nil {
			break
		}
		stopped++
		if !errors.Is(err, context.Canceled) || errors.Is(err, creditledger.ErrOutcomeUnknown) {
			t.Errorf("after %d looks: %v", n, err)
		}
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("after %d looks there is a file", n)
		}
	}
	if stopped < 10 {
		t.Errorf("it was stopped only %d times", stopped)
	}
}
