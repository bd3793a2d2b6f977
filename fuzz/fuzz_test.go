package fuzz_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	cl "creditledger"
	"creditledger/fuzz"
	"creditledger/fuzz/model"
	"creditledger/fuzz/testsize"
	"creditledger/store/memory"
)

// FuzzMachine is the random machine with the bytes of the fuzzer in place of rapid's
// random numbers, so that coverage guides it.
func FuzzMachine(f *testing.F) {
	for _, n := range []int{2_000, 20_000, 60_000, 200_000} {
		seed := make([]byte, n)
		x := uint32(n)
		for i := range seed {
			x = x*1664525 + 1013904223
			seed[i] = byte(x >> 24)
		}
		f.Add(seed)
	}
	machine := &fuzz.Machine{Backends: []fuzz.Backend{memoryBackend}}
	f.Fuzz(rapid.MakeFuzz(machine.Run))
}

// stored is what a store holds after a little of everything: records, heads, blocks.
type stored struct{ records, heads, blocks [][]byte }

// sample does a little of everything and returns what the store then holds.
func sample(t testing.TB) stored {
	t.Helper()
	ctx, store, now := context.Background(), memory.New(), time.Date(2022, 5, 5, 17, 17, 6, 1000, time.UTC)
	l := cl.New(store, &cl.Options{Clock: func() time.Time { return now }})
	on := cl.AccountID{Customer: "cus_1", Currency: "credits"}
	item := []cl.Filter{{Field: cl.FilterFieldItem, Operator: cl.FilterExcludes, Values: []string{"api", "größe"}}}
	note := map[string]string{"record_id": "rec_123", "": "x"}
	delete(note, "")
	for i, op := range []cl.Operation{
		cl.Increment{Amount: cl.MustAmount("100"), BlockID: "b1", ExpiresAt: cl.On(cl.DateOf(2022, 12, 28)), CostBasis: cl.MustCostBasis("0.20"), Metadata: note, InvoiceID: "inv_1", Source: cl.SourceTopUp},
		cl.Increment{Amount: cl.MustAmount("12345678901234567890.123456789012345678"), BlockID: "b2", Priority: -7, Filters: item, RequirePayment: true, Repay: cl.RepayNever},
		cl.Decrement{Amount: cl.MustAmount("0.000000000000000001"), ItemID: "api", PriceID: "p", InvoiceID: "inv", Overdraft: cl.OverdraftStopAtZero, Description: "zwei\nZeilen"},
		cl.Decrement{Amount: cl.MustAmount("150"), OverdraftLimit: cl.OverdraftLimitOf(cl.AmountOf(1000))},
		cl.Increment{Amount: cl.AmountOf(20), BlockID: "b4", EffectiveAt: cl.At(now.Add(-2 * time.Hour)), Repay: cl.RepayNever},
		cl.Decrement{Amount: cl.MustAmount("15"), Overdraft: cl.OverdraftStopAtZero, UsageAt: cl.InstantOf(now.Add(-time.Hour))},
		cl.ExpirationChange{BlockID: "b2", Target: cl.On(cl.DateOf(2023, 12, 28)), Amount: cl.AmountOf(10), NewBlockID: "b3"},
		cl.Batch{cl.Void{BlockID: "b2", Amount: cl.AmountOf(5), Reason: cl.VoidRefund}, cl.Amendment{BlockID: "b1", Amount: cl.AmountOf(3)}, cl.Activation{BlockID: "b3"}},
		cl.ExpirationChange{BlockID: "b1", Target: cl.At(now), NewBlockID: "b5"},
		cl.Increment{Amount: cl.AmountOf(1), ExpiresAt: cl.At(now.Add(time.Hour))},
	} {
		if _, err := l.Do(ctx, on, op, cl.Key(strings.Repeat("k", i))); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(1000 * time.Hour)
	if _, err := l.Do(ctx, on, cl.Decrement{Amount: cl.AmountOf(1)}, ""); err != nil {
		t.Fatal(err)
	}
	var s stored
	state, err := store.Load(ctx, on, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.heads = append(s.heads, cl.AppendHead(nil, &state.Head), cl.AppendHead(nil, &cl.Head{}))
	blocks, err := store.Blocks(ctx, on, 1, 100)
	if err != nil {
		t.Fatal(err)
	}
	for i := range blocks {
		s.blocks = append(s.blocks, cl.AppendBlock(nil, &blocks[i]))
	}
	records, err := store.Journal(ctx, on, 1, 100, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		s.records = append(s.records, r.Bytes)
	}
	return s
}

// fuzzCodec feeds bytes to a decoder. What the decoder takes must be encoded to the same
// bytes again. The same bytes cut short, or with more after their end, must be refused.
func fuzzCodec(f *testing.F, seeds [][]byte, again func([]byte) ([]byte, error)) {
	for _, s := range seeds {
		f.Add(s)
		for _, i := range []int{0, len(s) / 2, len(s) - 1} {
			damaged := bytes.Clone(s)
			damaged[i] ^= 1
			f.Add(damaged)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		same, err := again(data)
		if err != nil {
			if !errors.Is(err, cl.ErrCorrupt) {
				t.Fatalf("%x: %v is no CorruptError", data, err)
			}
			return
		}
		if !bytes.Equal(same, data) {
			t.Fatalf("%x comes back as\n%x", data, same)
		}
		if _, err := again(append(bytes.Clone(data), 0)); err == nil {
			t.Fatalf("%x is taken with a byte after its end", data)
		}
		for n := range data {
			if n > 300 && n < len(data)-300 {
				continue
			}
			if _, err := again(data[:n:n]); err == nil {
				t.Fatalf("%x is taken when it is cut to %d bytes", data, n)
			}
		}
	})
}

func FuzzDecodeRecord(f *testing.F) {
	fuzzCodec(f, sample(f).records, func(data []byte) ([]byte, error) {
		r, err := cl.DecodeRecord(data)
		if err != nil {
			return nil, err
		}
		return cl.AppendRecord(nil, r), nil
	})
}

func FuzzDecodeBlock(f *testing.F) {
	fuzzCodec(f, sample(f).blocks, func(data []byte) ([]byte, error) {
		b, err := cl.DecodeBlock(data)
		if err != nil {
			return nil, err
		}
		return cl.AppendBlock(nil, &b), nil
	})
}

func FuzzDecodeHead(f *testing.F) {
	fuzzCodec(f, sample(f).heads, func(data []byte) ([]byte, error) {
		h, err := cl.DecodeHead(data)
		if err != nil {
			return nil, err
		}
		return cl.AppendHead(nil, &h), nil
	})
}

// FuzzParseWhen reads any text as a date or a date-time. What is taken must mean what
// it says: the fields are read again by hand.
func FuzzParseWhen(f *testing.F) {
	for _, s := range []string{
		"2022-12-28", "2024-02-29", "2023-02-29", "0001-01-01", "9999-12-31", "10000-01-01", "2022-12-28T08:00:00Z", "2022-12-28T08:00:00.123456789+05:45",
		"2022-12-28t08:00:00z", "2022-12-28T08:00:60Z", "2022-12-28T24:00:00Z", "2022-12-28T08:00:00,5Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.9999999-14:00", "2022-12-28T08:00:00-00:00", "", "never", "２０２２-12-28",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		w, err := cl.ParseWhen(s)
		if err != nil {
			if !errors.Is(err, cl.ErrInvalid) {
				t.Fatalf("%q: %v", s, err)
			}
			if _, err := time.Parse(time.DateOnly, s); err == nil && s > "0001" {
				t.Fatalf("the date %q is refused", s)
			}
			return
		}
		switch date := w.Date(); {
		case w.IsNever() || w.IsZero():
			t.Fatalf("%q is taken for never or nothing", s)
		case date != 0:
			want, err := time.Parse(time.DateOnly, s)
			if err != nil || date.String() != s || date.Year() != want.Year() || date.Month() != want.Month() || date.Day() != want.Day() {
				t.Fatalf("%q is taken for the date %s (%v)", s, date, err)
			}
		default:
			want, err := time.Parse(time.RFC3339Nano, s)
			if err != nil || !w.Instant().Time().Equal(want.Truncate(time.Microsecond)) {
				t.Fatalf("%q is taken for %s (%v)", s, w.Instant(), err)
			}
			if again, err := cl.ParseWhen(w.Instant().String()); err != nil || again != w {
				t.Fatalf("%q prints as %s, which reads as %s, %v", s, w.Instant(), again, err)
			}
		}
	})
}

// fuzzZones are those with a history worth looking at.
var fuzzZones = []string{
	"America/Los_Angeles", "Asia/Tokyo", "Asia/Kathmandu", "America/New_York", "America/Sao_Paulo", "Africa/Cairo", "Pacific/Apia", "Australia/Lord_Howe",
	"Africa/Monrovia", "America/St_Johns", "Asia/Manila", "Pacific/Kwajalein", "Europe/Dublin", "Asia/Tehran", "America/Havana", "Africa/Casablanca", "Antarctica/Troll", "Asia/Pyongyang", "Europe/Amsterdam", "UTC",
}

// FuzzFirstInstant compares the first instant of a local day with a search through
// every second.
func FuzzFirstInstant(f *testing.F) {
	for _, d := range []int32{20221228, 20181104, 20240426, 20240425, 20111230, 20111231, 18830101, 18831118, 19720107, 19930821, 19940101, 18450101, 18441231, 10101, 99991231, 20371231, 19470101, 19400516} {
		for zone := range fuzzZones {
			if !testsize.Race || zone%7 == int(d%7) {
				f.Add(d, byte(zone))
			}
		}
	}
	f.Fuzz(func(t *testing.T, packed int32, z byte) {
		date := cl.DateOf(int(packed)/10000, time.Month(packed/100%100), int(packed)%100)
		if date == 0 {
			return
		}
		zone, err := time.LoadLocation(fuzzZones[int(z)%len(fuzzZones)])
		if err != nil {
			t.Fatal(err)
		}
		if got, want := date.FirstInstant(zone), model.EverySecond(date, zone); got != want && (want.Valid() || got.Valid()) {
			t.Fatalf("%s in %s begins at %s, not %s", date, zone, want, got)
		}
	})
}

// FuzzCursor takes any text for a cursor of every list: it is refused as one, or leads
// to a page of that very list.
func FuzzCursor(f *testing.F) {
	ctx, now := context.Background(), time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	l := cl.New(memory.New(), &cl.Options{Clock: func() time.Time { return now }, Random: rand.NewChaCha8([32]byte{})})
	on := cl.AccountID{Customer: "cus_1"}
	for range 5 {
		if _, err := l.Do(ctx, on, cl.Increment{Amount: cl.AmountOf(1), ExpiresAt: cl.At(now.Add(time.Hour))}, ""); err != nil {
			f.Fatal(err)
		}
	}
	entries := cl.EntriesQuery{Limit: 2}
	for range 3 {
		page, err := l.Entries(ctx, on, entries)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(page.Next))
		entries.Cursor = page.Next
	}
	for _, all := range []bool{true, false} {
		page, err := l.Blocks(ctx, on, cl.BlocksQuery{All: all, Limit: 2})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(page.Next))
		f.Add(string(page.Next) + "A")
		f.Add(string(page.Next[:len(page.Next)-1]))
	}
	f.Add("!")
	f.Fuzz(func(t *testing.T, text string) {
		check := func(err error, items, most int) {
			t.Helper()
			if err != nil && (refusedField(err) != "cursor" || items > 0) || items > most {
				t.Fatalf("cursor %q: %d items, %v", text, items, err)
			}
		}
		for _, q := range []cl.EntriesQuery{{Limit: 2}, {Limit: 2, Ascending: true}, {Limit: 2, Type: cl.EntryIncrement}} {
			q.Cursor = cl.Cursor(text)
			page, err := l.Entries(ctx, on, q)
			check(err, len(page.Entries), 2)
			for i, e := range page.Entries {
				if e.Seq == 0 || e.Seq > 5 || i > 0 && (e.Seq > page.Entries[i-1].Seq) != q.Ascending {
					t.Fatalf("cursor %q: entry %d", text, e.Seq)
				}
			}
		}
		for _, all := range []bool{true, false} {
			page, err := l.Blocks(ctx, on, cl.BlocksQuery{All: all, Limit: 2, Cursor: cl.Cursor(text)})
			check(err, len(page.Blocks), 2)
		}
	})
}

func refusedField(err error) string {
	var e *cl.InvalidError
	if errors.As(err, &e) {
		return e.Field
	}
	return ""
}
