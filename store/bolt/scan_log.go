package bolt

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"

	"creditledger"
	"creditledger/internal/onelog"
)

// logFile reads what is intact of the log file of a damaged ledger file: the turns that the
// file names, and if it names none any more, all that is there.
func (s *scan) logFile(path string) {
	path += logSuffix
	if s.mark != nil && !s.mark.inUse {
		return // all of it is in the file
	}
	info, err := os.Lstat(path)
	if err == nil {
		err = checkFile(path, info.Mode())
	}
	var f *os.File
	if err == nil {
		f, err = os.OpenFile(path, os.O_RDONLY|openFlags, 0)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) && s.mark == nil:
		return // a ledger that is closed has none
	case err != nil:
		s.leavesOpen("the log file cannot be read: commits may be missing that were nowhere else (%v)", err)
		return
	}
	defer f.Close()
	size := min(info.Size(), maxLogSize)
	var turns []onelog.Turn
	if s.mark == nil {
		turns, err = onelog.All(f, size)
	} else if size = s.mark.size; size > maxLogSize {
		return
	} else {
		turns, err = onelog.Read(f, size, s.mark.turns[0], s.mark.turns[1:]...)
	}
	s.leavesOpen("the ledger was not closed: nothing proves that the last commit in its log file was the last of all")
	if err != nil {
		s.leavesOpen("log file: %v: commits may be missing that were nowhere else", err)
	}
	for _, t := range turns {
		for _, frame := range t.Frames {
			s.frame(frame)
		}
	}
}

// maxLogSize is how much is read of what says that it is a log file.
const maxLogSize = 64 << 20

// frame takes the rows of a commit.
func (s *scan) frame(f onelog.Frame) {
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
		s.logged(rec, found{data: r.bytes, said: r.texts, size: len(r.bytes), texts: len(r.texts), number: number, prev: rec.Prev, seal: creditledger.SealOf(r.bytes)})
		s.logEnd = max(s.logEnd, number)
	}
}

// logged takes a record from the log file. The file may have it, too, with texts that were
// erased since.
func (s *scan) logged(rec *creditledger.OpRecord, f found) {
	list := s.log[rec.Account][rec.Seq]
	for i := range list {
		if list[i].seal == f.seal {
			list[i] = f
			return
		}
	}
	s.journal(rec, f)
}
