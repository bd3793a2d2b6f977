package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"creditledger"
	"creditledger/store/bolt"
)

func (a *app) compactCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "compact",
		Short: "Rewrite a ledger file without its unused pages",
		Long: `Rewrite the ledger's file without its unused pages. The file gets smaller, and no byte of
erased texts is left in it.

The new file takes the place of the old one once it is whole and on the disk. Nobody may
use the ledger meanwhile. What the disk keeps of the old file is up to the file system.

A ledger in PostgreSQL is cleaned by the database: see VACUUM.`,
		Example: `  creditledger grant cus_1 100 --description "gift of Ada"
  creditledger erase cus_1
  creditledger compact
  creditledger compact --json`,
		Args: cobra.NoArgs,
		RunE: a.work(func(cmd *cobra.Command, _ []string) error {
			at, err := a.locate(a.db, a.schema)
			if err != nil {
				return err
			}
			if at.database != nil {
				return &fileOnlyError{"compact is for files: a database cleans up by itself"}
			}
			if _, err := os.Stat(at.file); errors.Is(err, fs.ErrNotExist) {
				return &missingFileError{path: at.file, flag: "--db"}
			}
			a.writes = true
			before, after, err := bolt.CompactInPlace(cmd.Context(), at.file, &bolt.Options{GroupAccess: at.group})
			switch {
			case errors.Is(err, creditledger.ErrLocked): // its text is for Go programs
				return &lockedError{at.file, err}
			case err != nil:
				return err
			case a.json:
				return a.printJSON(compactObject{"compact", before, after})
			case !a.quiet:
				_, err = fmt.Fprintf(a.out, "%s: %s before, %s now\n", at.file, count(uint64(before), "byte", "bytes"), count(uint64(after), "byte", "bytes"))
			}
			return err
		}),
	}
	a.dbFlag(cmd)
	return cmd
}

type compactObject struct {
	Op     string `json:"op"`
	Before int64  `json:"bytes_before"`
	After  int64  `json:"bytes"`
}
