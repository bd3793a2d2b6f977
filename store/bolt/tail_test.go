package bolt_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"creditledger"
	"creditledger/fuzz/testsize"
	"creditledger/store/bolt"
	"creditledger/store/memory"
)

// history drives the same random operations into several ledgers.
type history struct {
	t       *testing.T
	random  *rand.Rand
	now     time.Time
	ledgers []*creditledger.Ledger
	made    int
}

func (h *history) clock() time.Time { return h.now }

func (h *history) options() *creditledger.Options {
	return &creditledger.Options{Clock: h.clock, Random: rand.NewChaCha8([32]byte{1})}
}

func (h *history) operation() creditledger.Operation {
	amount := creditledger.AmountOf(int64(1 + h.random.IntN(40)))
	block := fmt.Sprintf("b%d", max(1, h.made-h.random.IntN(12)))
	soon := func() creditledger.When {
		return creditledger.At(h.now.Add(time.Duration(1+h.random.IntN(300)) * time.Minute))
	}
	switch h.random.IntN(9) {
	case 0, 1:
		h.made++
		return creditledger.Increment{Amount: amount, BlockID: fmt.Sprintf("b%d", h.made), ExpiresAt: soon()}
	case 2:
		h.made++
		return creditledger.Increment{Amount: amount, BlockID: fmt.Sprintf("b%d", h.made), RequirePayment: h.random.IntN(2) == 0}
	case 3:
		return creditledger.Void{BlockID: block, Amount: amount}
	case 4:
		return creditledger.Amendment{BlockID: block, Amount: amount}
	case 5:
		return creditledger.ExpirationChange{BlockID: block, Target: soon()}
	case 6:
		return creditledger.Activation{BlockID: block}
	}
	return creditledger.Decrement{Amount: amount, Overdraft: creditledger.Overdraft(h.random.IntN(3))}
}

// step gives every ledger the same operation; all must answer alike.
func (h *history) step(i int) {
	h.t.Helper()
	h.now = h.now.Add(time.Duration(h.random.IntN(9)) * time.Minute)
	on := creditledger.AccountID{Customer: fmt.Sprintf("customer-%d", h.random.IntN(4))}
	op := h.operation()
	var key creditledger.Key
	if h.random.IntN(2) == 0 {
		key = creditledger.Key(fmt.Sprintf("key-%d", i))
	}
	var first string
	for n, l := range h.ledgers {
		result, err := l.Do(context.Background(), on, op, key)
		answer := fmt.Sprintf("%v %v", result, err)
		if n == 0 {
			first = answer
		} else if answer != first {
			h.t.Fatalf("step %d, %s: ledger %d answers\n%s\nthe first\n%s", i, op.Name(), n, answer, first)
		}
	}
}

// content is everything a store holds of its accounts.
func content(t *testing.T, s creditledger.Store) []byte {
	t.Helper()
	ctx := context.Background()
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	accounts, err := s.Accounts(ctx, creditledger.AccountID{}, 100)
	check(err)
	var all []byte
	for _, id := range accounts {
		state, err := s.Load(ctx, id, nil)
		check(err)
		all = creditledger.AppendHead(append(all, id.String()...), &state.Head)
		all = fmt.Append(all, len(state.Blocks))
		blocks, err := s.Blocks(ctx, id, 0, 1<<20)
		check(err)
		for i := range blocks {
			all = creditledger.AppendBlock(all, &blocks[i])
		}
		records, err := s.Journal(ctx, id, 1, 1<<20, false)
		check(err)
		back, err := s.Journal(ctx, id, 1<<40, 1<<20, true)
		check(err)
		for i, r := range records {
			if mirror := back[len(back)-1-i]; mirror.Seq != r.Seq || !bytes.Equal(mirror.Bytes, r.Bytes) {
				t.Fatalf("%v: record %d read backwards is another", id, r.Seq)
			}
			one, err := s.Journal(ctx, id, r.Seq, 1, i%2 == 0)
			check(err)
			if len(one) != 1 || one[0].Seq != r.Seq || !bytes.Equal(one[0].Bytes, r.Bytes) {
				t.Fatalf("%v: record %d read alone is another", id, r.Seq)
			}
			all = append(all, r.Bytes...)
		}
		due, err := s.Due(ctx, state.Head.NextDue, creditledger.DueAccount{}, 100)
		check(err)
		all = fmt.Append(all, due)
	}
	return all
}

// Whatever is folded and whatever is not, a bolt file holds what memory holds: while
// it is open, when its bytes are opened elsewhere as after a crash, and when it was
// closed.
func TestFoldedOrNotTheFileHoldsTheSame(t *testing.T) {
	for _, every := range []int{1, 2, 7, 100, 1 << 20} {
		t.Run(fmt.Sprintf("every=%d", every), func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "ledger.db")
			s, err := bolt.Open(path, nil)
			if err != nil {
				t.Fatal(err)
			}
			bolt.Engage(t, s, 1<<20)
			bolt.SetFoldEvery(s, every)
			mem := memory.New()
			h := &history{t: t, random: rand.New(rand.NewPCG(1, uint64(every))), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
			h.ledgers = []*creditledger.Ledger{creditledger.New(mem, h.options()), creditledger.New(s, h.options())}
			for i := range testsize.Of(120, 400, 1000) {
				h.step(i)
				if i%40 != 39 {
					continue
				}
				want := content(t, mem)
				if got := content(t, s); !bytes.Equal(got, want) {
					t.Fatalf("step %d: the open file differs from memory", i)
				}
				crashed := filepath.Join(dir, fmt.Sprintf("crashed-%d.db", i))
				copyLive(t, s, path, crashed)
				compareFile(t, crashed, want, i)
				compareFile(t, crashed, want, i) // folded by the Close before
			}
			if every == 1<<20 && bolt.Unfolded(s) == 0 {
				t.Error("nothing was left unfolded: the test tests nothing")
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			compareFile(t, path, content(t, mem), -1)
		})
	}
}

// copyLive copies a file that is open, as a crash between two writes would leave it.
func copyLive(t *testing.T, s *bolt.Store, from, to string) {
	t.Helper()
	defer bolt.HoldTables(s)()
	copyFile(t, from, to)
	if _, err := os.Stat(from + "-log"); err == nil {
		copyFile(t, from+"-log", to+"-log")
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func compareFile(t *testing.T, path string, want []byte, step int) {
	t.Helper()
	s, err := bolt.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := content(t, s); !bytes.Equal(got, want) {
		t.Fatalf("step %d: %s holds something else than memory", step, filepath.Base(path))
	}
	v, err := creditledger.New(s, nil).VerifyAll(context.Background(), nil)
	if err != nil || v.Violation != nil {
		t.Fatalf("step %d: verify: %v %v", step, v.Violation, err)
	}
}
