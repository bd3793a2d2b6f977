package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"creditledger"
	"creditledger/store"
	"creditledger/store/bolt"
	"creditledger/store/postgres"
)

// dbFlag gives a subcommand its ledger.
func (a *app) dbFlag(cmd *cobra.Command) {
	a.dbFlagFor(cmd, &a.db, a.defaultDB, "the `LEDGER`: a file, or postgres://…")
}

// dbFlagFor is dbFlag with another default and another variable.
func (a *app) dbFlagFor(cmd *cobra.Command, db *string, otherwise, usage string) {
	cmd.Flags().StringVar(db, "db", otherwise, usage)
	cmd.Flags().StringVar(&a.schema, "schema", "", "the `NAME` of the ledger's schema in a PostgreSQL database (default creditledger)")
	a.groupFlag(cmd)
	_ = cmd.MarkFlagFilename("db")
	_ = cmd.RegisterFlagCompletionFunc("schema", cobra.NoFileCompletions)
}

// groupFlag lets a ledger file be one that its group may open.
func (a *app) groupFlag(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&a.group, "group-access", false, "the group of a ledger file may read and write it (mode 0660), as on shared volumes")
}

// location is where a ledger is: a file, or a schema of a database.
type location struct {
	file     string
	group    bool            // the file's group may open it too
	database *pgxpool.Config // nil: it is a file
	schema   string
}

// String never tells how the database is reached.
func (l location) String() string {
	if l.database == nil {
		return l.file
	}
	return "schema " + l.schema + " of the database"
}

const defaultSchema = "creditledger"

// sameAs reports whether two locations are the same ledger, as far as can be seen.
func (l location) sameAs(other location) bool {
	if l.database == nil || other.database == nil {
		return l.database == nil && other.database == nil && sameFile(l.file, other.file)
	}
	a, b := l.database.ConnConfig, other.database.ConnConfig
	return a.Host == b.Host && a.Port == b.Port && a.Database == b.Database && l.schema == other.schema
}

// locate is locate with the other flags about ledgers.
func (a *app) locate(name, schema string) (location, error) {
	at, err := locate(name, schema)
	at.group = a.group
	return at, err
}

// locate reads a --db, and the --schema that goes with it.
func locate(name, schema string) (location, error) {
	if !isConnection(name) {
		if schema != "" {
			return location{}, &flagError{"--schema", errors.New("it goes with a --db that is a PostgreSQL database")}
		}
		return location{file: name}, nil
	}
	text, ok := connectionText(name)
	if !ok {
		return location{}, &flagError{"ledger", errors.New("a ledger is a file, or a PostgreSQL database as postgres://… or parameters as libpq takes them; a file of such a name is written ./NAME")}
	}
	config, err := pgxpool.ParseConfig(text)
	if err != nil { // its text quotes the connection
		return location{}, &flagError{"connection", errors.New("it is neither a URL of the scheme postgres nor parameters as libpq takes them: see creditledger help")}
	}
	const param = "schema"
	params := config.ConnConfig.RuntimeParams
	given := params[param]
	delete(params, param) // a parameter of this command, which the server does not know
	switch {
	case schema != "" && given != "" && schema != given:
		return location{}, &flagError{"--schema", errors.New("the connection names another")}
	case schema == "" && given == "":
		schema = defaultSchema
	case schema == "":
		schema = given
	}
	if params["application_name"] == "" {
		params["application_name"] = "creditledger"
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = patienceToConnect
	}
	postgres.Watch(config)
	return location{database: config, schema: schema}, nil
}

// patienceToConnect is how long a database may take to answer for the first time.
const patienceToConnect = 10 * time.Second

// silentError is a database that does not answer.
type silentError struct{}

func (silentError) Error() string {
	return fmt.Sprintf("the database did not answer within %s", patienceToConnect)
}

// connect makes a pool and calls f, which first talks to the database.
func (l location) connect(ctx context.Context, f func(context.Context, *pgxpool.Pool) error) (*pgxpool.Pool, error) {
	pool, err := pgxpool.NewWithConfig(ctx, l.database)
	if err != nil { // an impossible configuration; its text may name the host
		return nil, errors.New("no connection to the database can be made as it is configured")
	}
	waiting, cancel := context.WithTimeout(ctx, patienceToConnect)
	defer cancel()
	if err := f(waiting, pool); err != nil {
		pool.Close()
		if waiting.Err() != nil && ctx.Err() == nil {
			err = silentError{}
		}
		return nil, err
	}
	return pool, nil
}

// database is a ledger in PostgreSQL with a pool of its own.
type database struct {
	*postgres.Store
	pool *pgxpool.Pool
}

// Close implements store.Store.
func (d *database) Close() error {
	err := d.Store.Close()
	d.pool.Close()
	return err
}

func (l location) options() *postgres.Options { return &postgres.Options{Schema: l.schema} }

// access says what a subcommand wants of the ledger.
type access uint8

const (
	toRead   access = iota // the ledger must exist; a file is opened read-only
	toChange               // the ledger must exist
	toCreate               // a file is made if there is none
)

// open opens the ledger. A schema is never made on the way: that is migrate's.
func (l location) open(ctx context.Context, want access) (store.Store, error) {
	if l.database != nil {
		d := &database{}
		var err error
		d.pool, err = l.connect(ctx, func(ctx context.Context, pool *pgxpool.Pool) (err error) {
			d.Store, err = postgres.Open(ctx, pool, l.options())
			return err
		})
		if err != nil {
			return nil, err
		}
		return d, nil
	}
	if want != toCreate {
		if _, err := os.Lstat(l.file); errors.Is(err, fs.ErrNotExist) {
			return nil, &missingFileError{path: l.file, flag: "--db"}
		}
	}
	s, err := bolt.Open(l.file, &bolt.Options{ReadOnly: want == toRead, GroupAccess: l.group})
	switch {
	case errors.Is(err, creditledger.ErrLocked): // which tells what a Go program can do
		return nil, &lockedError{l.file, err}
	case err != nil:
		return nil, err
	}
	return s, nil
}

// withStore opens the ledger of the command line, calls f and closes it again.
func (a *app) withStore(ctx context.Context, want access, f func(*creditledger.Ledger, store.Store) error) error {
	at, err := a.locate(a.db, a.schema)
	if err != nil {
		return err
	}
	s, err := at.open(ctx, want)
	if err != nil {
		return err
	}
	a.writes = a.writes || want != toRead
	ledger := creditledger.New(s, a.options())
	return errors.Join(f(ledger, s), ledger.Close(), s.Close())
}

// withLedger is withStore for all that the ledger itself can do.
func (a *app) withLedger(ctx context.Context, want access, f func(*creditledger.Ledger) error) error {
	return a.withStore(ctx, want, func(l *creditledger.Ledger, _ store.Store) error { return f(l) })
}
