package bolt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"creditledger"
	"creditledger/internal/onelog"
)

// lockLog locks a log file, exclusively for who writes to it. The lock of the ledger file is the
// lock of that file alone: a copy can be put in its place while it is open. The log file of both
// is one. Locks end with their process, but not at one instant, so lockLog waits a moment
// for the process that the ledger file was waited for.
func lockLog(ctx context.Context, f *os.File, exclusive bool, wait time.Duration) error {
	locked, err := lock(ctx, f, exclusive, max(wait, lockLogAtLeast))
	if err == nil && !locked {
		err = &LockedError{Path: f.Name(), Process: holder(f)}
	}
	return err
}

const lockLogAtLeast = 500 * time.Millisecond

// openLog opens the log file of a database that says that one is in use, and locks it.
func openLog(ctx context.Context, path string, m mark, o Options) (*os.File, error) {
	path += logSuffix
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, corrupt("log file", fmt.Sprintf("%s is missing: the ledger was not closed, and commits may be in it that are nowhere else; put it back beside the ledger file, or recover what the ledger file has", path))
	}
	if err == nil && !info.Mode().IsRegular() {
		err = &FileError{Path: path, Reason: fmt.Sprintf("is not the log file of the ledger (%s): put that back beside the ledger file, or recover what the ledger file has", info.Mode().Type())}
	}
	if err != nil {
		return nil, err
	}
	flags := os.O_RDONLY
	if !o.ReadOnly {
		flags = os.O_RDWR
	}
	f, err := os.OpenFile(path, flags|openFlags, 0)
	if err != nil {
		return nil, err
	}
	err = lockLog(ctx, f, !o.ReadOnly, o.LockTimeout)
	if err == nil {
		info, err = f.Stat()
	}
	if err == nil {
		err = m.names(f, info)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// names makes sure that a file is the log file that the database says is in use.
func (m mark) names(f *os.File, info os.FileInfo) error {
	id, isLog := onelog.Identify(f)
	switch {
	case !isLog || id != m.id:
		return corrupt("log file", f.Name()+" is another one than the ledger file has: put the right one beside it, or recover what the ledger file has")
	case info.Size() != m.size:
		return corrupt("log file", fmt.Sprintf("%s has %d bytes, not %d: it was cut short or written to", f.Name(), info.Size(), m.size))
	}
	return nil
}

// leftLog looks at a log file that lies beside a database which says that none is in use. It was
// left behind, and goes, if nothing is in it but what is in the database; with other
// commits it is refused: an older copy of the database has been put in the place of one that has
// them. A file that is no log is somebody's, and none of ours.
func leftLog(path string, m mark, writing bool) error {
	path += logSuffix
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxLogSize {
		return nil
	}
	f, err := os.OpenFile(path, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil
	}
	of, isLog := onelog.Identify(f)
	if isLog {
		var turns []onelog.Token
		if of == m.id {
			turns = m.turns
		}
		err = onelog.Left(f, info.Size(), turns...)
		if err == nil && writing {
			err = lockLog(context.Background(), f, false, 0)
		}
	}
	err = errors.Join(err, f.Close())
	var foreign *onelog.ForeignError
	switch {
	case errors.As(err, &foreign):
		return &FileError{Path: path, Reason: "has commits that are not of this ledger file, or of a later state of it: put it beside the file that it belongs to, or out of the way"}
	case err != nil || !isLog || !writing:
		return err
	case of == m.id && info.Size() != m.size: // something else wrote to it
		return nil
	}
	return removeLog(path, info, of)
}

// replay brings into memory what is not in the tables, and goes on with the log file.
func (s *Store) replay(ctx context.Context, v view, o Options) error {
	m, err := v.mark()
	if err != nil {
		return err
	}
	s.mark = m
	if !m.inUse {
		if err := leftLog(s.path, m, !s.readOnly); err != nil {
			return err
		}
		s.tail, err = v.replayTails(nil)
		return err
	}
	f, err := openLog(ctx, s.path, m, o)
	if err != nil {
		return err
	}
	l, err := s.replayLog(v, f, o.GroupAccess)
	if l == nil {
		return errors.Join(err, f.Close())
	}
	s.log = l
	return err
}

// replayLog brings the turns of a log file into memory. It returns the log if it is to be
// gone on with.
func (s *Store) replayLog(v view, f *os.File, group bool) (*logFile, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := checkMode(f.Name(), info.Mode(), group); err != nil {
		return nil, err
	}
	turns, err := readLog(f, s.mark)
	if err != nil {
		return nil, err
	}
	if s.tail, err = v.replayTails(turns); err != nil || s.readOnly {
		return nil, err
	}
	last := onelog.Turn{Token: s.mark.turns[0]} // which has not begun
	if len(turns) > 0 {
		last = turns[len(turns)-1]
	}
	l, err := onelog.Continue(f, s.mark.size, last)
	if err != nil {
		return nil, err
	}
	log := &logFile{l, info}
	s.next = markOf(log, last.Token)
	return log, nil
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

// CheckPlace says why no ledger file should get a name, whether a file has it or not. A
// FileError: it is the name of a log file, or a log file with commits lies beside it and waits
// for its own ledger file. An error that matches creditledger.ErrLocked: a process has that ledger
// open. Restore, Recover, Compact and Open never replace a file, and look for log files themselves.
func CheckPlace(path string) error {
	if f, _, err := openRegular(path); err == nil {
		_, isLog := onelog.Identify(f)
		if err := f.Close(); isLog || err != nil {
			return &FileError{Path: path, Reason: "is the log file of a ledger, and commits may be in it that are nowhere else"}
		}
		f, err := openFile(context.Background(), path, Options{LockTimeout: -1})
		if errors.Is(err, creditledger.ErrLocked) {
			return err
		}
		if err == nil {
			unlock(f)
			_ = f.Close()
		}
	}
	return leftLog(path, mark{}, false)
}
