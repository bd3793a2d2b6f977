package opsfile_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"creditledger"
	"creditledger/opsfile"
	"creditledger/store/memory"
)

// contended is a store to which another process seems to write: every few commits one
// is in conflict.
type contended struct {
	creditledger.Store
	commits *int
}

func (s contended) Commit(ctx context.Context, changes []creditledger.Change) error {
	if *s.commits++; *s.commits%3 == 0 {
		return &creditledger.ConflictError{Accounts: []creditledger.AccountID{changes[0].Account}}
	}
	return s.Store.Commit(ctx, changes)
}

// TestLinesKeepTheirOrderBesideOthers: a line that spends what the line before it
// granted finds it, though conflicts have both decided afresh.
func TestLinesKeepTheirOrderBesideOthers(t *testing.T) {
	var in, out strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&in, "{\"op\":\"increment\",\"customer_id\":\"c\",\"amount\":\"1\",\"idempotency_key\":\"g%d\"}\n", i)
		fmt.Fprintf(&in, "{\"op\":\"decrement\",\"customer_id\":\"c\",\"amount\":\"1\",\"overdraft\":\"reject\",\"idempotency_key\":\"s%d\"}\n", i)
	}
	l := creditledger.New(contended{memory.New(), new(int)}, nil)
	if _, err := opsfile.Run(t.Context(), l, strings.NewReader(in.String()), &out, nil); err != nil {
		t.Error(err)
	}
	for line := range strings.Lines(out.String()) {
		if strings.Contains(line, `"error"`) {
			t.Fatal(line)
		}
	}
	page, err := l.Entries(t.Context(), creditledger.AccountID{Customer: "c"}, creditledger.EntriesQuery{Ascending: true, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range page.Entries {
		if want := fmt.Sprintf("%c%d", "gs"[i%2], i/2); string(e.IdempotencyKey) != want {
			t.Fatalf("entry %d is of %s, want %s", i+1, e.IdempotencyKey, want)
		}
	}
}
