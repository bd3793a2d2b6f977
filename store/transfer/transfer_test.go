package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

// TestCopySourceMoves: a source that is written to meanwhile is followed a little, and
// then named; the next copy takes the rest.
func TestCopySourceMoves(t *testing.T) {
	source, target := memory.New(), memory.New()
	l := filled(t, source)
	write := func() { l.run(t, `{"op":"decrement","customer_id":"ada","amount":"0.1","item_id":"api"}`) }
	moves := 2
	moving := &faulty{Store: source, loading: func(id creditledger.AccountID) {
		if id.Customer == "ada" && moves > 0 {
			moves--
			write()
		}
	}}
	if _, err := transfer.Copy(t.Context(), moving, target, &transfer.Options{Workers: 1}); err != nil {
		t.Errorf("it moved twice: %v", err)
	}
	checkSame(t, source, target)
	moving.journal = func(list []creditledger.JournalRecord) []creditledger.JournalRecord { write(); return list }
	if _, err := transfer.Copy(t.Context(), moving, target, &transfer.Options{Workers: 1}); !errors.Is(err, transfer.ErrSourceMoved) {
		t.Errorf("it never stood still: %v", err)
	}
	mustCopy(t, source, target)
	checkSame(t, source, target)

	more := 0 // an account comes up when those there were have been copied
	moving = &faulty{Store: source, listed: func([]string) {
		if more++; more == 1 {
			l.run(t, `{"op":"increment","customer_id":"late","amount":"1"}`)
		}
	}}
	if _, err := transfer.Copy(t.Context(), moving, target, nil); !errors.Is(err, transfer.ErrSourceMoved) {
		t.Errorf("an account came up: %v (Kinds was asked %d times)", err, more)
	}
}

// TestCopyDamagedSource: what does not follow from the journal is not copied.
func TestCopyDamagedSource(t *testing.T) {
	for _, c := range []struct {
		rule   string
		source *faulty
	}{
		{"a record is altered", &faulty{journal: func(list []creditledger.JournalRecord) []creditledger.JournalRecord {
			for i := range list {
				if list[i].Seq == 3 {
					list[i].Bytes[len(list[i].Bytes)-2] ^= 1
				}
			}
			return list
		}}},
		{"the journal is too short", &faulty{journal: func(list []creditledger.JournalRecord) []creditledger.JournalRecord {
			return list[:min(len(list), 4)]
		}}},
		{"a head has another total", &faulty{loaded: func(s *creditledger.State) {
			if s.Head.Version > 8 {
				s.Head.Total = creditledger.MustAmount("1000000")
			}
		}}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			source := memory.New()
			filled(t, source)
			c.source.Store = source
			_, err := transfer.Copy(t.Context(), c.source, memory.New(), nil)
			var wrong *creditledger.Violation
			if !errors.Is(err, creditledger.ErrCorrupt) && !errors.As(err, &wrong) || errors.Is(err, transfer.ErrSourceMoved) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestCopyBounds: no page is asked for that grows with the ledger, progress only rises
// and ends with all accounts, and a context that is over ends the copy.
func TestCopyBounds(t *testing.T) {
	source := &faulty{Store: memory.New()}
	l := filled(t, source)
	l.run(t, strings.Repeat(`{"op":"decrement","customer_id":"hot","amount":"1"}`+"\n", 700))
	source.limits.Store(0)
	var last transfer.Progress
	r, err := transfer.Copy(t.Context(), source, memory.New(), &transfer.Options{Progress: func(p transfer.Progress) {
		if p.Accounts < last.Accounts || p.Journal < last.Journal || p.Records < last.Records || p.AllAccounts < last.AllAccounts {
			t.Errorf("from %+v to %+v", last, p)
		}
		last = p
	}})
	if err != nil || last.Accounts != 44 || last.AllAccounts != 44 || last.Arrived != r.Journal || last.AllJournal != r.Journal || last.Journal != r.Journal || last.Records != r.Records {
		t.Errorf("%+v at the end, %+v, %v", last, r, err)
	}
	if n := source.limits.Load(); n == 0 || n > 256 {
		t.Errorf("pages of up to %d", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = transfer.Copy(ctx, source, memory.New(), &transfer.Options{Progress: func(p transfer.Progress) {
		if p.Accounts == 5 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("called off: %v", err)
	}
}

// TestCopyNeedsKinds: without the kinds of its records a ledger cannot be copied whole.
func TestCopyNeedsKinds(t *testing.T) {
	plain := struct{ creditledger.Store }{memory.New()}
	for _, pair := range [][2]creditledger.Store{{plain, memory.New()}, {memory.New(), plain}} {
		if _, err := transfer.Copy(t.Context(), pair[0], pair[1], nil); !errors.Is(err, creditledger.ErrInvalid) {
			t.Errorf("error %v", err)
		}
	}
}

// listing is a source that lists other accounts than it has.
type listing struct {
	*memory.Store
	list func(ids []creditledger.AccountID) []creditledger.AccountID
	rest error // what it finds beside its accounts
}

func (s listing) Accounts(ctx context.Context, after creditledger.AccountID, _ int) ([]creditledger.AccountID, error) {
	ids, err := s.Store.Accounts(ctx, creditledger.AccountID{}, 1000)
	if after != (creditledger.AccountID{}) {
		return nil, err
	}
	return s.list(ids), err
}

func (s listing) CheckStrays(context.Context) error { return s.rest }

// TestCopyProvesTheList: a source that lists an account twice, out of order, or one that
// cannot be read, or that has rows beside its accounts, is not copied in silence.
func TestCopyProvesTheList(t *testing.T) {
	source := memory.New()
	filled(t, source)
	for _, c := range []struct {
		name string
		list func(ids []creditledger.AccountID) []creditledger.AccountID
		rest error
		says string
	}{
		{"as it is", func(ids []creditledger.AccountID) []creditledger.AccountID { return ids }, nil, ""},
		{"twice", func(ids []creditledger.AccountID) []creditledger.AccountID { return append(ids[:2:2], ids[1:]...) }, nil, "out of order or twice"},
		{"out of order", func(ids []creditledger.AccountID) []creditledger.AccountID { slices.Reverse(ids); return ids }, nil, "out of order or twice"},
		{"not there", func(ids []creditledger.AccountID) []creditledger.AccountID {
			return append(ids, creditledger.AccountID{Customer: "\U0010ffff", Currency: "credits"})
		}, nil, "nothing of it can be read"},
		{"rows of none", func(ids []creditledger.AccountID) []creditledger.AccountID { return ids },
			&creditledger.Violation{Rule: "index", Detail: "a row of no account"}, "a row of no account"},
	} {
		target := memory.New()
		_, err := transfer.Copy(t.Context(), listing{source, c.list, c.rest}, target, nil)
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v; want %q", c.name, err, c.says)
		}
	}
}
