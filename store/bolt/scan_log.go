package bolt

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"slices"

	"creditledger"
	"creditledger/internal/onelog"
)

// maxLogSize is how much is read of what says that it is a log file.
const maxLogSize = 64 << 20

// logFile reads what is intact of the log file beside a damaged ledger file, which nobody may
// write to meanwhile.
func (s *scan) logFile(ctx context.Context, path string) error {
	path += logSuffix
	f, size, err := openRegular(path)
	if err == nil {
		defer f.Close()
		if err := lockLog(ctx, f, false, 0); err != nil {
			return err
		}
	}
	s.beside(path, f, size, err)
	return nil
}

// beside reads a log file that was opened, or not.
func (s *scan) beside(path string, f *os.File, size int64, err error) {
	known := s.sound && !s.badMark
	switch {
	case known && !s.inUse():
		if err == nil {
			s.leftLog(f, size)
		}
	case errors.Is(err, fs.ErrNotExist) && s.inUse():
		s.leavesOpen("the ledger was not closed, and its log file %s is missing: what was committed behind log record %d may be missing", path, s.logEnd)
	case err != nil && (s.inUse() || s.badMark):
		s.leavesOpen("the ledger may have been open, and its log file cannot be read: what was committed behind log record %d may be missing (%v)", s.logEnd, err)
	case err != nil:
		return // nothing says that there was one
	case known:
		s.usedLog(f, size, s.marks[0])
	default:
		s.anyLog(f, size)
	}
}

// openRegular opens a file for reading, and says how long it is, up to maxLogSize.
func openRegular(path string) (*os.File, int64, error) {
	info, err := os.Lstat(path)
	if err == nil {
		err = checkFile(path, info.Mode())
	}
	if err != nil {
		return nil, 0, err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|openFlags, 0)
	return f, min(info.Size(), maxLogSize), err
}

// inUse reports whether anything in the file says that its log file is in use.
func (s *scan) inUse() bool {
	return slices.ContainsFunc(s.marks, func(m mark) bool { return m.inUse })
}

// leftLog looks at a log file that the ledger file says is not in use. If it has other commits
// than those that the ledger file knows, this is an older copy, or a damaged meta page took it back.
func (s *scan) leftLog(f *os.File, size int64) {
	id, isLog := onelog.Identify(f)
	if !isLog {
		return
	}
	if len(s.marks) > 0 && s.marks[0].id == id {
		if onelog.Left(f, size, s.marks[0].turns...) != nil {
			s.anyLog(f, size)
		}
	} else if onelog.Left(f, size) != nil {
		s.leavesOpen("a log file with commits of another ledger, or of a later state of this one, lies beside the ledger file: they are not in the new file")
	}
}

// usedLog takes the turns that the ledger file names, and where they are damaged, all that
// is there.
func (s *scan) usedLog(f *os.File, size int64, m mark) {
	turns, err := onelog.Read(f, m.size, m.turns[0], m.turns[1:]...)
	if id, _ := onelog.Identify(f); id != m.id && len(turns) == 0 {
		s.leavesOpen("the ledger was not closed, and the log file beside it is another one: what was committed behind log record %d may be missing", s.logEnd)
		return
	}
	s.frames(turns, true)
	switch {
	case err != nil:
		s.leavesOpen("log file: %v: commits may be missing that were nowhere else", err)
		s.anyLog(f, size)
	case size < m.size:
		s.leavesOpen("log file: it was cut short behind log record %d: commits may be missing that were nowhere else", s.logEnd)
	default:
		s.leavesOpen("the ledger was not closed: its log file ends behind log record %d, and nothing proves that this was the last", s.logEnd)
	}
}

// anyLog takes all that is in a log file, where nobody knows which turns are not folded: it
// fills gaps.
func (s *scan) anyLog(f *os.File, size int64) {
	id, isLog := onelog.Identify(f)
	ours := slices.ContainsFunc(s.marks, func(m mark) bool { return m.id == id })
	switch {
	case isLog && !ours && len(s.marks) > 0:
		s.leavesOpen("the log file beside the ledger file is another one: commits may be missing that were nowhere else")
		return
	case !isLog && !s.inUse() && !s.badMark:
		return // somebody's
	}
	turns, err := onelog.All(f, size)
	s.frames(turns, false)
	s.leavesOpen("it cannot be told what of its log file is missing in the ledger file: all of it that is intact was read, up to log record %d", s.logEnd)
	if err != nil {
		s.leavesOpen("log file: %v: commits may be missing that were nowhere else", err)
	}
}

func (s *scan) frames(turns []onelog.Turn, newer bool) {
	for _, t := range turns {
		for _, f := range t.Frames {
			s.frame(f, newer)
		}
	}
}

// frame takes the rows of a commit, which are newer than the ledger file or may be older.
func (s *scan) frame(f onelog.Frame, newer bool) {
	rows, ok := parsePutRows(f.Payload)
	if !ok {
		s.leavesOpen("log file: the commit behind log record %d is not what a commit writes", f.Number)
	}
	s.filling = false
	for _, row := range rows {
		if row.document {
			s.pair(bucketRecords, row.key, row.value, 0)
			continue
		}
		number := binary.BigEndian.Uint64(row.key)
		r, err := parseLogRecord(number, row.value)
		if err != nil {
			continue
		}
		rec, err := creditledger.DecodeRecord(r.bytes)
		if err != nil {
			continue
		}
		if rec.ReadTexts(r.texts) != nil {
			r.texts = nil
		}
		s.logged(rec, newer, found{data: r.bytes, said: r.texts, size: len(r.bytes), texts: len(r.texts), number: number, prev: rec.Prev, seal: creditledger.SealOf(r.bytes)})
		s.logEnd = max(s.logEnd, number)
	}
}

// logged takes a record from the log file. The ledger file may have it, too: which of them is
// newer says what texts were erased since.
func (s *scan) logged(rec *creditledger.OpRecord, newer bool, f found) {
	list := s.log[rec.Account][rec.Seq]
	for i := range list {
		if list[i].seal == f.seal {
			if newer || list[i].data != nil {
				list[i] = f
			}
			return
		}
	}
	s.journal(rec, f)
}
