package creditledger

import (
	"testing"
	"time"
)

// TestPatienceIsBoundedByTheClock: a commit that waits for those who were in the last one
// waits a moment, however seldom the scheduler comes back to it where others compute, and
// however many keep coming.
func TestPatienceIsBoundedByTheClock(t *testing.T) {
	for _, c := range []struct {
		rule             string
		patience, joined int           // operations that come in with each yield
		yield            time.Duration // how long each takes
		waiting          int
		alone            bool
		most             int // yields
	}{
		{"idle machine: a few hundred yields", manyYields, 0, 100 * time.Nanosecond, 1, false, manyYields},
		{"busy machine: one slice of others", manyYields, 0, 10 * time.Millisecond, 1, false, 1},
		{"in between", manyYields, 0, 10 * time.Microsecond, 1, false, 5},
		{"they keep coming", manyYields, 1, 10 * time.Microsecond, 1, false, 5},
		{"in memory: one yield", 1, 0, 10 * time.Millisecond, 1, false, 1},
		{"in memory, they keep coming", 1, 1, 10 * time.Microsecond, 1, false, 5},
		{"a lone writer does not wait", manyYields, 0, time.Nanosecond, 1, true, 0},
		{"a full commit does not wait", manyYields, 0, time.Nanosecond, manyOperations, false, 0},
	} {
		t.Run(c.rule, func(t *testing.T) {
			now, yields := time.Unix(0, 0), 0
			g := &committer{patience: c.patience, expected: 1 << 20, waiting: c.waiting, alone: c.alone}
			g.time = func() time.Time { return now }
			g.yield = func() {
				yields++
				now = now.Add(c.yield)
				g.waiting += c.joined
			}
			g.mu.Lock()
			g.gather()
			g.mu.Unlock()
			if yields > c.most || c.most > 1 && yields < c.most/2 {
				t.Errorf("%d yields, want at most %d", yields, c.most)
			}
		})
	}
}
