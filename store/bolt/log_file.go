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
	if err := sameFile(s.path+logSuffix, s.log.info); err != nil {
		return false, fmt.Errorf("commit: %w", err)
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
	s.following = s.log.Token()
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
		return s.log, s.mark.retired(s.log.Token()).then(s.log.Following())
	}
	if l := s.spare.Load(); l != nil {
		var token onelog.Token
		_, _ = rand.Read(token[:])
		m := s.mark.then(token)
		m.size = l.info.Size()
		return l, m
	}
	if s.direct++; s.direct == s.logAfter {
		s.making.Add(1)
		go func() {
			defer s.making.Done()
			_ = s.makeLog() // without one, commits go on into the tables
		}()
		if s.makeSoon {
			s.making.Wait()
		}
	}
	return nil, s.mark
}

// began goes on with a log, once the database says so.
func (s *Store) began(l *logFile, m mark) {
	if l == nil {
		return
	}
	if m.turns[0] != l.Token() {
		l.Begin(m.turns[0])
	}
	s.log, s.mark = l, m
	s.spare.Store(nil)
}

// makeLog makes a log file that can be used.
func (s *Store) makeLog() error {
	path := s.path + logSuffix
	l, err := s.newLog(path, s.logSize)
	if err != nil {
		return err
	}
	info, err := l.Stat()
	if err = errors.Join(err, os.Chmod(path, s.info.Mode().Perm()), syncDir(filepath.Dir(path))); err != nil {
		return errors.Join(err, l.Close(), os.Remove(path))
	}
	s.spare.Store(&logFile{l, info})
	return nil
}

// openLog opens the log file of a database that says something of one. It returns nil if none
// is in use, and removes one that was left behind.
func openLog(path string, m mark, writing bool) (*os.File, error) {
	path += logSuffix
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && m.inUse:
		return nil, corrupt("log file", fmt.Sprintf("%s is missing, and commits may be in it that are nowhere else: put it back beside the ledger file; recovery goes on without it", path))
	case errors.Is(err, fs.ErrNotExist) || err == nil && !m.inUse && !writing:
		return nil, nil
	case err == nil:
		err = checkFile(path, info.Mode())
	}
	if err != nil {
		return nil, err
	}
	flags := os.O_RDONLY
	if writing {
		flags = os.O_RDWR
	}
	f, err := os.OpenFile(path, flags|openFlags, 0)
	if err != nil {
		return nil, err
	}
	if !m.inUse {
		err := onelog.Left(f, info.Size(), m.turns...)
		if err != nil {
			err = &FileError{Path: path, Reason: "has commits that are not of this ledger file, or of a later state of it: put it beside the file that it belongs to, or out of the way"}
		}
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
		return nil, errors.Join(os.Remove(path), syncDir(filepath.Dir(path)))
	}
	if info.Size() != m.size {
		return nil, errors.Join(corrupt("log file", fmt.Sprintf("%s has %d bytes, not %d: it was cut short, or is another one", path, info.Size(), m.size)), f.Close())
	}
	return f, nil
}

// replay brings into memory what is not in the tables, and goes on with the log file.
func (s *Store) replay(v view, group bool) error {
	m, err := v.mark()
	if err != nil {
		return err
	}
	f, err := openLog(s.path, m, !s.readOnly)
	if err != nil {
		return err
	}
	var info os.FileInfo
	var turns []onelog.Turn
	if f != nil {
		if info, err = f.Stat(); err == nil {
			err = checkMode(f.Name(), info.Mode(), group)
		}
		if err == nil {
			turns, err = readLog(f, m)
		}
	}
	var t *tail
	if err == nil {
		t, err = v.replayTails(turns)
	}
	switch {
	case err != nil && f != nil:
		return errors.Join(err, f.Close())
	case err != nil:
		return err
	case f == nil:
		s.tail, s.mark = t, m
		return nil
	}
	last := onelog.Turn{Token: m.turns[0]} // which has not begun
	if len(turns) > 0 {
		last = turns[len(turns)-1]
	}
	s.tail, s.mark, s.following = t, m, last.Token
	if s.readOnly {
		return f.Close()
	}
	s.log = &logFile{onelog.Continue(f, m.size, last), info}
	return nil
}

// readLog reads the turns that are not folded.
func readLog(f *os.File, m mark) ([]onelog.Turn, error) {
	turns, err := onelog.Read(f, m.size, m.turns[0], m.turns[1:]...)
	var foreign *onelog.ForeignError
	switch {
	case errors.As(err, &foreign):
		return nil, corrupt("log file", f.Name()+" has "+err.Error()+": it is of another ledger, or of another copy of this one; put the right one beside the ledger file")
	case err != nil:
		return nil, corrupt("log file", err.Error())
	}
	return turns, nil
}

// closeLog removes the log file of a database that says that none is in use.
func (s *Store) closeLog(folded bool) error {
	s.making.Wait()
	l := s.log
	if l == nil {
		l = s.spare.Load()
	}
	if l == nil {
		return nil
	}
	err := l.Close()
	if folded {
		path := s.path + logSuffix
		err = errors.Join(err, os.Remove(path), syncDir(filepath.Dir(path)))
	}
	return err
}
