package creditledger

import (
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"testing/synctest"
)

// A walk is one interleaving. Its actors are real goroutines in a bubble of synctest, and
// each stops at its choice points. The scheduler lets one go on, waits until nothing moves
// any more, checks the invariants, and chooses again. So a walk is determined by its
// choices, and walkAll enumerates them depth first.
//
// Choice 0 lets the actor that went last go on while it can, and every commit succeed. Any
// other choice is a departure. The depth of an enumeration is how many departures a walk
// has at most: every order of events that differs from running each actor until it waits
// by so many is walked, however late in the walk they come.

// chooser answers choice points: as in a walk before, then once differently, then with 0.
type chooser struct {
	prefix []int
	taken  []int
	widths []int
}

func (c *chooser) choose(n int) int {
	if n == 1 {
		return 0
	}
	choice, at := 0, len(c.taken)
	if at < len(c.prefix) {
		choice = c.prefix[at]
	}
	if choice >= n {
		panic("a walk repeated is another walk: something is left to chance")
	}
	c.taken, c.widths = append(c.taken, choice), append(c.widths, n)
	return choice
}

// following returns the choices of the next walk with at most depth departures, nil when
// there is none. It notes whether the depth kept a walk out.
func (c *chooser) following(depth int, cut *bool) []int {
	departures := make([]int, len(c.taken)+1)
	for i, choice := range c.taken {
		departures[i+1] = departures[i] + min(choice, 1)
	}
	for i := len(c.taken) - 1; i >= 0; i-- {
		switch {
		case c.taken[i]+1 == c.widths[i]:
		case departures[i]+1 > depth:
			*cut = true
		default:
			return append(slices.Clone(c.taken[:i]), c.taken[i]+1)
		}
	}
	return nil
}

// walkAll runs every walk with at most depth departures until one breaks a rule. It
// returns how many there were, and whether there are no others, whatever the depth.
func walkAll(depth int, run func(*chooser) error) (walks int, complete bool, err error) {
	complete = true
	for prefix := []int{}; prefix != nil; {
		c := &chooser{prefix: prefix}
		walks++
		if err := run(c); err != nil {
			return walks, false, err
		}
		if len(c.taken) < len(prefix) {
			return walks, false, fmt.Errorf("a walk of %v ended after %v: something is left to chance", prefix, c.taken)
		}
		var cut bool
		prefix = c.following(depth, &cut)
		complete = complete && !cut
	}
	return walks, complete, nil
}

// actor is a goroutine of a walk. Its fields are its own while it runs, and the
// scheduler's while nothing moves.
type actor struct {
	name   string
	resume chan int
	at     string      // where it stopped; empty: it runs, waits for another, or is done
	ready  func() bool // whether it can go on; nil: yes
	ways   []string    // how it can go on; nil: in one way
	done   bool
}

// event is one choice: an actor that goes on, or something that happens to the walk.
type event struct {
	name  string
	actor *actor
	way   int
	do    func()
}

// scheduler lets one actor go on at a time.
type scheduler struct {
	*chooser
	actors  []*actor
	running *actor // that was let go last
	trace   []string
	broken  error // the first rule that was broken
}

// start begins an actor, which stops before it does anything.
func (s *scheduler) start(name string, run func(*actor)) {
	a := &actor{name: name, resume: make(chan int)}
	s.actors = append(s.actors, a)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				panic(fmt.Sprintf("%v\nafter\n%s\n%s", p, strings.Join(s.trace, "\n"), debug.Stack()))
			}
		}()
		s.stop(a, "start", nil)
		run(a)
		a.done = true
	}()
}

// stop is a choice point: it returns once the actor is chosen, with the way it is to go on.
func (s *scheduler) stop(a *actor, at string, ready func() bool, ways ...string) int {
	a.at, a.ready, a.ways = at, ready, ways
	return <-a.resume
}

// breaks notes that a rule is broken. The walk goes on to its end, so that nothing of it is
// left running.
func (s *scheduler) breaks(format string, args ...any) {
	if s.broken == nil {
		s.broken = fmt.Errorf("%s\nafter\n%s", fmt.Sprintf(format, args...), strings.Join(s.trace, "\n"))
	}
}

// run walks until nobody is left, and checks after each event and at the end. Events of the world come last among the choices.
func (s *scheduler) run(world func() []event, check, end func()) error {
	for synctest.Wait(); ; synctest.Wait() {
		check()
		events := s.enabled()
		if len(events) == 0 {
			if i := slices.IndexFunc(s.actors, func(a *actor) bool { return !a.done }); i >= 0 {
				s.breaks("%s waits for ever", s.actors[i].name)
				panic(s.broken) // its goroutine can not be ended
			}
			end()
			return s.broken
		}
		events = append(events, world()...)
		choice := 0
		if s.broken == nil {
			choice = s.choose(len(events))
		}
		e := events[choice]
		s.trace = append(s.trace, e.name)
		if e.do != nil {
			e.do()
			continue
		}
		s.running, e.actor.at = e.actor, ""
		e.actor.resume <- e.way
	}
}

// enabled lists what actors can do: first the one that went last, then the others in the
// order in which they began.
func (s *scheduler) enabled() []event {
	var first, rest []event
	for _, a := range s.actors {
		if a.at == "" || a.ready != nil && !a.ready() {
			continue
		}
		var of []event
		for way := range max(1, len(a.ways)) {
			e := event{name: a.name + ": " + a.at, actor: a, way: way}
			if len(a.ways) > 0 {
				e.name += ", " + a.ways[way]
			}
			of = append(of, e)
		}
		if a == s.running {
			first = of
		} else {
			rest = append(rest, of...)
		}
	}
	return append(first, rest...)
}
