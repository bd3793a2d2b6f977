package creditledger

import "context"

// joined reports whether the store is a JoinedStore. Then there are no turns in the
// background: whoever waits for a flight brings it to the store.
func (c *committer) joined() bool { return c.bringing != nil }

// await returns when a flight has landed, or with ctx's error.
func (c *committer) await(ctx context.Context, f *flight) error {
	if !c.joined() || f.hasLanded() {
		return f.wait(ctx)
	}
	select {
	case c.bringing <- struct{}{}:
	default: // another caller commits, perhaps this flight too
		select {
		case c.bringing <- struct{}{}:
		case <-f.landing():
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	defer func() { <-c.bringing }()
	c.bring(ctx, f.hasLanded)
	return nil
}

// bring commits what is ready, in the caller's goroutine and under its context, until
// enough returns true or nothing is left. The caller holds the token of bringing.
func (c *committer) bring(ctx context.Context, enough func() bool) {
	c.mu.Lock()
	c.running++ // gather or handOver counts the turn as ended
	c.mu.Unlock()
	t := c.turn()
	for !enough() {
		if !t.gather() {
			return
		}
		t.commit(ctx)
	}
	c.handOver(t)
}

// bringAll commits what nobody waited for.
func (c *committer) bringAll() {
	c.bringing <- struct{}{}
	defer func() { <-c.bringing }()
	c.bring(context.Background(), func() bool { return false })
}
