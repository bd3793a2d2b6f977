package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"creditledger"
	"creditledger/store/postgres"
)

func (a *app) migrateCommand() *cobra.Command {
	var db string
	var buckets int
	cmd := &cobra.Command{
		Use:   "migrate --db postgres://…",
		Short: "Make or upgrade a ledger's schema in PostgreSQL",
		Long: `Make a ledger's schema in a PostgreSQL database, or bring it to the version that this
release works with. It needs a role that may create. No other subcommand needs one, or
makes a schema. docs/postgres.md has roles for serving and for reading.

Running it again does no harm. An older release refuses the schema afterwards.`,
		Example: `  creditledger migrate --db postgres://ledger_migrate@db.example/billing
  creditledger migrate --db 'service=billing' --schema credits --json`,
		Args: cobra.NoArgs,
		RunE: a.work(func(cmd *cobra.Command, _ []string) error {
			if db == "" {
				return &flagError{"--db", errMissing}
			}
			at, err := locate(db, a.schema)
			if err != nil {
				return err
			}
			if at.database == nil {
				return &fileOnlyError{"a ledger file needs no migrate: it is made, and brought up to date, when it is opened"}
			}
			if buckets < 1 && cmd.Flags().Changed("buckets") {
				return &flagError{"--buckets", fmt.Errorf("%d is not at least 1", buckets)}
			}
			return a.migrate(cmd.Context(), at, buckets)
		}),
	}
	a.dbFlagFor(cmd, &db, "", "the `DATABASE`: postgres://…; required")
	cmd.Flags().IntVar(&buckets, "buckets", 0, "`NUMBER` of parts that the accounts of a new schema are divided into, for clusters (default 64)")
	return cmd
}

type migrateObject struct {
	Op      string `json:"op"`
	Schema  string `json:"schema"`
	From    int    `json:"from_version"`
	To      int    `json:"to_version"`
	Buckets int    `json:"buckets"`
}

func (a *app) migrate(ctx context.Context, at location, buckets int) error {
	a.writes = true
	opts := at.options()
	opts.Buckets = buckets
	var before, after postgres.Schema
	pool, err := at.connect(ctx, func(ctx context.Context, pool *pgxpool.Pool) (err error) {
		before, err = postgres.Inspect(ctx, pool, opts)
		return err
	})
	if err != nil {
		return err
	}
	defer pool.Close()
	if before.Version > 0 && buckets > 0 && buckets != before.Buckets {
		return &creditledger.ConstraintError{Reason: fmt.Sprintf("schema %s has %s, which cannot be changed: leave --buckets out", before.Name, count(uint64(before.Buckets), "bucket", "buckets"))}
	}
	if err := postgres.Migrate(ctx, pool, opts); err != nil {
		return err
	}
	if after, err = postgres.Inspect(ctx, pool, opts); err != nil {
		return err
	}
	switch {
	case a.json:
		return a.printJSON(migrateObject{"migrate", after.Name, before.Version, after.Version, after.Buckets})
	case a.quiet:
		return nil
	case before.Version == 0:
		_, err = fmt.Fprintf(a.out, "Schema %s: made, with version %d and %s.\n", after.Name, after.Version, count(uint64(after.Buckets), "bucket", "buckets"))
	case before.Version < after.Version:
		_, err = fmt.Fprintf(a.out, "Schema %s: brought from version %d to %d.\n", after.Name, before.Version, after.Version)
	default:
		_, err = fmt.Fprintf(a.out, "Schema %s: has version %d already; there was nothing to do.\n", after.Name, after.Version)
	}
	return err
}
