package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// meta has the settings of a schema.
type meta struct {
	version, buckets int
	id               string // drawn by Migrate: one ledger and its copies have it
	text             string // metaText as the server returns it
}

// metaText does not survive a dump or a connection that uses another encoding.
const metaText = "é€😀"

func metaOf(ctx context.Context, c client, sql *statements) (m meta, err error) {
	rows, err := c.Query(ctx, sql.meta)
	if err != nil {
		return m, err
	}
	var key, value string
	_, err = pgx.ForEachRow(rows, []any{&key, &value}, func() error {
		switch key {
		case "version":
			m.version, err = strconv.Atoi(value)
		case "buckets":
			m.buckets, err = strconv.Atoi(value)
		case "id":
			m.id = value
		case "text":
			m.text = value
		}
		return err
	})
	return m, err
}

// missing reports whether there is no such schema, or no ledger in it.
func missing(err error) bool {
	var server *pgconn.PgError
	return errors.As(err, &server) && (server.Code == "42P01" || server.Code == "3F000")
}

// Schema is what a database says of the ledger's schema.
type Schema struct {
	Name    string
	Version int // how far it is migrated; 0: there is no ledger in it
	Latest  int // what Migrate of this release brings it to
	Buckets int // 0 when there is no ledger in it
}

// Inspect looks at the ledger's schema, whether it is migrated or not.
func Inspect(ctx context.Context, pool *pgxpool.Pool, opts *Options) (Schema, error) {
	o, err := opts.withDefaults()
	if err != nil {
		return Schema{}, fmt.Errorf("inspect ledger: %w", err)
	}
	var m meta
	conn, err := pool.Acquire(ctx)
	if err == nil {
		defer conn.Release()
		m, err = metaOf(ctx, conn.Conn(), statementsFor(o.Schema))
	}
	if err != nil && !missing(err) {
		return Schema{}, fmt.Errorf("inspect ledger in schema %s: %w", o.Schema, discreet(err))
	}
	return Schema{Name: o.Schema, Version: m.version, Latest: len(migrations), Buckets: m.buckets}, nil
}

// Migrate creates the schema and brings it to the version that this release works
// with. It needs the right to create; a Store does not. Running it again, or from
// several processes at once, does no harm; an older release refuses the schema
// afterwards.
func Migrate(ctx context.Context, pool *pgxpool.Pool, opts *Options) error {
	o, err := opts.withDefaults()
	if err != nil {
		return fmt.Errorf("migrate ledger: %w", err)
	}
	conn, err := pool.Acquire(ctx)
	if err == nil {
		defer conn.Release()
		for attempt := 0; ; attempt++ {
			err = migrate(ctx, conn.Conn(), o)
			if attempt+1 == readAttempts || !raced(err) {
				break
			}
			pause(ctx, attempt)
		}
	}
	if err != nil {
		return fmt.Errorf("migrate ledger in schema %s: %w", o.Schema, discreet(err))
	}
	return nil
}

// raced reports whether another Migrate was just creating the same things: IF NOT
// EXISTS does not wait for it.
func raced(err error) bool {
	var server *pgconn.PgError
	if !errors.As(err, &server) {
		return false
	}
	switch server.Code {
	case "23505", "42P06", "42P07", "42710", "40001", "40P01", "XX000":
		return true
	}
	return false
}

// forbidden reports whether an error is about a missing right. An administrator may have
// made the schema for a role that may only fill it.
func forbidden(err error) bool {
	var server *pgconn.PgError
	return errors.As(err, &server) && server.Code == "42501"
}

const (
	createSchema = `CREATE SCHEMA IF NOT EXISTS {s}`
	insertMeta   = `INSERT INTO {s}.meta (k, v) VALUES ($1, $2)`
	updateMeta   = `UPDATE {s}.meta SET v = $2 WHERE k = $1`
)

func migrate(ctx context.Context, conn *pgx.Conn, o Options) error {
	var m meta
	m, err := metaOf(ctx, conn, statementsFor(o.Schema))
	if err != nil { // there is no schema yet, or no right to read it
		m = meta{}
		if _, err := conn.Exec(ctx, inSchema(createSchema, o.Schema)); err != nil && !forbidden(err) {
			return err
		}
	}
	if m.version > len(migrations) {
		return &setupError{reason: fmt.Sprintf("it has version %d, this release knows versions up to %d", m.version, len(migrations))}
	}
	if err := checkEncoding(ctx, conn, statementsFor(o.Schema)); err != nil {
		return err
	}
	for version := m.version; version < len(migrations); version++ {
		list := migrations[version].statements
		if !o.Portable {
			list = append(list[:len(list):len(list)], migrations[version].postgres...)
		}
		for _, statement := range list {
			if _, err := conn.Exec(ctx, collated(inSchema(statement, o.Schema), o.Portable)); err != nil {
				return err
			}
		}
		settings := map[string]string{"version": strconv.Itoa(version + 1)}
		if version == 0 {
			settings["buckets"] = strconv.Itoa(o.Buckets)
		}
		if version == identified {
			settings["id"], settings["text"] = rand.Text(), metaText
		}
		for _, key := range []string{"buckets", "id", "text", "version"} {
			if err := setMeta(ctx, conn, o.Schema, key, settings[key]); err != nil {
				return err
			}
		}
	}
	return nil
}

// setMeta writes a setting that is not empty. It changes no existing setting except the
// version.
func setMeta(ctx context.Context, conn *pgx.Conn, schema, key, value string) error {
	m, err := metaOf(ctx, conn, statementsFor(schema))
	if err != nil || value == "" {
		return err
	}
	there := map[string]bool{"version": m.version != 0, "buckets": m.buckets != 0, "id": m.id != "", "text": m.text != ""}[key]
	switch {
	case !there:
		_, err = conn.Exec(ctx, inSchema(insertMeta, schema), key, value)
	case key == "version":
		_, err = conn.Exec(ctx, inSchema(updateMeta, schema), key, value)
	}
	return err
}
