// Package postgres keeps a ledger in a PostgreSQL database, for any number of
// processes at once.
//
//	config, err := pgxpool.ParseConfig(os.Getenv("DATABASE_URL"))
//	…
//	postgres.Watch(config)
//	pool, err := pgxpool.NewWithConfig(ctx, config)
//	…
//	err = postgres.Migrate(ctx, pool, nil) // once, with the right to create tables
//	s, err := postgres.Open(ctx, pool, nil)
//
// Everything lies in one schema. No account is ever locked while the ledger decides:
// a commit says which version of an account it was computed from, and the database
// refuses it when another process was faster. The ledger then decides again.
//
// When Commit returns nil, the changes are as durable as the server makes a COMMIT:
// Open refuses connections with synchronous_commit off. When the reply to COMMIT is
// lost, the store finds out by itself whether the changes are stored.
//
// Join keeps a ledger in the caller's own transaction. docs/postgres.md describes
// the tables, the roles, the views for reports, and what is known of other engines
// that speak PostgreSQL's protocol.
package postgres
