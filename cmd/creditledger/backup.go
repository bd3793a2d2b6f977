package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/spf13/cobra"

	"creditledger"
	"creditledger/store"
	"creditledger/store/bolt"
)

func (a *app) backupCommand() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the ledger file consistently",
		Long: `Copy the ledger to FILE, which appears only once it is whole and on the disk.

The copy is a ledger file like any other: use it with --db, and prove it with verify.`,
		Example: `  creditledger backup credits-2030-01-01.db
  creditledger backup --force latest.db`,
		Args: cobra.ExactArgs(1),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			if _, err := os.Lstat(args[0]); err == nil && !force {
				return &statusError{statusUsage, fmt.Errorf("%s exists: choose another name, or --force to replace it", args[0])}
			}
			if sameFile(a.db, args[0]) {
				return &statusError{statusUsage, fmt.Errorf("%s is the ledger itself: choose another name", args[0])}
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt)
			defer stop()
			return a.withLedger(toRead, func(_ *creditledger.Ledger, s *bolt.Store) error {
				n, err := backup(ctx, s, args[0], force)
				switch {
				case err != nil:
					return err
				case a.json:
					return json.NewEncoder(a.out).Encode(backupObject{"backup", args[0], n})
				case !a.quiet:
					_, err = fmt.Fprintf(a.out, "%s: %s\n", args[0], count(uint64(n), "byte", "bytes"))
				}
				return err
			})
		}),
	}
	a.dbFlag(cmd)
	cmd.Flags().BoolVar(&force, "force", false, "replace FILE if it exists")
	return cmd
}

type backupObject struct {
	Op    string `json:"op"`
	File  string `json:"file"`
	Bytes int64  `json:"bytes"`
}

func sameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// backup writes a snapshot beside path and moves it there once it is on the disk.
func backup(ctx context.Context, from store.Backuper, path string, force bool) (n int64, err error) {
	dir := filepath.Dir(path)
	temp, err := os.CreateTemp(dir, ".creditledger-backup-*") // of mode 0600
	if err != nil {
		return 0, fmt.Errorf("no file can be made in %s: %w", dir, errors.Unwrap(err))
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreMissing(os.Remove(temp.Name())))
		}
	}()
	n, err = from.Backup(ctx, temp)
	if err == nil {
		err = temp.Sync()
	}
	if err := firstOf(err, temp.Close()); err != nil {
		return n, err
	}
	if err := place(temp.Name(), path, force); err != nil {
		return n, err
	}
	return n, syncDir(dir)
}

// place gives a file its name; without force never that of another file.
func place(temp, path string, force bool) error {
	if force {
		return os.Rename(temp, path)
	}
	err := os.Link(temp, path)
	switch {
	case err == nil:
		return os.Remove(temp)
	case errors.Is(err, fs.ErrExist):
		return err
	}
	// No links on this file system.
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	return os.Rename(temp, path)
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// syncDir makes a new name in a directory last.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
