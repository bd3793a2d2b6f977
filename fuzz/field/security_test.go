package field

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	cl "creditledger"
	"creditledger/fuzz"
	"creditledger/store/memory"
	"creditledger/store/postgres"
)

// formancehq/ledger#1080, #1014, #829, TigerBeetle#2544: several filters together
// dropped rows.
func TestField_56_AllFiltersTogether(t *testing.T) {
	each(t, func(p *place) {
		for i, op := range everyKind() {
			p.at(begin.Add(time.Duration(i/2) * time.Hour)) // two at one instant
			p.must(op)
		}
		all := p.entries()
		bound := cl.InstantOf(begin.Add(time.Hour))
		for bits := range 1 << 7 {
			var q cl.EntriesQuery
			has := func(bit int) bool { return bits>>bit&1 == 1 }
			if has(0) {
				q.Type = cl.EntryDecrement
			}
			if has(1) {
				q.After = bound
			}
			if has(2) {
				q.From = bound
			}
			if has(3) {
				q.Before = bound + 1
			}
			if has(4) {
				q.Until = bound
			}
			if has(5) {
				q.MinAmount = cl.AmountOf(5)
			}
			q.Ascending = has(6)
			q.Limit = 1 + bits%3
			p.sameAs(q, all)
		}
	})
}

