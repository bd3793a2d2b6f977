// Package onelog is a prototype, for measurements: a log in a file of its own that is made
// once and overwritten in turn, each commit one write and one flush. docs/design/log.md says
// what a store needs beyond it.
//
// The file is frames one after the other, each at a multiple of Align:
//
//	token 16 | sum of the frame before 16 | number 8 | length 4 | 0 4 | sum 16 | payload
//
// The token is drawn anew whenever the log begins again at its front. So a frame of an earlier
// turn, or of another database, is told from one of this turn, and nothing but the new frames
// has to be written. The sum is the front of the SHA-256 of all the rest.
package onelog

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

const (
	sumSize    = 16
	headerSize = sumSize + sumSize + 8 + 4 + 4 + sumSize
	sumAt      = headerSize - sumSize
)

// Token tells the frames of one turn from all others.
type Token [sumSize]byte

// ErrFull is the error of Append when the frame does not fit: fold, and begin again.
var ErrFull = errors.New("the log is full")

// ErrDamaged is the error of Replay when a frame that was acknowledged is not whole: a whole one
// of the same turn stands behind it, and that was written only after the flush of those before.
var ErrDamaged = errors.New("a frame before the last is damaged")

// Log is one that is written to, by one goroutine at a time.
type Log struct {
	f      *os.File
	align  int64
	size   int64
	token  Token
	prev   [sumSize]byte
	number uint64
	next   int64
	buffer []byte
}

// Create makes a log of so many bytes and writes all of them once, so that a commit changes
// no metadata of the file. A frame begins at a multiple of align.
func Create(path string, size int64, align int, token Token) (*Log, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	zeros := make([]byte, 1<<20)
	for at := int64(0); err == nil && at < size; at += int64(len(zeros)) {
		_, err = f.WriteAt(zeros[:min(int64(len(zeros)), size-at)], at)
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &Log{f: f, align: int64(align), size: size, token: token}, nil
}

// Append makes a payload durable: one write, one flush.
func (l *Log) Append(payload []byte) error {
	size := int64(headerSize + len(payload))
	padded := (size + l.align - 1) / l.align * l.align
	if l.next+padded > l.size {
		return ErrFull
	}
	l.buffer = appendFrame(l.buffer[:0], l.token, l.prev, l.number, payload)
	l.buffer = append(l.buffer, make([]byte, padded-size)...)
	if _, err := l.f.WriteAt(l.buffer, l.next); err != nil {
		return err
	}
	if err := Flush(l.f); err != nil {
		return err
	}
	copy(l.prev[:], l.buffer[sumAt:headerSize])
	l.number++
	l.next += padded
	return nil
}

// Begin begins again at the front. Everything that is in the log is stored elsewhere by now.
func (l *Log) Begin(token Token) { l.token, l.prev, l.next = token, [sumSize]byte{}, 0 }

// Close closes the file.
func (l *Log) Close() error { return l.f.Close() }

func appendFrame(dst []byte, token Token, prev [sumSize]byte, number uint64, payload []byte) []byte {
	dst = append(append(dst, token[:]...), prev[:]...)
	dst = binary.BigEndian.AppendUint64(dst, number)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(payload)))
	dst = append(dst, 0, 0, 0, 0)
	sum := sumOf(dst[:sumAt], payload)
	return append(append(dst, sum[:]...), payload...)
}

func sumOf(front, payload []byte) (sum [sumSize]byte) {
	h := sha256.New()
	h.Write(front)
	h.Write(payload)
	var room [sha256.Size]byte
	copy(sum[:], h.Sum(room[:0]))
	return sum
}

// frame is one that was read.
type frame struct {
	prev, sum [sumSize]byte
	number    uint64
	payload   []byte
}

// frameAt reads the frame of a turn that stands somewhere; false when there is none.
func frameAt(data []byte, at int64, token Token) (f frame, ok bool) {
	if at+headerSize > int64(len(data)) || !bytes.Equal(data[at:at+sumSize], token[:]) {
		return f, false
	}
	head := data[at : at+headerSize]
	copy(f.prev[:], head[sumSize:])
	f.number = binary.BigEndian.Uint64(head[2*sumSize:])
	size := int64(binary.BigEndian.Uint32(head[2*sumSize+8:]))
	if at+headerSize+size > int64(len(data)) {
		return f, false
	}
	f.payload = data[at+headerSize : at+headerSize+size]
	f.sum = sumOf(head[:sumAt], f.payload)
	return f, bytes.Equal(f.sum[:], head[sumAt:])
}

// Replay calls apply with the payloads of one turn, in order, up to the first frame that is not
// whole, and returns how many there were.
func Replay(r io.Reader, align int, token Token, apply func(number uint64, payload []byte) error) (n int, err error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return 0, err
	}
	var last frame
	at := int64(0)
	for {
		f, ok := frameAt(data, at, token)
		if !ok || n > 0 && (f.prev != last.sum || f.number != last.number+1) || n == 0 && f.prev != [sumSize]byte{} {
			break
		}
		if err := apply(f.number, f.payload); err != nil {
			return n, err
		}
		last = f
		n++
		at += (headerSize + int64(len(f.payload)) + int64(align) - 1) / int64(align) * int64(align)
	}
	for ; at+headerSize <= int64(len(data)); at += int64(align) {
		if f, ok := frameAt(data, at, token); ok {
			return n, fmt.Errorf("%w: frame %d stands behind it", ErrDamaged, f.number)
		}
	}
	return n, nil
}
