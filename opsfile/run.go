package opsfile

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"creditledger"
	"creditledger/invoice"
)

// queueLength is the number of answers that may wait for their turn: how far reading
// may run ahead of the disk, and how many operations may share commits.
const queueLength = 4096

// Options of Run. The zero Options run to the end by the real clock.
type Options struct {
	Clock       *Clock // the ledger's own manual clock; nil: clock lines are refused
	StopOnError bool   // end at the first error answer
}

// Summary says how a run went.
type Summary struct {
	Answers   int  // lines answered
	Errors    int  // answers that are errors
	Malformed int  // of these, lines that were not one well-formed JSON object with a known op
	Storage   int  // of these, trouble with the store
	Stopped   bool // ended early, by StopOnError
}

// ExitStatus is the exit status of creditledger apply after a run that Run itself
// returned no error for; 1 is the status when it did.
func (s Summary) ExitStatus() int {
	switch {
	case s.Stopped:
		return 3
	case s.Storage > 0:
		return 1
	case s.Malformed > 0:
		return 2
	}
	return 0
}

// Run reads operations from in until its end and writes one answer a line to out, in the
// same order. A line is carried out as soon as it has been read, and its answer is written
// as soon as what it asked for is durable; neither waits for more input. Lines sent ahead
// share commits, unless StopOnError says that they are done one by one.
//
// The error, if any, says why in could not be read to its end, or why out could not be
// written. Or it is the cause of ctx, which ends Run between lines and while in has none.
// Whatever was begun is finished and answered first. A Read of in that is under way then
// goes on after Run has returned, and what it reads is lost.
func Run(ctx context.Context, ledger *creditledger.Ledger, in io.Reader, out io.Writer, opts *Options) (Summary, error) {
	if opts == nil {
		opts = &Options{}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	begun := make(chan begunAnswer, queueLength)
	settled := make(chan begunAnswer, queueLength)
	printed := make(chan error, 1)
	room := newAllowance()
	p := printer{out: bufio.NewWriterSize(out, 64<<10), room: room}

	r := runner{ledger: ledger, opts: opts, begun: begun, room: room}
	go r.settle(context.WithoutCancel(ctx), begun, settled)
	go func() {
		err := p.print(settled)
		if err != nil {
			cancel(err)
		}
		for b := range settled { // drain the answers, which nobody will read
			room.give(b.weight)
		}
		printed <- err
	}()

	err := r.read(ctx, in)
	close(begun)
	if printErr := <-printed; printErr != nil {
		err = printErr
	}
	p.summary.Stopped = r.stopped
	return p.summary, err
}

// begunAnswer is an answer that may still wait for its operation to be durable.
type begunAnswer struct {
	Answer
	pending *creditledger.Pending
	weight  int // what it takes of the room
}

// runner reads lines and begins what they ask for.
type runner struct {
	ledger  *creditledger.Ledger
	opts    *Options
	begun   chan<- begunAnswer
	room    *allowance
	pending sync.WaitGroup // writing operations that have begun and are not settled
	stopped bool
}

func (r *runner) read(ctx context.Context, in io.Reader) error {
	lines := newLineReader(&patientReader{ctx: ctx, in: in})
	for ctx.Err() == nil {
		line, tooLong, err := lines.next()
		switch {
		case err == io.EOF:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return fmt.Errorf("read line %d: %w", lines.number+1, err)
		case !tooLong && skipped(line):
			continue
		}
		weight := lineWeight(len(line))
		if err := r.room.take(ctx, weight, 0); err != nil {
			return err
		}
		answer := r.begin(ctx, line, tooLong)
		if stopped(ctx, answer.Err) {
			return context.Cause(ctx)
		}
		answer.Line = lines.number
		// The line has begun and has to be answered. Those before it will be.
		more := answerWeight(&answer)
		if err := r.room.take(context.WithoutCancel(ctx), more, weight); err != nil {
			return err
		}
		answer.weight = weight + more
		r.begun <- answer
		if r.opts.StopOnError && answer.Err != nil {
			r.stopped = true
			return nil
		}
	}
	return context.Cause(ctx)
}

// stopped reports whether a line was given up because ctx ended, with nothing done: it
// counts as not begun.
func stopped(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) && !errors.Is(err, creditledger.ErrOutcomeUnknown)
}

