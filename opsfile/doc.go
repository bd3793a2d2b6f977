// Package opsfile reads operations files: the line format of creditledger apply. One
// JSON object a line goes in, one JSON object a line comes out, in the same order.
// docs/operations.md says what may stand on a line and what is answered.
//
// Run executes a whole file, or a stream that another program is still writing:
//
//	ledger := creditledger.New(memory.New(), nil)
//	summary, err := opsfile.Run(ctx, ledger, os.Stdin, os.Stdout, nil)
//
// Parse reads a single line into a Request, Execute carries a Request out, and an
// Answer knows its JSON form; the command's other subcommands and the fuzz targets
// are built from these.
package opsfile
