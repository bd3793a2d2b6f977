package creditledger_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"creditledger"
	"creditledger/store/memory"
)

// optimisticStore is a store in memory that says it is far away, and counts what it is asked.
type optimisticStore struct {
	*faulty
	commits, accounts int

	mu    sync.Mutex
	asked []string
}

func newOptimistic(commits, accounts int) *optimisticStore {
	s := &optimisticStore{faulty: newFaulty(), commits: commits, accounts: accounts}
	s.onRead(func(_ context.Context, what string, _ creditledger.AccountID) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked = append(s.asked, what)
		return nil
	})
	return s
}

func (s *optimisticStore) Concurrency() (commits, accounts int) { return s.commits, s.accounts }

// Commit names the keys that are taken.
func (s *optimisticStore) Commit(ctx context.Context, changes []creditledger.Change) error {
	err := s.faulty.Commit(ctx, changes)
	var conflict *creditledger.ConflictError
	if !errors.As(err, &conflict) {
		return err
	}
	for i := range changes {
		for _, k := range changes[i].Keys {
			if seq, err := s.Store.KeySeq(ctx, changes[i].Account, k.Key); err == nil && seq != 0 {
				conflict.Keys = append(conflict.Keys, creditledger.AccountKey{Account: changes[i].Account, Key: k.Key})
			}
		}
	}
	return conflict
}

// questions returns what was asked since the last time.
func (s *optimisticStore) questions() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

// TestOptimisticStoreIsNotAsked: on a store that is far away an operation on an account in
// memory is decided and committed without a question; what another ledger wrote
// meanwhile is found by the commit, and decided on afresh.
func TestOptimisticStoreIsNotAsked(t *testing.T) {
	s := newOptimistic(1, 100)
	w, elsewhere := newWorldOver(t, s), newWorldOver(t, s.Store)
	w.must(grant("A", "100"), "one")
	s.questions()
	w.must(spend("1"), "two")
	w.must(spend("1"), "")
	if asked := s.questions(); len(asked) > 0 {
		t.Errorf("asked %v", asked)
	}
	elsewhere.given(spend("50"))
	if res := w.must(spend("1"), "three"); story(res.Entries) != "decrement A 1 48→47" {
		t.Errorf("after another ledger spent: %s", story(res.Entries))
	}
	w.verified()
}

// TestOptimisticStoreIsAskedBeforeARefusal: nobody is refused because of what the ledger
// remembers and is so no longer.
func TestOptimisticStoreIsAskedBeforeARefusal(t *testing.T) {
	s := newOptimistic(1, 100)
	w, elsewhere := newWorldOver(t, s), newWorldOver(t, s.Store)
	w.given(grant("A", "10"))
	elsewhere.given(grant("B", "10"))
	if res := w.must(spend("15", policy(creditledger.OverdraftReject)), "k"); len(res.Entries) != 2 {
		t.Errorf("wrote %s", story(res.Entries))
	}
	elsewhere.given(spend("4"))
	var poor *creditledger.InsufficientCreditsError
	if err := w.refused(spend("15", policy(creditledger.OverdraftReject)), "l", creditledger.ErrInsufficientCredits); !errors.As(err, &poor) || poor.Available.String() != "1" {
		t.Errorf("refused with %v", err)
	}
	if got := w.total(); got != "1" {
		t.Errorf("the balance read is %s", got)
	}
	w.verified()
}

