// Package onelog is a log of commits in a file of its own that is made once and overwritten
// in turn: a commit is one write and one flush. docs/design/log.md says why, and what the
// store does with it.
//
// The file is a page that says whose it is, and two halves. A turn is one use of one half:
// frames one after the other, each at the next multiple of 4,096 bytes.
//
//	token 16 | sum of the frame before 16 | number 8 | length 4 | 0 4 | sum 16 | payload
//
// The token names the turn, and the sum of the frame before is zero in the first frame of a
// turn. The sum is the front of the SHA-256 of all of the frame but itself. So a frame that
// was being written when the power went, one of an earlier turn and one of another log are
// told from those that count.
package onelog

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
)

// Size is how long a log file is.
const Size = page + 32<<20

// ErrFull is the error of Append when a half has no room left for the frame: the next turn
// goes on in the other half, once what is there is stored elsewhere.
var ErrFull = errors.New("this half of the log is full")

// Log is a log file that is written to, by one goroutine at a time.
type Log struct {
	f      *os.File
	id     ID
	half   int64    // how long one is
	at     int64    // where the next frame goes, from the begin of the file,
	lastAt int64    // and where the one before it in its turn stands
	turn   Turn     // that is being written, without its frames
	names  [2]Token // of the turns whose first frames stand in the halves, zero: none
	buffer []byte
	found  sum // room of Unchanged

	writeAt func(p []byte, off int64) (int, error) // of f
	flush   func() error                           // what was written is on the disk then
}

func newLog(f *os.File, id ID, size int64) *Log {
	return &Log{f: f, id: id, half: (size - page) / 2, writeAt: f.WriteAt, flush: func() error { return Flush(f) }}
}

// Make fills the file of a log: all of it is written once, so that a commit changes no
// metadata, and is on the disk then. The file is new, and may be there, but empty.
func Make(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	var id ID
	_, _ = rand.Read(id[:])
	_, err = f.WriteAt(appendFront(nil, id), 0)
	zeros := make([]byte, 1<<20)
	for at := int64(page); err == nil && at < size; at += int64(len(zeros)) {
		_, err = f.WriteAt(zeros[:min(int64(len(zeros)), size-at)], at)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// New begins with a file that Make has made, which is the log's from then on.
func New(f *os.File, size int64) (*Log, error) {
	id, ok := Identify(f)
	if !ok {
		return nil, errors.New("no log file")
	}
	return newLog(f, id, size), nil
}

// Continue goes on in a file that Read found those turns in, the last of which is the one to
// go on with. The file is the log's from then on. The last frame may not be on the disk, if
// who wrote it did not come to its flush: Continue puts it there.
func Continue(f *os.File, size int64, last Turn) (*Log, error) {
	id, _ := Identify(f)
	l := newLog(f, id, size)
	l.turn = last
	l.turn.Frames = nil
	l.at = l.begin(last.Half) + last.end
	if n := len(last.Frames); n > 0 {
		l.lastAt = l.at - frameSize(len(last.Frames[n-1].Payload))
	}
	var err error
	if l.names, err = names(f, size); err == nil {
		err = l.flush()
	}
	return l, err
}

// begin is where a half begins.
func (l *Log) begin(half int) int64 { return page + int64(half)*l.half }

// Begin begins a turn in the half that is not in use, under a token of its own.
func (l *Log) Begin(token Token) {
	half := 0
	if l.at > 0 { // it is in use for the first time otherwise
		half = 1 - l.turn.Half
	}
	l.turn = Turn{Token: token, Half: half}
	l.at = l.begin(half)
}

// Turn begins the turn that follows this one, in the other half. What is there is stored
// elsewhere by now.
func (l *Log) Turn() { l.Begin(l.Following()) }

// ID tells the file from all other logs.
func (l *Log) ID() ID { return l.id }

// Names are the turns that stand in the halves, from one on to the last.
func (l *Log) Names() []Token { return known(l.names) }

// Token is that of the turn that is being written.
func (l *Log) Token() Token { return l.turn.Token }

// Following is the token of the turn that follows.
func (l *Log) Following() Token { return l.turn.Following() }

// Empty reports whether nothing has been written in this turn.
func (l *Log) Empty() bool { return l.turn.end == 0 }

// Fits reports whether a half has room for a payload at all.
func (l *Log) Fits(payload int) bool { return frameSize(payload) <= l.half }

// Append makes a commit durable: one write, one flush. When it fails with anything but
// ErrFull, nobody can tell what is in the file, and the log must not be used any more.
func (l *Log) Append(number uint64, payload []byte) error {
	n := frameSize(len(payload))
	if l.turn.end+n > l.half {
		return ErrFull
	}
	l.buffer = appendFrame(l.buffer[:0], l.turn.Token, l.turn.last, number, payload)
	if _, err := l.writeAt(l.buffer, l.at); err != nil {
		return err
	}
	if err := l.flush(); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	l.names[l.turn.Half] = l.turn.Token
	copy(l.turn.last[:], l.buffer[sumAt:headerSize])
	l.turn.end += n
	l.lastAt = l.at
	l.at += n
	if cap(l.buffer) > maxBuffer {
		l.buffer = nil
	}
	return nil
}

// maxBuffer is how much memory is kept for the next frame.
const maxBuffer = 64 << 10

// Unchanged reports whether the last frame of the turn, or at its begin the front of the
// file, is what was written there.
func (l *Log) Unchanged() bool {
	if l.Empty() {
		id, ok := Identify(l.f)
		return ok && id == l.id
	}
	_, err := l.f.ReadAt(l.found[:], l.lastAt+int64(sumAt))
	return err == nil && l.found == l.turn.last
}

// Stat says what the file is.
func (l *Log) Stat() (os.FileInfo, error) { return l.f.Stat() }

// Close closes the file.
func (l *Log) Close() error { return l.f.Close() }
