package peers

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	_ "modernc.org/sqlite"

	"creditledger/bench/measure"
)

// What an application would write by hand: the first block that holds something is
// drawn, an entry is inserted with the balance after, under a unique key.
const (
	schema = `
CREATE TABLE blocks (id INTEGER PRIMARY KEY, customer TEXT NOT NULL, remaining INTEGER NOT NULL, expires INTEGER NOT NULL);
CREATE INDEX blocks_of ON blocks (customer, expires);
CREATE TABLE entries (id INTEGER PRIMARY KEY, customer TEXT NOT NULL, block INTEGER NOT NULL, amount INTEGER NOT NULL,
	balance INTEGER NOT NULL, request TEXT NOT NULL, at INTEGER NOT NULL DEFAULT (unixepoch()), UNIQUE (customer, request));`
	fill = `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ? * 10 - 1)
		INSERT INTO blocks SELECT i, 'cus_' || (i / 10), 1000000000000, i % 10 FROM n`
	first  = `SELECT id FROM blocks WHERE customer = ? AND remaining >= 1 ORDER BY expires, id LIMIT 1`
	draw   = `UPDATE blocks SET remaining = remaining - 1 WHERE id = ?`
	total  = `SELECT sum(remaining) FROM blocks WHERE customer = ?`
	insert = `INSERT INTO entries (customer, block, amount, balance, request) VALUES (?, ?, 1, ?, ?)`
)

// BenchmarkSQLite spends one credit from the first of ten blocks, in a file that is
// synced at every commit.
func BenchmarkSQLite(b *testing.B) {
	for _, customers := range measure.Size([]int{1, 10_000}, []int{1, 100}) {
		b.Run(fmt.Sprintf("accounts=%d", customers), func(b *testing.B) {
			s := openSQLite(b, customers)
			for _, writers := range []int{1, 8, 64} {
				b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
					measure.Together(b, writers, func(i int) error {
						return s.spend(fmt.Sprintf("cus_%d", i*7919%customers))
					})
				})
			}
		})
	}
}

// sqlite is a database with its statements prepared, on one connection: SQLite has one
// writer at a time.
type sqlite struct {
	db                         *sql.DB
	first, draw, total, insert *sql.Stmt
	requests                   atomic.Uint64
}

func openSQLite(b *testing.B, customers int) *sqlite {
	b.Helper()
	path := filepath.Join(b.TempDir(), "peer.db")
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(wal)&_pragma=synchronous(full)&_txlock=immediate")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(schema); err != nil {
		b.Fatal(err)
	}
	if _, err := db.Exec(fill, customers); err != nil {
		b.Fatal(err)
	}
	s := &sqlite{db: db}
	for text, into := range map[string]**sql.Stmt{first: &s.first, draw: &s.draw, total: &s.total, insert: &s.insert} {
		if *into, err = db.Prepare(text); err != nil {
			b.Fatal(err)
		}
	}
	return s
}

func (s *sqlite) spend(customer string) error {
	ctx := context.Background()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	var block, left int64
	if err := tx.StmtContext(ctx, s.first).QueryRow(customer).Scan(&block); err != nil {
		return err
	}
	if _, err := tx.StmtContext(ctx, s.draw).Exec(block); err != nil {
		return err
	}
	if err := tx.StmtContext(ctx, s.total).QueryRow(customer).Scan(&left); err != nil {
		return err
	}
	// The key is random, like those of the ledger's callers.
	n := s.requests.Add(1) * 0x9e3779b97f4a7c15
	if _, err := tx.StmtContext(ctx, s.insert).Exec(customer, block, left, fmt.Sprintf("%016x-%010d", n, s.requests.Load())); err != nil {
		return err
	}
	return tx.Commit()
}
