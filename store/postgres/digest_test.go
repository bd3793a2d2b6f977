package postgres_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"creditledger"
)

// digestOfRun carries out a run that is the same each time, and returns the digest of
// everything the store holds afterwards.
func digestOfRun(t *testing.T, s creditledger.Store) string {
	t.Helper()
	ctx := context.Background()
	now := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	r := rand.New(rand.NewPCG(1, 2))
	l := creditledger.New(s, &creditledger.Options{
		Clock:  func() time.Time { return now },
		Random: rand.NewChaCha8([32]byte{1}),
	})
	var blocks []string
	const steps, accounts = 700, 3
	refused := 0
	for step := range steps {
		now = now.Add(time.Duration(r.IntN(3600)) * time.Second)
		id := creditledger.AccountID{Customer: fmt.Sprint("cus_", r.IntN(accounts)), Currency: "credits"}
		op := randomOperation(r, now, &blocks, step)
		_, err := l.Do(ctx, id, op, creditledger.Key(fmt.Sprint("key ", step%(steps-20))))
		var attempt *creditledger.OperationError
		if err != nil && !errors.As(err, &attempt) || errors.Is(err, creditledger.ErrOutcomeUnknown) || errors.Is(err, creditledger.ErrConflict) {
			t.Fatalf("step %d: %v", step, err)
		}
		if err != nil {
			refused++
		}
		if step%50 == 0 {
			if _, err := l.Sweep(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	verify(t, l)
	t.Logf("%d of %d operations refused", refused, steps)
	return digestOf(t, s)
}

func randomOperation(r *rand.Rand, now time.Time, blocks *[]string, step int) creditledger.Operation {
	amount := creditledger.MustAmount(fmt.Sprintf("%d.%03d", r.IntN(100)+1, r.IntN(1000)))
	old := "none"
	if len(*blocks) > 0 {
		old = (*blocks)[r.IntN(len(*blocks))]
	}
	switch r.IntN(12) {
	case 0, 1, 2:
		id := fmt.Sprint("block ", step)
		*blocks = append(*blocks, id)
		op := creditledger.Increment{Amount: amount, BlockID: id, Priority: int32(r.IntN(3)), Metadata: map[string]string{"step": fmt.Sprint(step)}}
		if r.IntN(2) == 0 {
			op.ExpiresAt = creditledger.At(now.Add(time.Duration(r.IntN(200)+1) * time.Hour))
		}
		op.RequirePayment = r.IntN(5) == 0
		return op
	case 3:
		return creditledger.Void{BlockID: old, Amount: amount}
	case 4:
		return creditledger.Amendment{BlockID: old, Amount: amount}
	case 5:
		return creditledger.Activation{BlockID: old}
	case 6:
		return creditledger.ExpirationChange{BlockID: old, Target: creditledger.At(now.Add(time.Duration(r.IntN(500)+1) * time.Hour))}
	case 7:
		return creditledger.Batch{creditledger.Decrement{Amount: amount}, creditledger.Increment{Amount: amount}}
	}
	return creditledger.Decrement{Amount: amount, Overdraft: creditledger.Overdraft(r.IntN(3)), Description: "spent"}
}

// digestOf is a digest of every account's head, open blocks, blocks and journal.
func digestOf(t *testing.T, s creditledger.Store) string {
	t.Helper()
	ctx := context.Background()
	h := sha256.New()
	ids, err := s.Accounts(ctx, creditledger.AccountID{}, math.MaxInt)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		state, err := s.Load(ctx, id, nil)
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(state.Blocks, func(a, b creditledger.Block) int { return cmp.Compare(a.Number, b.Number) })
		blocks, err := s.Blocks(ctx, id, 0, math.MaxInt)
		if err != nil {
			t.Fatal(err)
		}
		numbers := make([]uint64, len(blocks))
		for i := range blocks {
			numbers[len(blocks)-1-i] = blocks[i].Number
		}
		picked, err := s.BlocksByNumber(ctx, id, numbers)
		if err != nil {
			t.Fatal(err)
		}
		journal, err := s.Journal(ctx, id, 0, math.MaxInt, false)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(h, "%v %x %d\n", id, creditledger.AppendHead(nil, &state.Head), len(state.Blocks))
		addBlocks(h, state.Blocks, blocks, picked)
		for _, r := range journal {
			fmt.Fprintf(h, "%d %x\n", r.Seq, r.Bytes)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

func addBlocks(h hash.Hash, lists ...[]creditledger.Block) {
	for _, list := range lists {
		for i := range list {
			fmt.Fprintf(h, "%x\n", creditledger.AppendBlock(nil, &list[i]))
		}
	}
}