// TestWhatAnotherLedgerMadeIsMetBehindTheStore: an operation may name what another ledger
// wrote and this one has not seen. It is decided afresh, and so is what was decided before
// it: a batch that names a block of the other ledger's and makes one itself takes the next
// number, and a reversal takes back the other's charge.
func TestWhatAnotherLedgerMadeIsMetBehindTheStore(t *testing.T) {
	for name, aloft := range map[string]bool{"nothing on its way": false, "a block on its way": true} {
		t.Run(name, func(t *testing.T) {
			s := newOptimistic(1, 100)
			w, elsewhere := newWorldOver(t, s), newWorldOver(t, s.Store)
			w.given(grant("A", "100"))
			elsewhere.given(grant("B", "10"))
			elsewhere.must(spend("7"), "charge")
			var one chan answer
			var g *gate
			if aloft {
				g = s.shut()
				one = w.async(ctx, cus1, grant("C", "1"), "lead")
				received(t, g.arrived)
				s.onCommit(nil)
			}
			reads := make(chan string, 100)
			s.onRead(func(_ context.Context, what string, _ creditledger.AccountID) error {
				reads <- what
				return nil
			})
			until := func(what string) {
				for received(t, reads) != what {
				}
			}
			batch := creditledger.Batch{grant("D", "5"), extend("B", "2", "2027-01-01", "E")}
			two := w.async(ctx, cus1, batch, "batch")
			until("block")
			three := w.async(ctx, cus1, creditledger.Reverse{Charge: "charge"}, "back")
			until("journal")
			if aloft {
				g.pass()
				if a := received(t, one); a.err != nil {
					t.Error(a.err)
				}
			}
			for _, c := range []chan answer{two, three} {
				if a := received(t, c); a.err != nil {
					t.Error(a.err)
				}
			}
			want := "115"
			if aloft {
				want = "116"
			}
			if got := w.total(); got != want {
				t.Errorf("the balance is %s, want %s", got, want)
			}
			w.verified()
		})
	}
}

// TestAnAttachmentIsMadeAfresh: an operation that brings documents along is decided afresh
// when its account moved in the store meanwhile, by its caller, and its documents say what
// was decided last.
func TestAnAttachmentIsMadeAfresh(t *testing.T) {
	s := newOptimistic(1, 100)
	w, elsewhere := newWorldOver(t, s), newWorldOver(t, s.Store)
	w.given(grant("A", "10"))
	elsewhere.given(spend("4"))
	var seen []string
	res, err := w.DoWith(ctx, cus1, spend("1"), creditledger.DoOptions{Key: "k", Attach: func(res *creditledger.Result) ([]creditledger.DocumentPut, error) {
		seen = append(seen, story(res.Entries))
		return []creditledger.DocumentPut{put("a", 0, story(res.Entries))}, nil
	}})
	if err != nil || story(res.Entries) != "decrement A 1 6→5" {
		t.Errorf("decided %v, %v", res, err)
	}
	if want := []string{"decrement A 1 10→9", "decrement A 1 6→5"}; !slices.Equal(seen, want) {
		t.Errorf("the attachment saw %q, want %q", seen, want)
	}
	if got := w.record("a"); got != "decrement A 1 6→5 1" {
		t.Errorf("the document says %s", got)
	}
	w.verified()
}

// TestOptimisticStoreFindsKeys: a key that was used before, by whomever, is found by the
// commit; the answer is the first result, or that the key is taken, and the others in
// the commit are decided without looking their keys up.
func TestOptimisticStoreFindsKeys(t *testing.T) {
	s := newOptimistic(1, 100)
	w, elsewhere := newWorldOver(t, s), newWorldOver(t, s.Store)
	w.given(grant("A", "100"))
	first := elsewhere.must(spend("7"), "key")
	w.given(spend("1"))
	if res := w.must(spend("7"), "key"); !res.Replayed || story(res.Entries) != story(first.Entries) {
		t.Errorf("got %s again: %t", story(res.Entries), res.Replayed)
	}
	w.refused(spend("8"), "key", creditledger.ErrIdempotencyMismatch)
	if res := w.must(spend("1"), "new"); res.Replayed {
		t.Error("a new key was taken for a used one")
	}
	g := s.shut()
	one := w.async(ctx, cus1, spend("1"), "lead")
	received(t, g.arrived)
	var pending []*creditledger.Pending
	for _, key := range []creditledger.Key{"fresh 1", "key", "fresh 2"} {
		op := spend("7")
		p, err := w.Submit(ctx, cus1, op, key)
		if err != nil {
			t.Fatal(err)
		}
		pending = append(pending, p)
	}
	g.pass()
	received(t, one)
	received(t, g.arrived)
	s.onCommit(nil)
	s.questions()
	g.pass()
	for i, p := range pending {
		if res, err := p.Wait(ctx); err != nil || res.Replayed != (i == 1) {
			t.Errorf("operation %d: %+v, %v", i, res, err)
		}
	}
	keys := 0
	for _, what := range s.questions() {
		if what == "key" {
			keys++
		}
	}
	if keys > 2 { // the first after the conflict is decided with all care
		t.Errorf("%d keys were looked up", keys)
	}
	w.verified()
}

