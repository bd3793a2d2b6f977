package bolt

// SetFoldEvery changes how many log records are kept unfolded at most.
func SetFoldEvery(s *Store, records int) { s.foldEvery = records }

// Unfolded returns how many are unfolded now.
func Unfolded(s *Store) int { return s.tail.records }

// Occupy keeps a joined store's calls waiting until release is called.
func Occupy(j *Joined) (release func()) {
	j.turn <- struct{}{}
	return func() { <-j.turn }
}
