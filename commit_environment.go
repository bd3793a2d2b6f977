package creditledger

import (
	"context"
	"runtime"
	"time"
)

// environment is all that the committer knows of its surroundings. A test gives it
// another one, and decides at each of these calls who goes on. So the test can walk
// through every order of events, without a store and without a ledger.
type environment struct {
	commit func(context.Context, []Change) error // brings changes to the store, all or none
	lock   func(*slot)                           // locks an account that is in memory; waits for it
	spawn  func(func())                          // runs a turn in a goroutine of its own; does not wait
	yield  func()                                // lets others run
	now    func() time.Time                      // bounds how long a commit waits for more
}

// environmentOf returns the environment of a ledger: a store, and Go's scheduler and
// clock.
func environmentOf(s Store, c *cache) environment {
	return environment{
		commit: func(ctx context.Context, list []Change) error { return s.Commit(ctx, list) },
		lock:   c.lockHeld,
		spawn:  func(run func()) { go run() },
		yield:  runtime.Gosched,
		now:    time.Now,
	}
}
