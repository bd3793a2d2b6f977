package postgres_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"creditledger"
	"creditledger/store/postgres"
)

// TestTamperedRowsAreNoticed: whoever verifies the ledger afresh notices.
func TestTamperedRowsAreNoticed(t *testing.T) {
	tampered(t, func(pool *pgxpool.Pool, _ *creditledger.Ledger, c tampering) {
		if verifiesAfresh(t.Context(), pool) {
			t.Errorf("%s is not noticed: %s", c.what, c.statement)
		}
	})
}

// verifiesAfresh opens the ledger as another process would, and verifies all of it.
func verifiesAfresh(ctx context.Context, pool *pgxpool.Pool) (whole bool) {
	s, err := postgres.Open(ctx, pool, nil)
	if err != nil {
		return false
	}
	defer s.Close()
	l := creditledger.New(s, nil)
	defer l.Close()
	v, err := l.VerifyAll(ctx, nil)
	return v.Violation == nil && err == nil
}
