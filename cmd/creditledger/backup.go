package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
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
		Short: "Copy the ledger into a new file",
		Long: `Copy the ledger to FILE, which appears only once it is whole and on the disk. It holds
the ledger as it was at one moment, whether that is in a file or in PostgreSQL.

The copy is a ledger file like any other: use it with --db, prove it with verify, and
bring it back, or into a database, with copy.`,
		Example: `  creditledger grant cus_1 100
  creditledger backup credits-2030-01-01.db
  creditledger backup --force latest.db
  creditledger migrate --db postgres://ledger@db.example/billing
  creditledger backup billing.db --db postgres://ledger@db.example/billing`,
		Args: cobra.ExactArgs(1),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			return a.backup(cmd.Context(), args[0], force)
		}),
	}
	a.dbFlag(cmd)
	cmd.Flags().BoolVar(&force, "force", false, "replace FILE if it exists")
	return cmd
}

func (a *app) backup(ctx context.Context, path string, force bool) error {
	at, err := a.locate(a.db, a.schema)
	if err != nil {
		return err
	}
	if isConnection(path) {
		return &fileOnlyError{"backup makes a file: creditledger copy --to copies into a database"}
	}
	if _, err := os.Lstat(path); err == nil && !force {
		return &statusError{statusUsage, fmt.Errorf("%s exists: choose another name, or --force to replace it", path)}
	}
	if at.sameAs(location{file: path}) {
		return &statusError{statusUsage, fmt.Errorf("%s is the ledger itself: choose another name", path)}
	}
	if err := bolt.CheckPlace(path); err != nil {
		return err
	}
	a.writes = true
	n, err := writeBackup(path, force, func(temp string) error { return a.backupInto(ctx, at, temp) })
	switch {
	case err != nil:
		return err
	case a.json:
		return a.printJSON(backupObject{"backup", path, n})
	case !a.quiet:
		_, err = fmt.Fprintf(a.out, "%s: %s\n", path, count(uint64(n), "byte", "bytes"))
	}
	return err
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

// backupInto copies the ledger into a new file: page by page if the ledger is a file
// itself, else account by account.
func (a *app) backupInto(ctx context.Context, at location, path string) error {
	if at.database != nil {
		_, err := a.copyLedger(ctx, at, location{file: path})
		var stopped *interruptedError
		if errors.As(err, &stopped) {
			err = stopped.err // unlike a copy, a backup begins again
		}
		return err
	}
	return a.withStore(ctx, toRead, func(_ *creditledger.Ledger, s store.Store) error {
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		if _, err = s.(store.Backuper).Backup(ctx, file); err == nil {
			err = file.Sync()
		}
		return firstOf(err, file.Close())
	})
}

// writeBackup makes a file in a folder beside path, moves it there, and returns its size.
func writeBackup(path string, force bool, fill func(path string) error) (n int64, err error) {
	dir := filepath.Dir(path)
	temp, err := os.MkdirTemp(dir, ".creditledger-backup-*") // of mode 0700
	if err != nil {
		return 0, fmt.Errorf("no file can be made in %s: %w", dir, errors.Unwrap(err))
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	whole := filepath.Join(temp, "ledger.db")
	if err := fill(whole); err != nil {
		var about *fs.PathError
		if errors.As(err, &about) && about.Path == whole {
			about.Path = path // the user does not know the temporary name
		}
		return 0, err
	}
	info, err := os.Stat(whole)
	if err != nil {
		return 0, err
	}
	if err := place(whole, path, force); err != nil {
		return 0, err
	}
	return info.Size(), syncDir(dir)
}

// place gives a file its name. Without force that is never the name of another file.
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

// syncDir makes a new name in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
