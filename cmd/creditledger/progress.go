package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"creditledger/store/transfer"
)

// patience is how long work goes on before a progress bar appears.
const patience = 500 * time.Millisecond

// isTerminal reports whether a stream is a person's terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// showsProgress reports whether a bar can be shown: stderr is a terminal, and does not
// also get the output.
func (a *app) showsProgress() bool {
	return !a.quiet && isTerminal(a.err)
}

// bar is a progress bar that appears after a while. The zero bar shows nothing.
type bar struct {
	reached uint64
	shown   *progressbar.ProgressBar
	screen  *patientWriter
}

// patientWriter drops what is written to it before its patience is over.
type patientWriter struct {
	out     io.Writer
	begin   time.Time
	written bool
}

func (w *patientWriter) Write(p []byte) (int, error) {
	if time.Since(w.begin) < patience {
		return len(p), nil
	}
	w.written = true
	return w.out.Write(p)
}

// newBar makes a bar for total things, -1 if nobody knows how many there will be.
func newBar(out io.Writer, begin time.Time, what string, total int64, bytes bool) *bar {
	screen := &patientWriter{out: out, begin: begin}
	return &bar{screen: screen, shown: progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(screen),
		progressbar.OptionSetDescription(what),
		progressbar.OptionShowBytes(bytes),
		progressbar.OptionShowCount(),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetWidth(30),
	)}
}

// countBar counts records.
func (a *app) countBar(what string) *bar {
	if !a.showsProgress() {
		return &bar{}
	}
	return newBar(a.err, time.Now(), what, -1, false)
}

// copyBar follows a copy.
func (a *app) copyBar() *bar {
	if !a.showsProgress() {
		return &bar{}
	}
	return newBar(a.err, time.Now(), "looking at both", 1, false) // the number is not known yet
}

// copied says how far a copy is.
func (b *bar) copied(p transfer.Progress) {
	if b.shown == nil {
		return
	}
	if p.Journal+p.Accounts+p.Records == 0 { // the copy is still counting what there is
		return
	}
	b.shown.Describe("records of " + count(p.AllAccounts, "account", "accounts"))
	b.shown.ChangeMax64(int64(max(p.AllJournal, p.Arrived, 1)))
	b.count(p.Arrived)
}

// fileBar follows how far a file has been read.
func (a *app) fileBar(f *os.File) *bar {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || !a.showsProgress() || a.printsToTerminal {
		return &bar{}
	}
	return newBar(a.err, time.Now(), "", info.Size(), true)
}

// count says how much is done by now.
func (b *bar) count(n uint64) {
	b.reached = n
	if b.shown != nil {
		_ = b.shown.Set64(int64(n)) // an error of the bar is no reason to stop
	}
}

// done removes the bar and reports whether anybody saw it.
func (b *bar) done() bool {
	if b.shown == nil {
		return false
	}
	_ = b.shown.Finish()
	return b.screen.written
}

// reader follows what is read from in.
func (b *bar) reader(in io.Reader) io.Reader {
	if b.shown == nil {
		return in
	}
	return &countedReader{in: in, bar: b}
}

type countedReader struct {
	in  io.Reader
	bar *bar
	n   uint64
}

func (r *countedReader) Read(p []byte) (int, error) {
	n, err := r.in.Read(p)
	r.n += uint64(n)
	r.bar.count(r.n)
	return n, err
}
