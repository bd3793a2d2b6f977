package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// signalError is a signal that asked the command to end.
type signalError struct{ signal syscall.Signal }

func (e *signalError) Error() string {
	if e.signal == syscall.SIGINT {
		return "interrupted"
	}
	return fmt.Sprintf("interrupted by signal %d (%v)", int(e.signal), e.signal)
}

// Is matches context.Canceled: whoever looks at the error of the context and not at its
// cause has been stopped just the same.
func (e *signalError) Is(target error) bool { return target == context.Canceled }

// status is the exit status that a shell reports for a process that a signal ended.
func (e *signalError) status() int { return 128 + int(e.signal) }

// untilSignal returns a context that ends, with a signalError as its cause, when the
// process is asked to end. What was begun is then finished or taken back. A second
// signal ends the process at once. A signal that is ignored from the start, as SIGHUP
// is under nohup, stays ignored.
func untilSignal(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	go func() {
		select {
		case s := <-signals:
			signal.Stop(signals)
			if s, ok := s.(syscall.Signal); ok {
				cancel(&signalError{s})
			}
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
	}
}

// stoppedBy returns the signal that an error comes from, nil if it has another reason.
func stoppedBy(ctx context.Context, err error) *signalError {
	var stopped *signalError
	if errors.Is(err, context.Canceled) && errors.As(context.Cause(ctx), &stopped) {
		return stopped
	}
	return nil
}
