package bolt

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
