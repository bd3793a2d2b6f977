package bolt

import (
	"flag"
	"math/rand/v2"
	"testing"
)

// SetFoldEvery changes how many log records are kept unfolded at most.
func SetFoldEvery(s *Store, records int) { s.foldEvery = records }

// SetFoldSize changes how many bytes what is kept unfolded may take up.
func SetFoldSize(s *Store, bytes int) { s.foldSize = bytes }

// Unfolded returns how many log records are unfolded now.
func Unfolded(s *Store) int { return s.tail.records }

// Occupy keeps a joined store's calls waiting until release is called.
func Occupy(j *Joined) (release func()) {
	j.turn <- struct{}{}
	return func() { <-j.turn }
}

// UnfoldedSize returns what they take up, as the store counts it.
func UnfoldedSize(s *Store) int { return s.tail.size }

// Build makes a file as all new files are made.
func Build(path string, fill func(temporary string) error) error { return build(path, fill) }

// HoldTables makes the tables look as if a commit were about to change them.
func HoldTables(s *Store) (release func()) {
	_ = s.pauseKeys()
	before := s.tabling.Swap(s.tail.tx + 1)
	return func() {
		s.tabling.Store(before)
		s.keyReader.resume()
	}
}

// HoldTail keeps readers from the tail.
func HoldTail(s *Store) (release func()) {
	_ = s.pauseKeys()
	s.tailing.Lock()
	return func() {
		s.tailing.Unlock()
		s.keyReader.resume()
	}
}

// HoldWriter keeps commits waiting.
func HoldWriter(s *Store) (release func()) {
	s.writer <- struct{}{}
	return func() { <-s.writer }
}

var seedFlag = flag.Uint64("seed", 0, "seed of the random tests; 0: a random one, which is printed")

// Seeded returns the seed of a random test, and prints it.
func Seeded(t testing.TB) uint64 {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64() >> 16
	}
	t.Logf("seed: -seed=%d", seed)
	return seed
}