// sameAs compares the pages of a query with a filter of all entries by hand.
func (p *place) sameAs(q cl.EntriesQuery, all []cl.Entry) {
	p.t.Helper()
	var want, got []string
	for _, e := range all {
		if (q.Type == 0 || e.Type == q.Type) && (q.After == 0 || e.CreatedAt > q.After) && e.CreatedAt >= q.From && (q.Before == 0 || e.CreatedAt < q.Before) &&
			(q.Until == 0 || e.CreatedAt <= q.Until) && e.Amount.Cmp(q.MinAmount) >= 0 {
			want = append(want, e.ID)
		}
	}
	if !q.Ascending {
		slices.Reverse(want)
	}
	asked := q
	for {
		page, err := p.Entries(ctx, on, q)
		if err != nil {
			p.t.Fatal(err)
		}
		for _, e := range page.Entries {
			got = append(got, e.ID)
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	if !slices.Equal(got, want) {
		p.t.Errorf("%+v gives %d entries, not %d", asked, len(got), len(want))
	}
}

// lago-api#5233: anybody could top up another customer's wallet by its id.
func TestField_58_IdsOfAnotherCustomer(t *testing.T) {
	each(t, func(p *place) {
		if _, err := p.Do(ctx, other, grant("theirs", 100), "their key"); err != nil {
			p.t.Fatal(err)
		}
		for _, op := range []cl.Operation{
			cl.Void{BlockID: "theirs", Amount: one}, cl.Amendment{BlockID: "theirs", Amount: one}, cl.Activation{BlockID: "theirs"}, cl.ExpirationChange{BlockID: "theirs", Target: cl.Never()},
		} {
			_, err := p.Do(ctx, on, op, "")
			_, missing := p.Do(ctx, on, renamed(op), "")
			if !errors.Is(err, cl.ErrNotFound) || strings.ReplaceAll(err.Error(), "theirs", "nobody") != missing.Error() {
				p.t.Errorf("%s: %v, and of a block that is nobody's: %v", op.Name(), err, missing)
			}
		}
		if _, err := p.Block(ctx, on, "theirs"); !errors.Is(err, cl.ErrNotFound) {
			p.t.Errorf("it can be read: %v", err)
		}
		if r := p.keyed(grant("theirs", 1), "their key"); r.Replayed {
			p.t.Error("their key was taken")
		}
		page, err := p.Blocks(ctx, other, cl.BlocksQuery{Limit: 1, All: true})
		if err != nil || len(page.Blocks) != 1 || page.Blocks[0].Balance.String() != "100" {
			p.t.Errorf("their block is %+v, %v", page, err)
		}
	})
}

// renamed is an operation on a block that nobody has.
func renamed(op cl.Operation) cl.Operation {
	switch op := op.(type) {
	case cl.Void:
		op.BlockID = "nobody"
		return op
	case cl.Amendment:
		op.BlockID = "nobody"
		return op
	case cl.Activation:
		op.BlockID = "nobody"
		return op
	case cl.ExpirationChange:
		op.BlockID = "nobody"
		return op
	}
	return op
}

// blnk@92ff6fc, @4e996ed: a name became part of a statement; a scope was too wide.
// midaz@a6472b322, @781091a87: background work mixed tenants up.
func TestField_60_BackgroundWorkKeepsAccountsApart(t *testing.T) {
	each(t, func(p *place) {
		var ids []cl.AccountID
		for _, c := range []string{"'; DROP TABLE blocks; --", "a", "a/b", "a\\", "%", "_", "\"", "b"} {
			for _, currency := range []string{"credits", "b", "/b", "' OR '1'='1"} {
				ids = append(ids, cl.AccountID{Customer: c, Currency: currency})
			}
		}
		for i, id := range ids {
			if _, err := p.Do(ctx, id, until(grant("b", int64(i+1)), begin.Add(time.Hour)), "k"); err != nil {
				p.t.Fatal(err)
			}
		}
		p.at(begin.Add(2 * time.Hour))
		if res, err := p.Sweep(ctx); err != nil || res.Accounts != len(ids) || res.Entries != len(ids) {
			p.t.Fatalf("%+v, %v", res, err)
		}
		for i, id := range ids {
			page, err := p.Entries(ctx, id, cl.EntriesQuery{})
			if err != nil || len(page.Entries) != 2 || page.Entries[0].Amount.Cmp(cl.AmountOf(int64(i+1))) != 0 || page.Entries[0].Account != id {
				p.t.Errorf("%s: %+v, %v", id, page.Entries, err)
			}
		}
	})
}

// Opencomplai#47, 1f916#30, NyxID#1316, SOTA-skills#74: a hash left out the one before
// it, or a field; a tail that was cut off was not missed.
func TestField_61_ChainOfSeals(t *testing.T) {
	each(t, func(p *place) {
		for i, op := range everyKind() {
			p.keyed(op, cl.Key(fmt.Sprint("k", i)))
		}
		head, err := p.Checkpoint(ctx, on)
		if err != nil {
			p.t.Fatal(err)
		}
		records, err := p.Journal(ctx, on, 1, cl.MaxPage)
		if err != nil {
			p.t.Fatal(err)
		}
		target := func(records []cl.JournalRecord) (*place, error) {
			q := newPlace(p.t, memory.New())
			return q, q.Import(ctx, on, records)
		}
		if q, err := target(records); err != nil || q.digest() != p.digest() {
			p.t.Errorf("the whole journal: %v", err)
		}
		for i := range records {
			swapped, cut := slices.Clone(records), slices.Delete(slices.Clone(records), i, i+1)
			if i > 0 {
				swapped[i], swapped[i-1] = swapped[i-1], swapped[i]
				if _, err := target(swapped); err == nil {
					p.t.Errorf("records %d and %d can be swapped", i, i+1)
				}
			}
			if _, err := target(cut); err == nil && i < len(records)-1 {
				p.t.Errorf("record %d can be left out", i+1)
			}
			for at := range records[i].Bytes {
				changed := slices.Clone(records)
				changed[i].Bytes = bytes.Clone(changed[i].Bytes)
				changed[i].Bytes[at] ^= 1
				// Of the last record only a checkpoint tells: what it says may be whole.
				if q, err := target(changed); err == nil {
					if v, err := q.Verify(ctx, on, &cl.VerifyOptions{Since: []cl.Checkpoint{head}}); err != nil || v.Violation == nil {
						p.t.Errorf("record %d, byte %d can be changed (%v)", i+1, at, err)
					}
				}
			}
		}
		short, err := target(records[:len(records)-1])
		if err != nil {
			p.t.Fatal(err)
		}
		if v, err := short.Verify(ctx, on, &cl.VerifyOptions{Since: []cl.Checkpoint{head}}); err != nil || v.Violation == nil || v.Violation.Rule != "checkpoint" {
			p.t.Errorf("a tail that is cut off: %+v, %v", v, err)
		}
	})
}

// immudb CVE-2022-36111, CVE-2022-39199: a proof was checked in part, and of another
// database it was taken too.
func TestField_62_ProofOfAnotherAccount(t *testing.T) {
	each(t, func(p *place) {
		p.must(grant("b", 1))
		if _, err := p.Do(ctx, other, grant("b", 1), ""); err != nil {
			p.t.Fatal(err)
		}
		theirs, err := p.Checkpoint(ctx, other)
		if err != nil {
			p.t.Fatal(err)
		}
		forged := theirs
		forged.Account = on
		if v, err := p.Verify(ctx, on, &cl.VerifyOptions{Since: []cl.Checkpoint{forged}}); err != nil || v.Violation == nil {
			p.t.Errorf("the head of another account is taken: %v", err)
		}
		records, err := p.Journal(ctx, other, 1, 1)
		if err != nil {
			p.t.Fatal(err)
		}
		if err := newPlace(p.t, memory.New()).Import(ctx, on, records); err == nil {
			p.t.Error("the journal of another account is taken")
		}
	})
}

// busy is a store in which somebody else is always faster.
type busy struct{ *memory.Store }

func (b busy) Commit(_ context.Context, changes []cl.Change) error {
	return &cl.ConflictError{Accounts: []cl.AccountID{changes[0].Account}}
}

// TigerBeetle, by Jepsen: a client retried for ever.
func TestField_64_EndlessRetries(t *testing.T) {
	p := newPlace(t, busy{memory.New()})
	if err := p.do(p.Ledger, grant("b", 1), ""); !errors.Is(err, cl.ErrConflict) {
		t.Errorf("got %v, want a conflict", err)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := p.Do(gone, on, grant("b", 1), ""); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}

// TestTwoCustomers: whatever is done to one customer, with the other's ids, keys,
// cursors and names, no byte of the other changes.
func TestTwoCustomers(t *testing.T) {
	each(t, func(p *place) {
		for i, op := range everyKind() {
			if _, err := p.Do(ctx, other, op, cl.Key(fmt.Sprint("k", i))); err != nil {
				p.t.Fatal(err)
			}
		}
		if _, err := p.Do(ctx, other, until(grant("due", 1), begin.AddDate(10, 0, 0)), ""); err != nil {
			p.t.Fatal(err)
		}
		page, err := p.Entries(ctx, other, cl.EntriesQuery{Limit: 1})
		if err != nil {
			p.t.Fatal(err)
		}
		before := p.bytesOf(other)
		random := rand.New(rand.NewPCG(3, 4))
		done, refused := 0, 0
		for i := range 1500 {
			p.at(begin.Add(time.Duration(i) * time.Hour))
			if _, err := p.Do(ctx, on, anything(random), cl.Key(fmt.Sprint("k", random.IntN(2000)))); err == nil {
				done++
			} else if refused++; errors.Is(err, cl.ErrCorrupt) {
				p.t.Fatal(err)
			}
			if i%100 == 0 {
				if _, err := p.Sweep(ctx); err != nil {
					p.t.Fatal(err)
				}
				if _, err := p.Entries(ctx, on, cl.EntriesQuery{Limit: 1, Cursor: page.Next}); !errors.Is(err, cl.ErrInvalid) {
					p.t.Errorf("their cursor was taken: %v", err)
				}
			}
		}
		if !bytes.Equal(p.bytesOf(other), before) {
			p.t.Error("the other customer's account changed")
		}
		p.t.Logf("%d operations were done, %d refused", done, refused)
		if done < 100 || refused < 100 {
			p.t.Error("one of them is too few")
		}
	})
}

func (p *place) bytesOf(id cl.AccountID) []byte {
	p.t.Helper()
	data, err := fuzz.AccountBytes(ctx, p.store, id)
	if err != nil {
		p.t.Fatal(err)
	}
	return data
}

// anything is an operation that may or may not make sense, on ids of either customer.
func anything(random *rand.Rand) cl.Operation {
	id := []string{"b", "c", "p", "due", "mine", "new" + fmt.Sprint(random.IntN(50))}[random.IntN(6)]
	amount := cl.AmountOf(1 + random.Int64N(50))
	switch random.IntN(9) {
	case 0, 1, 2:
		op := cl.Increment{Amount: amount, BlockID: id, RequirePayment: random.IntN(5) == 0}
		if random.IntN(2) == 0 {
			op.BlockID = ""
		}
		return op
	case 3, 4:
		return cl.Decrement{Amount: amount, Overdraft: cl.Overdraft(random.IntN(3))}
	case 5:
		return cl.Void{BlockID: id, Amount: amount}
	case 6:
		return cl.Amendment{BlockID: id, Amount: amount}
	case 7:
		return cl.Activation{BlockID: id}
	}
	return cl.Batch{cl.ExpirationChange{BlockID: id, Target: cl.Never()}, cl.Decrement{Amount: amount}}
}

// TestNoSecretInErrors: the password of a database is in no error, neither of one that
// cannot be reached nor of one that cannot be read.
func TestNoSecretInErrors(t *testing.T) {
	const canary = "CANARY-7f3a"
	for _, dsn := range []string{
		"postgres://user:" + canary + "@127.0.0.1:1/db?connect_timeout=1", "host=127.0.0.1 port=1 user=u connect_timeout=1 password=" + canary,
	} {
		pool, err := pgxpool.New(ctx, dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		soon, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		_, err = postgres.Open(soon, pool, nil)
		if err == nil || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), canary) {
			t.Errorf("the error is %v", err)
		}
		if err := postgres.Migrate(soon, pool, nil); err == nil || strings.Contains(fmt.Sprintf("%v %+v", err, err), canary) {
			t.Errorf("the error is %v", err)
		}
	}
}