// TestCommitsSideBySide: as many commits are under way as the store takes, of as many
// accounts as it wants, and never two of one account.
func TestCommitsSideBySide(t *testing.T) {
	const width, accounts, each = 3, 2, 20
	s := newOptimistic(width, accounts)
	w := newWorldOver(t, s)
	var mu sync.Mutex
	under := map[string]int{}
	now, most := 0, 0
	s.onCommit(func(_ context.Context, changes []creditledger.Change, next func() error) error {
		mu.Lock()
		now++
		most = max(most, now)
		if now > width || len(changes) > accounts {
			t.Errorf("%d commits under way, %d accounts in one", now, len(changes))
		}
		for i := range changes {
			if under[changes[i].Account.Customer]++; under[changes[i].Account.Customer] > 1 {
				t.Errorf("%s is in two commits at once", changes[i].Account)
			}
		}
		mu.Unlock()
		for limit := time.Now().Add(time.Minute); time.Now().Before(limit); { // until there were that many once
			mu.Lock()
			enough := most == width
			mu.Unlock()
			if enough {
				break
			}
			runtime.Gosched()
		}
		err := next()
		mu.Lock()
		defer mu.Unlock()
		now--
		for i := range changes {
			under[changes[i].Account.Customer]--
		}
		return err
	})
	var pending []*creditledger.Pending
	var names []string
	for i := range 8 * each {
		on := creditledger.AccountID{Customer: fmt.Sprint("c", i%8), Currency: "credits"}
		p, err := w.Submit(ctx, on, grant("", "1"), "")
		if err != nil {
			t.Fatal(err)
		}
		pending, names = append(pending, p), append(names, on.Customer)
	}
	last := map[string]uint64{}
	for i, p := range pending {
		res, err := p.Wait(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if seq := res.Entries[0].Seq; seq != last[names[i]]+1 {
			t.Errorf("operation %d of %s wrote entry %d", i, names[i], seq)
		}
		last[names[i]]++
	}
	if most != width {
		t.Errorf("at most %d commits were under way, want %d", most, width)
	}
	for _, name := range slices.Sorted(slices.Values(names[:8])) {
		b, err := w.Balance(ctx, creditledger.AccountID{Customer: name}, creditledger.BalanceQuery{})
		if err != nil || b.Total.String() != fmt.Sprint(each) {
			t.Errorf("%s holds %s, %v", name, b.Total, err)
		}
	}
	w.verified()
}

// TestIdsDoNotDependOnTheStore: the same operations with the same randomness give the
// same bytes, whether the ledger asks first or not.
func TestIdsDoNotDependOnTheStore(t *testing.T) {
	run := func(s creditledger.Store) []creditledger.JournalRecord {
		w := newWorldOver(t, s)
		w.must(creditledger.Increment{Amount: amount("10")}, "a")
		w.must(creditledger.Increment{Amount: amount("10")}, "b")
		w.must(creditledger.Increment{Amount: amount("10")}, "a") // a replay
		w.refused(creditledger.Increment{Amount: amount("11")}, "b", creditledger.ErrIdempotencyMismatch)
		w.refused(spend("500", policy(creditledger.OverdraftReject)), "c", creditledger.ErrInsufficientCredits)
		w.must(creditledger.Increment{Amount: amount("10")}, "c")
		return w.journal()
	}
	local, far := run(memory.New()), run(newOptimistic(4, 100))
	same := slices.EqualFunc(local, far, func(a, b creditledger.JournalRecord) bool { return string(a.Bytes) == string(b.Bytes) })
	if !same || len(local) != 3 {
		t.Errorf("%d records and %d, or other bytes", len(local), len(far))
	}
}
