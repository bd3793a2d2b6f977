package bolt

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"creditledger"
	"creditledger/internal/onelog"
	"creditledger/store/internal/changes"
)

// logSuffix makes the name of the log file of the name of the database.
const logSuffix = "-log"

// logAfter is how many commits go into the tables before a log file is made: it takes longer
// to make one than they take.
const logAfter = 32

// logFile is the log file of a store, and what it was when it was opened.
type logFile struct {
	*onelog.Log
	info os.FileInfo
}

// inPlace reports whether the path names the log file, and this is as it was left: of that
// length, with the frame that was written last.
func (l *logFile) inPlace(path string) bool { return l.stands(path) && l.Unchanged() }

// writeToLog appends a commit to the log file. It reports false, and has written nothing, when
// the commit has to go into the tables.
func (s *Store) writeToLog(ctx context.Context, list []creditledger.Change) (done bool, err error) {
	var found []accountPos
	var rows []putRow
	var a appended
	err = s.seen("commit", func(v view) (err error) {
		if found, err = v.compare(list); err == nil {
			rows, a, err = v.rows(list, found)
		}
		return err
	})
	if err != nil {
		return false, err
	}
	s.payload = s.payload[:0]
	for i := range rows {
		s.payload = appendPutRow(s.payload, &rows[i])
	}
	if a.alien || !s.log.Fits(len(s.payload)) || newTail(0, 0).full(list, s.foldEvery, s.foldSize) {
		return false, nil
	}
	if !s.log.inPlace(s.path + logSuffix) {
		s.lost, s.log = s.log, nil
		return false, nil
	}
	if s.tail.full(list, s.foldEvery, s.foldSize) {
		if err := s.turn(ctx); err != nil {
			return false, err
		}
	}
	write := func() error { return s.log.Append(a.begin, s.payload) }
	err, panicked := guarded("log", write)
	if errors.Is(err, onelog.ErrFull) {
		if err := s.turn(ctx); err != nil {
			return false, err
		}
		err, panicked = guarded("log", write)
	}
	if err == nil {
		err = s.owned()
	}
	if err != nil {
		s.poisoned(err, panicked)
		return false, &creditledger.OutcomeUnknownError{Err: fmt.Errorf("commit to the log of %s: %w", s.path, err)}
	}
	if cap(s.payload) > maxPayload {
		s.payload = nil
	}
	s.tailing.Lock()
	defer s.tailing.Unlock()
	s.tail.take(rows)
	s.tail.addAll(list, found, a)
	return true, nil
}

// maxPayload is how much memory is kept for the next commit.
const maxPayload = 64 << 10

// turn goes on in the other half of the log, with a tail of its own, and has what is in this
// half folded meanwhile. It waits for the fold of the other half to end.
func (s *Store) turn(ctx context.Context) error {
	if s.log.Empty() {
		return nil
	}
	if err := s.beginFold(ctx); err != nil {
		return err
	}
	if s.tail.older != nil { // its fold has failed
		if err := s.foldOlder(); err != nil {
			s.endFold()
			return fmt.Errorf("commit: nothing was written, the log file is full and the ledger file cannot take it in (is there room on the disk?): %w", err)
		}
	}
	s.tailing.Lock()
	t := newTail(s.tail.end(), s.tail.acct)
	t.older, s.tail = s.tail, t
	s.tailing.Unlock()
	s.log.Turn()
	s.next = markOf(s.log, s.log.Token())
	s.foldBehind()
	return nil
}

// foldBehind folds the older tail while commits go on. The caller has begun the fold.
func (s *Store) foldBehind() {
	go func() {
		defer s.endFold()
		_ = s.foldOlder() // turn tries again, and says why it cannot
	}()
}

// beginFold keeps others from folding, and from looking at tables that are half folded;
// endFold lets them.
func (s *Store) beginFold(ctx context.Context) error {
	select {
	case s.folding <- struct{}{}:
	case <-ctx.Done():
		return changes.Enter(ctx, "commit")
	}
	why := s.poison.Load() // the fold that was waited for may have failed
	if why == nil {
		return nil
	}
	s.endFold()
	return fmt.Errorf("commit: ledger %s: %w (%v)", s.path, creditledger.ErrPoisoned, *why)
}

