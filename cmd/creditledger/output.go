package main

import (
	"fmt"
	"io"
)

// output is standard output. It remembers that a write failed, because most callers
// ignore the error, and a command must not end with status 0 if its answer is lost. After
// that it writes nothing more, because a reader might take the rest for the whole.
type output struct {
	to  io.Writer
	err error
}

func (o *output) Write(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.to.Write(p)
	o.err = err
	return n, err
}

// outputError is an answer that could not be printed.
type outputError struct {
	err  error
	done bool // the ledger has been written nevertheless
}

func (e *outputError) Error() string {
	text := fmt.Sprintf("the output could not be written: %v", e.err)
	if e.done {
		return text + "; what was asked for is done: do not give the command again"
	}
	return text + "; give the command again when there is room for its output"
}

func (e *outputError) Unwrap() error { return e.err }
