package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"creditledger"
)

// checkSchema checks that this release can work on a schema, and that the rows are where
// this release looks for them.
func checkSchema(ctx context.Context, c client, sql *statements, o Options) (meta, error) {
	m, err := metaOf(ctx, c, sql)
	if missing(err) {
		return m, &setupError{reason: "there is no ledger in this schema: run Migrate", migrate: true}
	}
	if err != nil {
		return m, err
	}
	if err := m.suits(o); err != nil {
		return m, err
	}
	if err := checkOrder(ctx, c, sql); err != nil {
		return m, err
	}
	return m, checkPlaces(ctx, c, sql, m.buckets)
}

// suits refuses a schema that this release, or a caller's options, cannot work on.
func (m *meta) suits(o Options) error {
	switch {
	case m.version < len(migrations):
		return &setupError{reason: fmt.Sprintf("the schema has version %d, this release needs %d: run Migrate", m.version, len(migrations)), migrate: true}
	case m.version > len(migrations):
		return &setupError{reason: fmt.Sprintf("the schema has version %d, this release knows versions up to %d: use a later release", m.version, len(migrations))}
	case m.buckets < 1 || m.buckets > maxBuckets:
		return &creditledger.CorruptError{Where: "meta", Reason: "the number of buckets is missing"}
	case o.askedBuckets != 0 && o.askedBuckets != m.buckets:
		return &setupError{reason: fmt.Sprintf("the schema has %d buckets, Options.Buckets says %d: leave it out, the number cannot be changed", m.buckets, o.askedBuckets)}
	case m.text != metaText:
		return &setupError{reason: fmt.Sprintf("text comes back as %q that was stored as %q: the database was loaded, or is asked, in another encoding. "+
			"Load the dump again with the client_encoding that it was made with, or take client_encoding out of the connection", m.text, metaText)}
	}
	return nil
}

// checkOrder checks that the text columns compare as bytes. Lists are merged, and
// continued, in that order.
func checkOrder(ctx context.Context, c client, sql *statements) error {
	sorted := false
	if err := query(ctx, c, sql.order, nil, []any{&sorted}, func() error { return nil }); err != nil {
		return err
	}
	if !sorted {
		return &setupError{reason: "text in this schema does not sort by bytes: copy the ledger to a database with LC_COLLATE 'C', or to a schema made without Options.Portable"}
	}
	return nil
}

// checkPlaces checks that the first accounts and the last ones lie in their buckets. With
// another number of buckets, or with names in another encoding, accounts would not be
// found.
func checkPlaces(ctx context.Context, c client, sql *statements, buckets int) error {
	var bucket int32
	var id creditledger.AccountID
	dest := []any{&bucket, &id.Customer, &id.Currency}
	look := func() error {
		if at := accountPosOf(id, buckets); at.bucket != bucket {
			return &setupError{reason: fmt.Sprintf("account %v lies in bucket %d, and belongs in %d of %d: the number of buckets in meta, the rows or the encoding of their names were changed; restore them as they were",
				id, bucket, at.bucket, buckets)}
		}
		return nil
	}
	if err := query(ctx, c, sql.firstHeads, nil, dest, look); err != nil {
		return err
	}
	return query(ctx, c, sql.lastHeads, nil, dest, look)
}

// checkEncoding refuses a database that cannot hold every text, if the database says
// which encoding it has.
func checkEncoding(ctx context.Context, c client, sql *statements) error {
	encoding, err := setting(ctx, c, sql.encoding)
	if err == nil && encoding != "" && encoding != "UTF8" {
		return &setupError{reason: fmt.Sprintf("the encoding of the database is %s: make one with ENCODING 'UTF8'", encoding)}
	}
	return err
}

// checkSettings refuses a database that cannot hold every text, and a connection on which a
// commit would not be durable.
func checkSettings(ctx context.Context, c client, sql *statements) error {
	if err := checkEncoding(ctx, c, sql); err != nil {
		return err
	}
	durable, err := setting(ctx, c, sql.durable)
	if err == nil && durable == "off" {
		return &setupError{reason: "synchronous_commit is off: what is acknowledged would not survive a crash"}
	}
	return err
}

// checkWatched checks that the store would get the warning of a server with standbys.
// Call it outside a transaction.
func checkWatched(ctx context.Context, conn *pgx.Conn, sql *statements) error {
	standbys, err := setting(ctx, conn, sql.standbys)
	if err != nil || standbys == "" {
		return err
	}
	// Outside a transaction this does nothing but warn.
	data := conn.PgConn().CustomData()
	delete(data, warnedKey)
	if _, err := conn.Exec(ctx, sql.rollback); err != nil {
		return err
	}
	if data[warnedKey] != true {
		return &setupError{reason: "the server has synchronous standbys: make the pool with a configuration that went through postgres.Watch"}
	}
	return nil
}

// setting returns a setting of the server, empty if it has none of that name.
func setting(ctx context.Context, c client, sql string) (text string, err error) {
	var value *string
	err = query(ctx, c, sql, nil, []any{&value}, func() error {
		if value != nil {
			text = *value
		}
		return nil
	})
	return text, err
}
