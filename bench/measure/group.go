package measure

import (
	"runtime"
	"sync"
)

// Group lets writers share transactions without a timer: whoever comes first leads,
// and whoever waits when a transaction begins is in it.
type Group struct {
	Put func(puts int) error // makes a transaction

	mu      sync.Mutex
	next    *batch // the batch that newcomers join; nil: none
	leading bool   // somebody writes
}

type batch struct {
	puts int
	done chan struct{}
	err  error
}

// Join puts once, in whatever transaction comes next.
func (g *Group) Join() error {
	g.mu.Lock()
	if g.next == nil {
		g.next = &batch{done: make(chan struct{})}
	}
	b := g.next
	b.puts++
	lead := !g.leading
	g.leading = true
	g.mu.Unlock()
	if lead {
		g.write()
		g.handOver()
	}
	<-b.done
	return b.err
}

// write makes a transaction for everyone who waits, once no more are coming.
func (g *Group) write() {
	g.mu.Lock()
	b := g.next
	for seen := 0; seen != b.puts; {
		seen = b.puts
		g.mu.Unlock()
		runtime.Gosched()
		g.mu.Lock()
	}
	g.next = nil
	g.mu.Unlock()
	b.err = g.Put(b.puts)
	close(b.done)
}

// handOver starts a goroutine for writers that came meanwhile. It ends when nobody waits.
func (g *Group) handOver() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.leading = g.next != nil; g.leading {
		go func() {
			g.write()
			g.handOver()
		}()
	}
}
