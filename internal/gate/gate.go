// Package gate counts who is inside and can be closed.
package gate

import (
	"sync"
	"sync/atomic"
)

// Gate counts who is inside. Passing it costs two additions, because every call of a
// ledger passes one, on all processors. The zero Gate is open.
type Gate struct {
	inside atomic.Int64 // below 0 once the gate is closed, by closedGate

	mu   sync.Mutex // guards gone
	gone *sync.Cond // signals that the last one has left a closed gate
}

// closedGate is so far below 0 that calls that find the gate closed, and count themselves
// in and out, do not bring the count back to 0.
const closedGate = -1 << 62

// Enter counts somebody in; false when the gate is closed.
func (g *Gate) Enter() bool {
	if g.inside.Add(1) > 0 {
		return true
	}
	g.Leave()
	return false
}

// Leave counts somebody out.
func (g *Gate) Leave() {
	if g.inside.Add(-1) == closedGate {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.gone != nil {
			g.gone.Broadcast()
		}
	}
}

// Close keeps everybody out from now on and waits until nobody is inside.
func (g *Gate) Close() {
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
