package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"creditledger"
	"creditledger/store"
	"creditledger/store/memory"
	"creditledger/store/transfer"
)

func mustCopy(t *testing.T, from, to creditledger.Store) transfer.Report {
	t.Helper()
	r, err := transfer.Copy(t.Context(), from, to, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func checkSame(t *testing.T, from, to creditledger.Store) {
	t.Helper()
	if a, b := digestOf(t, from), digestOf(t, to); a != b {
		t.Errorf("digest %s, copied from %s", b, a)
	}
}

// TestCopyBetween: from every store into every store, everything is the same
// afterwards, to the last byte; the copy verifies, answers known keys with their first
// result, refuses deleted customers, and can be built upon.
func TestCopyBetween(t *testing.T) {
	for _, from := range stores {
		t.Run(from.name, func(t *testing.T) {
			source := from.make(t)
			first := filled(t, source)
			whole := digestOf(t, source)
			for _, to := range stores {
				t.Run(to.name, func(t *testing.T) {
					target := to.make(t)
					r := mustCopy(t, source, target)
					if r.Accounts != 43 || r.Journal != r.NewJournal || r.Journal < 50 || r.Records != r.NewRecords || r.Records != 12 {
						t.Errorf("it says %+v", r)
					}
					if got := digestOf(t, target); got != whole {
						t.Errorf("digest %s, copied from %s", got, whole)
					}
					checkWorks(t, first, newLedger(t, target))
				})
			}
		})
	}
}

// checkWorks looks at a copy through a ledger over it.
func checkWorks(t *testing.T, first, copied *ledgerOver) {
	t.Helper()
	if v, err := copied.VerifyAll(t.Context(), nil); err != nil || v.Violation != nil {
		t.Errorf("verification: %+v, %v", v, err)
	}
	copied.run(t, `{"op":"clock","now":"2026-02-04T00:00:00Z"}`)
	spend := creditledger.Decrement{Amount: creditledger.MustAmount("70"), ItemID: "api"}
	ada := creditledger.AccountID{Customer: "ada", Currency: "credits"}
	before, err := first.Do(t.Context(), ada, spend, "usage-7")
	if err != nil {
		t.Fatal(err)
	}
	again, err := copied.Do(t.Context(), ada, spend, "usage-7")
	if err != nil || !again.Replayed || again.Entries[0].ID != before.Entries[0].ID {
		t.Errorf("the same key: %+v, %v, first %+v", again, err, before)
	}
	spend.ItemID = "other"
	if _, err := copied.Do(t.Context(), ada, spend, "usage-7"); !errors.Is(err, creditledger.ErrIdempotencyMismatch) {
		t.Errorf("the same key for something else: %v", err)
	}
	bob := creditledger.AccountID{Customer: "bob", Currency: "credits"}
	if _, err := copied.Do(t.Context(), bob, spend, ""); !errors.Is(err, creditledger.ErrConstraint) {
		t.Errorf("spending of a deleted customer: %v", err)
	}
	if c, err := copied.Customer(t.Context(), "ada"); err != nil || c.ExternalID != "crm-1" || c.Metadata["plan"] != "gold" {
		t.Errorf("customer %+v, %v", c, err)
	}
	if _, err := copied.PutCustomer(t.Context(), creditledger.CustomerUpdate{ID: "dora", ExternalID: new("crm-1")}); !errors.Is(err, creditledger.ErrDuplicate) {
		t.Errorf("an external id in use: %v", err)
	}
	copied.run(t, later)
	if v, err := copied.VerifyAll(t.Context(), nil); err != nil || v.Violation != nil {
		t.Errorf("after more operations: %+v, %v", v, err)
	}
}

// TestCopyAgain: a copy that is complete is found complete; one of an earlier day is
// brought up to date, with what is new and nothing else.
func TestCopyAgain(t *testing.T) {
	for _, to := range stores {
		t.Run(to.name, func(t *testing.T) {
			source, target := memory.New(), to.make(t)
			l := filled(t, source)
			mustCopy(t, source, target)
			if r := mustCopy(t, source, target); r.NewJournal+r.NewRecords != 0 || r.Accounts != 43 {
				t.Errorf("nothing is new, and it says %+v", r)
			}
			l.run(t, later)
			if r := mustCopy(t, source, target); r.NewJournal != 2 || r.NewRecords != 4 || r.Accounts != 44 {
				t.Errorf("two of each are new, and two counts of records, and it says %+v", r)
			}
			checkSame(t, source, target)
		})
	}
}

// faulty is a store of which some calls are another's.
type faulty struct {
	store.Store
	commit  func(next func() error) error
	journal func([]creditledger.JournalRecord) []creditledger.JournalRecord
	loading func(creditledger.AccountID)
	loaded  func(*creditledger.State)
	listed  func(kinds []string)
	limits  atomic.Int64 // the largest
}

func (f *faulty) Kinds(ctx context.Context) ([]string, error) {
	kinds, err := f.Store.(store.Kinder).Kinds(ctx)
	if f.listed != nil {
		f.listed(kinds)
	}
	return kinds, err
}

func (f *faulty) Commit(ctx context.Context, list []creditledger.Change) error {
	if f.commit == nil {
		return f.Store.Commit(ctx, list)
	}
	return f.commit(func() error { return f.Store.Commit(ctx, list) })
}

func (f *faulty) Journal(ctx context.Context, id creditledger.AccountID, from uint64, limit int, reverse bool) ([]creditledger.JournalRecord, error) {
	f.limits.Store(max(f.limits.Load(), int64(limit)))
	list, err := f.Store.Journal(ctx, id, from, limit, reverse)
	if f.journal != nil {
		list = f.journal(list)
	}
	return list, err
}

func (f *faulty) Documents(ctx context.Context, kind, prefix, after string, limit int) ([]creditledger.Document, error) {
	f.limits.Store(max(f.limits.Load(), int64(limit)))
	return f.Store.Documents(ctx, kind, prefix, after, limit)
}

func (f *faulty) Load(ctx context.Context, id creditledger.AccountID, have *creditledger.Head) (*creditledger.State, error) {
	if f.loading != nil {
		f.loading(id)
	}
	s, err := f.Store.Load(ctx, id, have)
	if f.loaded != nil && s != nil {
		f.loaded(s)
	}
	return s, err
}

// TestCopyResumed: a copy ends in the middle, wherever that is, and the next one goes
// on from there, until all has arrived once.
func TestCopyResumed(t *testing.T) {
	source := memory.New()
	filled(t, source)
	all := mustCopy(t, source, memory.New())
	broken := errors.New("unplugged")
	for _, to := range stores {
		for _, workers := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s, workers %d", to.name, workers), func(t *testing.T) {
				target := to.make(t)
				var journal, records uint64
				for stops := 0; ; stops++ {
					var commits atomic.Int64
					f := &faulty{Store: target}
					f.commit = func(next func() error) error {
						if commits.Add(1) > 1 {
							return broken
						}
						return next()
					}
					r, err := transfer.Copy(t.Context(), source, f, &transfer.Options{Workers: workers})
					journal, records = journal+r.NewJournal, records+r.NewRecords
					if err == nil {
						if stops < 5 {
							t.Errorf("it was stopped %d times only", stops)
						}
						break
					}
					if !errors.Is(err, broken) {
						t.Fatal(err)
					}
				}
				// What one worker was writing when another failed is not counted.
				if journal > all.Journal || records > all.Records || workers == 1 && (journal < all.Journal || records < all.Records) {
					t.Errorf("%d and %d were written in all, there are %d and %d", journal, records, all.Journal, all.Records)
				}
				checkSame(t, source, target)
			})
		}
	}
}

