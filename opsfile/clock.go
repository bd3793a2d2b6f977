package opsfile

import (
	"fmt"
	"sync"
	"time"

	"creditledger"
)

// Clock is a clock that moves only when it is told to. The zero Clock shows
// 2000-01-01T00:00:00Z. It may be used by several goroutines.
type Clock struct {
	mu  sync.Mutex
	now creditledger.Instant
}

var clockStart = creditledger.InstantOf(time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC))

// Now returns what the clock shows; it fits creditledger.Options.Clock.
func (c *Clock) Now() time.Time { return c.Instant().Time() }

// Instant returns what the clock shows.
func (c *Clock) Instant() creditledger.Instant {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now == 0 {
		c.now = clockStart
	}
	return c.now
}

// Set moves the clock to an instant that is not before the one it shows; anything
// else is a creditledger.ConstraintError.
func (c *Clock) Set(to creditledger.Instant) error {
	was := c.Instant()
	c.mu.Lock()
	defer c.mu.Unlock()
	if to < c.now || !to.Valid() {
		return &creditledger.ConstraintError{Reason: fmt.Sprintf("the clock shows %s and does not go back to %s", was, to)}
	}
	c.now = to
	return nil
}
