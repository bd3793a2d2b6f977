package opsfile

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
)

// MaxLine is the number of bytes a line may have, its line break not counted. A
// longer line is refused without being held in memory, and the next one is read.
const MaxLine = 4 << 20

// lineReader divides a stream into lines. A line is available as soon as its line break
// was read. The reader never waits for more than that.
type lineReader struct {
	in     *bufio.Reader
	buf    []byte // the beginning of a line that is longer than the reader's buffer
	number int
}

func newLineReader(in io.Reader) *lineReader {
	return &lineReader{in: bufio.NewReaderSize(in, 64<<10)}
}

// next returns the next line without its line break, valid until the next call; or tooLong
// in the place of a line that has more than MaxLine bytes. At the end it returns io.EOF.
func (r *lineReader) next() (line []byte, tooLong bool, err error) {
	r.buf = r.buf[:0]
	for {
		part, err := r.in.ReadSlice('\n')
		full := errors.Is(err, bufio.ErrBufferFull)
		if err != nil && !full && (err != io.EOF || len(part)+len(r.buf) == 0 && !tooLong) {
			return nil, false, err
		}
		if !full {
			part = bytes.TrimSuffix(part, []byte("\n"))
		}
		switch {
		case tooLong:
		case len(r.buf)+len(part) > MaxLine:
			tooLong, r.buf = true, r.buf[:0]
		case full || len(r.buf) > 0:
			r.buf = append(r.buf, part...)
			part = r.buf
		}
		if full {
			continue
		}
		r.number++
		if tooLong {
			return nil, true, nil
		}
		return part, false, nil
	}
}

// patientReader reads from in until ctx ends. A terminal or a pipe that has nothing
// cannot be told to stop waiting, so another goroutine waits.
type patientReader struct {
	ctx  context.Context
	in   io.Reader
	buf  []byte
	read chan int
	err  error // the error of the read whose length arrives
}

func (r *patientReader) Read(p []byte) (int, error) {
	if r.read == nil {
		r.read = make(chan int, 1)
	}
	if len(r.buf) < len(p) {
		r.buf = make([]byte, len(p))
	}
	go func() {
		n, err := r.in.Read(r.buf[:len(p)])
		r.err = err
		r.read <- n
	}()
	select {
	case n := <-r.read:
		return copy(p, r.buf[:n]), r.err
	case <-r.ctx.Done():
		return 0, context.Cause(r.ctx)
	}
}

// skipped reports whether a line gets no answer, because it is blank or a comment.
func skipped(line []byte) bool {
	return len(bytes.Trim(line, " \t\r")) == 0 || line[0] == '#'
}