// TestCopyRefused: a target that holds anything else than a part of the source is
// refused, and nothing is written.
func TestCopyRefused(t *testing.T) {
	for _, c := range []struct {
		rule   string
		first  string // what the target got before it went its own way: part of the source, or not
		own    string
		reason string
	}{
		{"an account of its own", "", `{"op":"increment","customer_id":"zoe","amount":"1"}`, "account zoe/credits of the target has 1 journal records"},
		{"another history", "", `{"op":"increment","customer_id":"ada","amount":"1"}`, "has another history"},
		{"more history", "copy", `{"op":"increment","customer_id":"many01","amount":"1"}`, "has 2 journal records, the source fewer"},
		{"a record of its own", "", `{"op":"customer","id":"zoe"}`, `customer record "zoe" of the target is not in the source`},
		{"a newer record", "copy", `{"op":"customer","id":"ada","name":"Eve"}`, "has version 2, in the source it has 1"},
		{"another record", "", `{"op":"customer","id":"ada","name":"Eve"}`, "is another one than in the source"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			source := memory.New()
			filled(t, source)
			for _, to := range stores {
				target := to.make(t)
				if c.first != "" {
					mustCopy(t, source, target)
				}
				newLedger(t, target).run(t, c.own)
				before := digestOf(t, target)
				_, err := transfer.Copy(t.Context(), source, target, nil)
				var wrong *transfer.TargetError
				if !errors.As(err, &wrong) || !errors.Is(err, transfer.ErrTarget) || !strings.Contains(err.Error(), c.reason) {
					t.Errorf("%s: error %v, want one that says %q", to.name, err, c.reason)
				}
				if digestOf(t, target) != before {
					t.Errorf("%s: something was written", to.name)
				}
			}
		})
	}
}
