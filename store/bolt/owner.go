package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// While a store has its file open for writing, nobody else may change the file. The lock
// keeps other stores away, but not a program that ignores it, such as one that copies a
// backup over a live ledger. bbolt would not notice, and would go on with what it
// remembers of a file that no longer exists. So the store remembers both meta pages, and
// compares them before a commit and again before it answers. If they match, everything
// written is in the file that it was meant for.

// metaPages are the beginnings of the two meta pages, in the file and as remembered.
type metaPages struct {
	both      []byte // the file from its beginning to the end of the second meta page, so that one read gets both
	are, were [2][metaOffset + metaSize]byte
}

// stamp remembers what the meta pages say.
func (s *Store) stamp() error {
	if s.readOnly {
		return nil
	}
	s.metas.both = make([]byte, s.db.Info().PageSize+len(s.metas.are[1]))
	err := s.readMetas()
	s.metas.were = s.metas.are
	return err
}

func (s *Store) readMetas() error {
	m := &s.metas
	switch _, err := s.file.ReadAt(m.both, 0); {
	case errors.Is(err, io.EOF): // the file was cut short
		return s.foreign()
	case err != nil:
		return fmt.Errorf("meta pages: %w", err)
	}
	copy(m.are[0][:], m.both)
	copy(m.are[1][:], m.both[len(m.both)-len(m.are[1]):])
	return nil
}

// foreign makes the store refuse all further work, because somebody else wrote to the
// file.
func (s *Store) foreign() error {
	err := &FileError{Path: s.path, Reason: "was written to by something else while it was open, a backup put over it perhaps: close the ledger, and verify what is in the file before it is used"}
	s.poisoned(err, false)
	return err
}

// owned makes sure that nobody has written to the file since the last transaction. While one
// is being committed, that looks for itself.
func (s *Store) owned() error {
	if !s.metaing.TryLock() {
		return nil
	}
	defer s.metaing.Unlock()
	if s.poison.Load() != nil { // by a fold that failed meanwhile: the pages are its own
		return s.refuses("meta pages")
	}
	if err := s.readMetas(); err != nil {
		return err
	}
	if s.metas.are != s.metas.were {
		return s.foreign()
	}
	return nil
}

// touched reports whether a meta page is not as it was after the last transaction. The caller
// holds metaing.
func (s *Store) touched() bool {
	return s.readMetas() != nil || s.metas.are != s.metas.were
}

// committed makes sure that nobody has written to the file while transaction id was
// committed, which replaced one of the meta pages.
func (s *Store) committed(id uint64) error {
	err := s.readMetas()
	if err != nil {
		s.poisoned(err, false)
		return err
	}
	mine, other := id%2, 1-id%2
	if binary.NativeEndian.Uint64(s.metas.are[mine][metaOffset+metaTx:]) != id || s.metas.are[other] != s.metas.were[other] {
		return s.foreign()
	}
	s.metas.were = s.metas.are
	return nil
}