func (s *Store) endFold() { <-s.folding }

// nextLog is the log that commits go to after a transaction that leaves nothing to be
// folded, and what the database has to say of it.
func (s *Store) nextLog() (*logFile, mark) {
	if s.log != nil {
		if s.log.Empty() && s.tail.older == nil {
			return s.log, s.mark
		}
		return s.log, markOf(s.log, s.log.Following())
	}
	if l := s.spare.Load(); l != nil && l.inPlace(s.path+logSuffix) {
		var token onelog.Token
		_, _ = rand.Read(token[:])
		return l, markOf(l, token)
	} else if l != nil {
		s.lost = l
		s.spare.Store(nil)
	}
	if s.direct++; s.direct == s.logAfter && s.lost == nil {
		s.making.Add(1)
		go func() {
			defer s.making.Done()
			_ = s.makeLog() // without one, commits go on into the tables
		}()
		if s.makeSoon {
			s.making.Wait()
		}
	}
	return nil, s.unused()
}

// unused is what the database has to say when all is in it.
func (s *Store) unused() mark {
	switch {
	case s.log != nil:
		return s.log.unused()
	case s.lost != nil:
		return s.lost.unused()
	}
	return s.mark
}

// began goes on with a log, if there is one, once the database says so.
func (s *Store) began(l *logFile, m mark) {
	s.mark = m
	if l == nil {
		return
	}
	if l.Token() != m.turns[0] {
		l.Begin(m.turns[0])
	}
	s.log = l
	s.spare.Store(nil)
}

// room is how many times the size of a log file has to be free for one to be made: what else
// is written to the disk needs some.
const room = 8

// makeLog makes a log file that can be used. It gets its name when it is whole, and takes that
// from nobody.
func (s *Store) makeLog() error {
	path := s.path + logSuffix
	if !roomFor(filepath.Dir(path), room*s.logSize) {
		return errors.New("there is little room on the disk")
	}
	err := build(path, func(temporary string) error {
		return errors.Join(onelog.Make(temporary, s.logSize), os.Chmod(temporary, s.info.Mode().Perm()))
	})
	if err != nil {
		return err
	}
	l, err := s.newLog(path, s.logSize)
	if err != nil {
		return err
	}
	info, err := l.Stat()
	if err != nil {
		return errors.Join(err, l.Close())
	}
	s.spare.Store(&logFile{l, info})
	return nil
}

func newLog(path string, size int64) (*onelog.Log, error) {
	f, err := os.OpenFile(path, os.O_RDWR|openFlags, 0)
	if err != nil {
		return nil, err
	}
	err = lockLog(context.Background(), f, true, 0)
	var l *onelog.Log
	if err == nil {
		l, err = onelog.New(f, size)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return l, nil
}

// removeLog removes a log file that is of no use any more, if the path still names it and it
// still says so: something else may have the name by now, or may have been written into the
// file. Where it may not be looked at or removed, it is left: it is told from one that is in use.
func removeLog(path string, info os.FileInfo, id onelog.ID) error {
	f, err := os.OpenFile(path, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil
	}
	is, err := f.Stat()
	found, isLog := onelog.Identify(f)
	if err := errors.Join(err, f.Close()); err != nil || !os.SameFile(is, info) || !isLog || found != id || is.Size() != info.Size() {
		return err
	}
	err = os.Remove(path)
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return err
}

// closeLog closes the log file, and removes it if all is in the database, which says so. If the
// ledger's name names another file by now, a copy of it perhaps, that may need the log file.
func (s *Store) closeLog(folded bool) error {
	s.making.Wait()
	var err error
	moved := sameFile(s.path, s.info)
	for _, l := range []*logFile{s.log, s.spare.Load(), s.lost} {
		if l == nil {
			continue
		}
		err = errors.Join(err, l.Close())
		if folded && moved == nil && l != s.lost { // which may hold what somebody else wrote
			err = errors.Join(err, removeLog(s.path+logSuffix, l.info, l.ID()))
		}
	}
	return err
}
