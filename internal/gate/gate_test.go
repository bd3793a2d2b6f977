package gate

import (
	"sync"
	"sync/atomic"
	"testing"
)

// TestGate: once Close has returned nobody is inside, and nobody gets in any more.
func TestGate(t *testing.T) {
	for range 200 {
		var g Gate
		var inside atomic.Int32
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for g.Enter() {
					inside.Add(1)
					inside.Add(-1)
					g.Leave()
				}
			})
		}
		for range 2 {
			wg.Go(func() {
				g.Close()
				if n := inside.Load(); n != 0 {
					t.Errorf("%d are inside a closed gate", n)
				}
			})
		}
		wg.Wait()
		if g.Enter() {
			t.Error("it lets somebody in again")
		}
		g.Close()
	}
}
