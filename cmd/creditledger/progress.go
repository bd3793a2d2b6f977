package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// patience is how long work goes on before a progress bar appears.
const patience = 500 * time.Millisecond

// isTerminal reports whether a stream is a person's terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// showsProgress reports whether a bar has a place: a terminal on stderr that does not
// also get the output.
func (a *app) showsProgress() bool {
	return !a.quiet && isTerminal(a.err)
}

// bar is a progress bar that appears after a while. The zero bar shows nothing.
type bar struct {
	out   io.Writer // nil: shows nothing
	total int64     // -1: unknown
	unit  string
	bytes bool

	begin time.Time
	shown *progressbar.ProgressBar
}

// countBar counts things of which nobody knows how many there are.
func (a *app) countBar(unit string) *bar {
	b := &bar{total: -1, unit: unit, begin: time.Now()}
	if a.showsProgress() {
		b.out = a.err
	}
	return b
}

// fileBar follows how far a file has been read.
func (a *app) fileBar(f *os.File) *bar {
	b := &bar{bytes: true, begin: time.Now()}
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() && a.showsProgress() && !isTerminal(a.out) {
		b.out, b.total = a.err, info.Size()
	}
	return b
}

// count says how much is done by now.
func (b *bar) count(n uint64) { b.set(int64(n)) }

func (b *bar) set(n int64) {
	if b.out == nil || (b.shown == nil && time.Since(b.begin) < patience) {
		return
	}
	if b.shown == nil {
		b.shown = progressbar.NewOptions64(b.total,
			progressbar.OptionSetWriter(b.out),
			progressbar.OptionShowBytes(b.bytes),
			progressbar.OptionShowCount(),
			progressbar.OptionSetItsString(b.unit),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(),
			progressbar.OptionSetWidth(30),
		)
	}
	_ = b.shown.Set64(n) // a bar that cannot be drawn is no reason to stop
}

// done removes the bar.
func (b *bar) done() {
	if b.shown != nil {
		_ = b.shown.Finish()
	}
}

// reader follows what is read from in.
func (b *bar) reader(in io.Reader) io.Reader {
	if b.out == nil {
		return in
	}
	return &countedReader{in: in, bar: b}
}

type countedReader struct {
	in  io.Reader
	bar *bar
	n   int64
}

func (r *countedReader) Read(p []byte) (int, error) {
	n, err := r.in.Read(p)
	r.n += int64(n)
	r.bar.set(r.n)
	return n, err
}
