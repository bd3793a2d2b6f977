// Command creditledger keeps a ledger of prepaid credits in a local file or in PostgreSQL.
// People use a subcommand for each operation; programs use creditledger apply, which reads
// operations files. Try creditledger demo.
package main

import (
	"context"
	"os"
)

func main() {
	ctx, stop := untilSignal(context.Background())
	a := &app{in: os.Stdin, out: os.Stdout, err: os.Stderr, defaultDB: "credits.db"}
	status := a.run(ctx, os.Args[1:])
	stop()
	os.Exit(status)
}
