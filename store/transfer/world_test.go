package transfer_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"creditledger"
	_ "creditledger/fuzz/testmemory"
	"creditledger/opsfile"
	"creditledger/store"
	"creditledger/store/bolt"
	"creditledger/store/memory"
	"creditledger/store/postgres"
	"creditledger/store/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// stores are the stores of this module, each able to make empty ones.
var stores = []struct {
	name string
	make func(t *testing.T) store.Store
}{
	{"memory", func(*testing.T) store.Store { return memory.New() }},
	{"bolt", func(t *testing.T) store.Store {
		s, err := bolt.Open(filepath.Join(t.TempDir(), "ledger.db"), nil)
		return opened(t, s, err)
	}},
	{"postgres", func(t *testing.T) store.Store {
		config, err := pgxpool.ParseConfig(pgtest.Database(t))
		if err != nil {
			t.Fatal(err)
		}
		postgres.Watch(config)
		pool, err := pgxpool.NewWithConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		if err := postgres.Migrate(t.Context(), pool, nil); err != nil {
			t.Fatal(err)
		}
		s, err := postgres.Open(t.Context(), pool, nil)
		return opened(t, s, err)
	}},
}

func opened(t *testing.T, s store.Store, err error) store.Store {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// history has every entry type, keys, customers, invoices and a batch.
const history = `
{"op":"clock","now":"2026-01-05T17:00:00Z"}
{"op":"customer","id":"ada","external_customer_id":"crm-1","name":"Ada","timezone":"America/Los_Angeles","currency":"USD","metadata":{"plan":"gold"}}
{"op":"customer","id":"bob","currency":"USD"}
{"op":"increment","customer_id":"ada","amount":"50","expiry_date":"2026-02-01","block_id":"trial","idempotency_key":"g1"}
{"op":"increment","customer_id":"ada","amount":"100.000000000000000001","expiry_date":"2026-07-01","per_unit_cost_basis":"0.20","block_id":"paid","filters":[{"field":"item_id","operator":"includes","values":["api"]}],"metadata":{"order":"1001"}}
{"op":"decrement","customer_id":"ada","amount":"70","item_id":"api","idempotency_key":"usage-7"}
{"op":"expiration_change","customer_id":"ada","block_id":"paid","amount":"20","target_expiry_date":"2027-01-01","new_block_id":"extended","idempotency_key":"x1"}
{"op":"decrement","customer_id":"ada","amount":"40"}
{"op":"amendment","customer_id":"ada","block_id":"trial","amount":"8"}
{"op":"void","customer_id":"ada","block_id":"paid","amount":"5","void_reason":"refund","idempotency_key":"v1"}
{"op":"increment","customer_id":"ada","amount":"5","block_id":"pending","require_payment":true}
{"op":"batch","customer_id":"ada","idempotency_key":"b1","operations":[{"op":"activate","block_id":"pending"},{"op":"decrement","amount":"1"}]}
{"op":"decrement","customer_id":"bob","amount":"12.5"}
{"op":"increment","customer_id":"bob","currency":"USD","amount":"20","idempotency_key":"g1"}
{"op":"purchase","customer_id":"bob","amount":"100","per_unit_cost_basis":"0.20","invoice_settings":{"auto_collection":true,"net_terms":30},"idempotency_key":"order-1"}
{"op":"clock","now":"2026-02-03T17:00:00Z"}
{"op":"sweep"}
{"op":"decrement","customer_id":"ada","amount":"12","item_id":"api"}
`

// later is what happens after a first copy.
const later = `
{"op":"clock","now":"2026-03-01T00:00:00Z"}
{"op":"customer","id":"ada","name":"Ada L."}
{"op":"customer","id":"carl"}
{"op":"decrement","customer_id":"ada","amount":"1","item_id":"api","idempotency_key":"later"}
{"op":"increment","customer_id":"carl","amount":"1","block_id":"c"}
`

// ledgerOver is a ledger whose clock is moved by lines, with ids that are the same
// each time.
type ledgerOver struct {
	*creditledger.Ledger
	clock opsfile.Clock
}

func newLedger(t *testing.T, s creditledger.Store) *ledgerOver {
	l := &ledgerOver{}
	l.Ledger = creditledger.New(s, &creditledger.Options{Clock: l.clock.Now, Random: rand.NewChaCha8([32]byte{1})})
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// run carries lines out, all of which have to succeed, and returns the answers.
func (l *ledgerOver) run(t *testing.T, lines string) string {
	t.Helper()
	var out bytes.Buffer
	summary, err := opsfile.Run(t.Context(), l.Ledger, strings.NewReader(lines), &out, &opsfile.Options{Clock: &l.clock})
	if err != nil || summary.Errors > 0 {
		t.Fatalf("%+v, %v\n%.2000s", summary, err, out.String())
	}
	return out.String()
}

// filled is a store with the history in it, and a deleted customer.
func filled(t *testing.T, s creditledger.Store) *ledgerOver {
	t.Helper()
	l := newLedger(t, s)
	l.run(t, history)
	if _, err := l.DeleteCustomer(t.Context(), "bob"); err != nil {
		t.Fatal(err)
	}
	for i := range 40 { // more accounts than one page of anything of the tests
		l.run(t, fmt.Sprintf(`{"op":"increment","customer_id":"many%02d","amount":"1","block_id":"b"}`, i))
	}
	return l
}

// digestOf is a digest of everything that a store holds.
func digestOf(t *testing.T, s creditledger.Store) string {
	t.Helper()
	ctx := context.Background()
	h := sha256.New()
	ids, err := s.Accounts(ctx, creditledger.AccountID{}, math.MaxInt)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		addAccount(t, h, s, id)
	}
	kinds, err := s.(store.Kinder).Kinds(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range kinds {
		records, err := s.Documents(ctx, kind, "", "", math.MaxInt)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			fmt.Fprintf(h, "%q %d %x\n", r.DocumentID, r.Version, r.Value)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

func addAccount(t *testing.T, h hash.Hash, s creditledger.Store, id creditledger.AccountID) {
	t.Helper()
	ctx := context.Background()
	state, err := s.Load(ctx, id, nil)
	if err != nil {
		t.Fatal(err)
	}
	blocks, err := s.Blocks(ctx, id, 1, math.MaxInt)
	if err != nil {
		t.Fatal(err)
	}
	journal, err := s.Journal(ctx, id, 1, math.MaxInt, false)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(h, "%q %x %d\n", id, creditledger.AppendHead(nil, &state.Head), len(state.Blocks))
	for i := range blocks {
		fmt.Fprintf(h, "%x\n", creditledger.AppendBlock(nil, &blocks[i]))
	}
	for _, r := range journal {
		rec, err := creditledger.DecodeRecord(r.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		seq, err := s.KeySeq(ctx, id, rec.Key)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(h, "%d %x %d\n", r.Seq, r.Bytes, seq)
	}
}
