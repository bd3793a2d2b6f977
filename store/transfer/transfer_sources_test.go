package transfer_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"creditledger"
	"creditledger/store/memory"
	"creditledger/store/transfer"
)

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
