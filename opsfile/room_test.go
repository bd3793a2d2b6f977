package opsfile_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"creditledger"
	"creditledger/opsfile"
	"creditledger/store/memory"
)

// repeated is a file that has the same line n times; it counts what was read of it.
type repeated struct {
	line  string
	left  int
	rest  string
	mu    sync.Mutex
	bytes int
	ended bool
}

func (r *repeated) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rest == "" {
		if r.left == 0 {
			r.ended = true
			return 0, io.EOF
		}
		r.left--
		r.rest = r.line
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	r.bytes += n
	return n, nil
}

func (r *repeated) read() (bytes int, ended bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bytes, r.ended
}

// unread is an output that nobody reads until it is let go.
type unread struct {
	open chan struct{}
	out  bytes.Buffer
}

func (u *unread) Write(p []byte) (int, error) {
	<-u.open
	return u.out.Write(p)
}

// stalls waits until nothing more is read, and returns how much was.
func stalls(in *repeated) int {
	for last := -1; ; {
		n, ended := in.read()
		if n == last && n > 0 || ended {
			return n
		}
		last = n
		time.Sleep(400 * time.Millisecond)
	}
}

// TestAnOutputNobodyReadsStopsTheReading: whatever the lines are, long ones or short ones
// with long answers, the lines begun and not yet answered are bounded by what they take
// up; and nothing is lost when the output is read at last.
func TestAnOutputNobodyReadsStopsTheReading(t *testing.T) {
	note := `"description":"` + strings.Repeat("x", 3000) + `"`
	grant := `{"op":"increment","customer_id":"c","amount":"1",` + note + `}`
	batch := `{"op":"batch","customer_id":"c","operations":[` + strings.Repeat(`{"op":"increment","amount":"1",`+note+`},`, 900) + `{"op":"increment","amount":"1"}]}`
	for _, c := range []struct {
		name   string
		before string // lines that are done first
		line   string
		lines  int
		most   int // lines begun
	}{
		{"long lines", "", batch + "\n", 8, 4},
		{"long answers", strings.Repeat(grant+"\n", 400), `{"op":"entries","customer_id":"c","limit":400}` + "\n", 60, 30},
		{"answers of many blocks", strings.Repeat(grant+"\n", 400), `{"op":"explain","customer_id":"c","amount":"1"}` + "\n", 350, 230},
		{"results of many entries", strings.Repeat(grant+"\n", 400), `{"op":"preview","operation":{"op":"decrement","amount":"400"},"customer_id":"c"}` + "\n", 350, 230},
	} {
		// What is read ahead of the lines begun is to be few of them.
		c.line = strings.TrimSuffix(c.line, "\n") + strings.Repeat(" ", max(0, 4096-len(c.line))) + "\n"
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := creditledger.New(memory.New(), nil)
			defer l.Close()
			if _, err := opsfile.Run(t.Context(), l, strings.NewReader(c.before), io.Discard, nil); err != nil {
				t.Fatal(err)
			}
			in, out := &repeated{line: c.line, left: c.lines}, &unread{open: make(chan struct{})}
			done := make(chan error, 1)
			go func() {
				summary, err := opsfile.Run(context.Background(), l, in, out, nil)
				if err == nil && (summary.Answers != c.lines || summary.Errors != 0) {
					err = fmt.Errorf("%+v", summary)
				}
				done <- err
			}()
			read := stalls(in)
			close(out.open)
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			if begun := read / len(c.line); begun > c.most+1+(64<<10)/len(c.line) {
				t.Errorf("%d lines of %d bytes are begun", begun, len(c.line))
			}
			if n := bytes.Count(out.out.Bytes(), []byte("\n")); n != c.lines {
				t.Errorf("%d answers", n)
			}
		})
	}
}
