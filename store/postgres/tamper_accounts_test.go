package postgres_test

import (
	"fmt"
	"strings"
	"testing"

	"creditledger"
)

// TestTamperingWithAccounts: an account that is there and cannot be found, or is found and
// has no history, is noticed and named, whatever became of its rows.
func TestTamperingWithAccounts(t *testing.T) {
	pool := ledgerOfRows(t)
	every := func(format string) (list []string) {
		for _, table := range tablesOf(t, pool) {
			if table != "meta" && table != "records" {
				list = append(list, fmt.Sprintf(format, table))
			}
		}
		return list
	}
	points := []creditledger.Checkpoint{}
	l := creditledger.New(reopen(t, pool, nil), nil)
	defer l.Close()
	for _, customer := range []string{"ann", "bob", "cyd", "dan"} {
		c, err := l.Checkpoint(t.Context(), creditledger.AccountID{Customer: customer, Currency: "credits"})
		if err != nil {
			t.Fatal(err)
		}
		points = append(points, c)
	}
	for _, c := range []struct {
		name       string
		statements []string
		says       string
		since      []creditledger.Checkpoint // where only a checkpoint can tell
	}{
		{"fewer buckets", []string{"UPDATE creditledger.meta SET v = '3' WHERE k = 'buckets'"}, "", nil},
		{"one bucket", []string{"UPDATE creditledger.meta SET v = '1' WHERE k = 'buckets'"}, "", nil},
		{"more buckets", []string{"UPDATE creditledger.meta SET v = '64' WHERE k = 'buckets'"}, `meta row "buckets": it says "64", the store was opened with "4"`, nil},
		{"a setting too many", []string{"INSERT INTO creditledger.meta VALUES ('bucket', '4')"}, `meta row "bucket"`, nil},
		{"all rows in another bucket", every("UPDATE creditledger.%s SET bucket = (bucket + 1) %% 4 WHERE customer = 'ann'"), "ann/credits: accounts: it is listed, and nothing", nil},
		{"all rows in a bucket that there is not", every("UPDATE creditledger.%s SET bucket = 77 WHERE customer = 'ann'"), "ann/credits: index: heads: a row in bucket 77, of 4", nil},
		{"all rows in a bucket below the first", every("UPDATE creditledger.%s SET bucket = -1 WHERE customer = 'ann'"), "ann/credits: index: heads: a row in bucket -1, of 4", nil},
		{"all rows under another name", every("UPDATE creditledger.%s SET customer = 'anné' WHERE customer = 'ann'"), `"anné"/credits, record 1`, nil},
		{"all rows of another currency", every("UPDATE creditledger.%s SET currency = 'Credits' WHERE customer = 'ann'"), "ann/Credits", nil},
		{"the head deleted", []string{"DELETE FROM creditledger.heads WHERE customer = 'ann'"}, "ann/credits", nil},
		{"the head under another name", []string{"UPDATE creditledger.heads SET customer = 'eve' WHERE customer = 'ann'"}, "eve/credits", nil},
		{"the head in another bucket", []string{"UPDATE creditledger.heads SET bucket = 77 WHERE customer = 'ann'"}, "ann/credits", nil},
		{"all but the head gone", every("DELETE FROM creditledger.%s WHERE customer = 'ann' AND '%[1]s' <> 'heads'"), "ann/credits: readable: corrupt", nil},
		{"all but the journal gone", every("DELETE FROM creditledger.%s WHERE customer = 'ann' AND '%[1]s' <> 'journal'"), "ann/credits: index: journal: a row in bucket", nil},
		{"a record behind the head", []string{"INSERT INTO creditledger.journal SELECT seq + 1, bucket, customer, currency, record, lines FROM creditledger.journal WHERE customer = 'ann' ORDER BY seq DESC LIMIT 1"},
			"ann/credits, record 11", nil},
		{"a record far behind the head", []string{"INSERT INTO creditledger.journal SELECT seq + 5, bucket, customer, currency, record, lines FROM creditledger.journal WHERE customer = 'ann' ORDER BY seq DESC LIMIT 1"},
			"ann/credits, record 11", nil},
		{"a record before the first", []string{"INSERT INTO creditledger.journal SELECT 0, bucket, customer, currency, record, lines FROM creditledger.journal WHERE customer = 'ann' ORDER BY seq LIMIT 1"},
			"ann/credits: index: journal row 0", nil},
		{"a block before the first", []string{"INSERT INTO creditledger.blocks (number, created_at, effective_at, expires_at, bucket, priority, status, source, customer, currency, id, data, initial) " +
			"SELECT -1, created_at, effective_at, expires_at, bucket, priority, status, source, customer, currency, id, data, initial FROM creditledger.blocks WHERE customer = 'ann' ORDER BY number LIMIT 1"},
			"ann/credits: index: blocks row -1", nil},
		{"everything of an account gone", every("DELETE FROM creditledger.%s WHERE customer = 'ann'"), "ann/credits: checkpoint: the account is gone", points},
		{"everything of an account as it was", append(every("DELETE FROM creditledger.%s WHERE customer = 'ann'"), every("INSERT INTO creditledger.%[1]s SELECT * FROM old.%[1]s WHERE customer = 'ann'")...),
			"ann/credits: checkpoint: the journal ends at record 6, the checkpoint is at 10", points},
	} {
		v, err := verifyTampered(t, pool, c.statements, c.since...)
		if err != nil || v.Violation == nil || !strings.Contains(v.Violation.String(), c.says) {
			t.Errorf("%s: %v, %v; want %q", c.name, v.Violation, err, c.says)
		}
		if c.since == nil {
			continue
		}
		if v, err := verifyTampered(t, pool, c.statements); err != nil || v.Violation != nil {
			t.Errorf("%s, without a checkpoint: %v, %v", c.name, v.Violation, err)
		}
	}
	// One table as it was, all others as they are: none can be left behind.
	for _, table := range tablesOf(t, pool) {
		moved := column[int](t, pool, fmt.Sprintf("SELECT count(*) FROM (SELECT * FROM creditledger.%[1]s EXCEPT SELECT * FROM old.%[1]s) AS d", table))
		if moved[0] == 0 || table == "records" {
			continue
		}
		aged := []string{"DELETE FROM creditledger." + table, fmt.Sprintf("INSERT INTO creditledger.%[1]s SELECT * FROM old.%[1]s", table)}
		if v, err := verifyTampered(t, pool, aged); err != nil || v.Violation == nil {
			t.Errorf("%s as it was: %v, %v", table, v.Violation, err)
		}
	}
}