// begin carries a line out. It only decides a writing operation, which becomes durable
// later. It moves the clock once all operations before are durable, because an operation
// that is decided afresh has to be decided at the time of its own line.
func (r *runner) begin(ctx context.Context, line []byte, tooLong bool) begunAnswer {
	if tooLong {
		return begunAnswer{Answer: Answer{Err: &MalformedError{Reason: fmt.Sprintf("the line has more than %d bytes", MaxLine)}}}
	}
	request, err := ParseWith(line, func(externalID string) (creditledger.Customer, error) {
		return r.ledger.CustomerByExternalID(ctx, externalID)
	})
	if err != nil {
		return begunAnswer{Answer: Answer{Op: request.Op, Err: err}}
	}
	op, writes := request.Args.(creditledger.Operation)
	if _, ok := request.Args.(SetClock); ok {
		r.pending.Wait()
	}
	if !writes || r.opts.StopOnError || invoice.Reverses(op) {
		return begunAnswer{Answer: Execute(ctx, r.ledger, r.opts.Clock, request)}
	}
	answer := begunAnswer{Answer: Answer{Op: request.Op}}
	if answer.pending, answer.Err = r.ledger.Submit(ctx, request.Account, op, request.Key); answer.Err != nil {
		answer.pending = nil
		return answer
	}
	r.pending.Add(1)
	return answer
}

// settle waits for each operation in turn and passes its answer on.
func (r *runner) settle(ctx context.Context, begun <-chan begunAnswer, settled chan<- begunAnswer) {
	defer close(settled)
	for b := range begun {
		if b.pending != nil {
			b.Result, b.Err = b.pending.Wait(ctx)
			r.pending.Done()
		}
		b.pending = nil
		settled <- b
	}
}

// printer writes settled answers. It never holds one back while it waits for the next.
type printer struct {
	out     *bufio.Writer
	line    []byte // the answer so far, or the rest of a long one that is not written yet
	room    *allowance
	summary Summary
}

// maxWhole is the length of the longest line that is written in one piece.
const maxWhole = 1 << 20

// Write adds to the answer. It writes a part of an answer that has become long.
func (p *printer) Write(part []byte) (int, error) {
	p.line = append(p.line, part...)
	if len(p.line) < maxWhole {
		return len(part), nil
	}
	_, err := p.out.Write(p.line)
	p.line = p.line[:0]
	return len(part), err
}

// end ends the answer. Only whole lines are written together.
func (p *printer) end() (err error) {
	if p.out.Available() < len(p.line) {
		err = p.out.Flush()
	}
	if err == nil {
		_, err = p.out.Write(p.line)
	}
	p.line = p.line[:0]
	return err
}

func (p *printer) print(settled <-chan begunAnswer) error {
	for b := range settled {
		err := b.WriteJSON(p)
		if err == nil {
			err = p.end()
		}
		if err == nil && len(settled) == 0 {
			err = p.out.Flush()
		}
		p.room.give(b.weight)
		if err != nil {
			return fmt.Errorf("write the answer to line %d: %w", b.Line, err)
		}
		p.count(&b.Answer)
	}
	return nil
}

func (p *printer) count(a *Answer) {
	p.summary.Answers++
	if a.Err == nil {
		return
	}
	p.summary.Errors++
	var malformed *MalformedError
	switch {
	case errors.As(a.Err, &malformed):
		p.summary.Malformed++
	case Code(a.Err) == CodeStorage:
		p.summary.Storage++
	}
}
