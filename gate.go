package creditledger

import (
	"sync"
	"sync/atomic"
)

// gate counts who is inside. Passing it costs two additions: every call of a ledger
// does, on all processors.
type gate struct {
	inside atomic.Int64 // below 0 once the gate is closed, by closedGate

	mu   sync.Mutex // guards gone
	gone *sync.Cond // the last one inside left a closed gate
}

// closedGate is so far below 0 that those who find the gate closed, and count
// themselves out again, do not get it back to 0.
const closedGate = -1 << 62

// enter counts somebody in; false when the gate is closed.
func (g *gate) enter() bool {
	if g.inside.Add(1) > 0 {
		return true
	}
	g.leave()
	return false
}

// leave counts somebody out.
func (g *gate) leave() {
	if g.inside.Add(-1) == closedGate {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.gone != nil {
			g.gone.Broadcast()
		}
	}
}

// close keeps everybody out from now on and waits until nobody is inside.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inside.Load() >= 0 {
		g.inside.Add(closedGate)
	}
	if g.gone == nil {
		g.gone = sync.NewCond(&g.mu)
	}
	for g.inside.Load() != closedGate {
		g.gone.Wait()
	}
}
