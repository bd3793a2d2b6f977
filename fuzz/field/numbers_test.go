package field

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
	"time"

	cl "creditledger"
)

// lago-api#4639, #4641, #5121, #4794, #4273: one place rounded down, another to the
// nearest, and a cent stayed.
func TestField_44_SumOfEntriesIsTheBalance(t *testing.T) {
	each(t, func(p *place) {
		random := rand.New(rand.NewPCG(1, 2))
		for range 300 {
			a := cl.MustAmount(fmt.Sprintf("%d.%018d", random.IntN(10), random.Int64N(1e18)))
			var op cl.Operation = cl.Increment{Amount: a}
			if random.IntN(2) == 0 {
				op = cl.Decrement{Amount: a}
			}
			p.must(op)
		}
		sum := new(big.Rat)
		for _, e := range p.entries() {
			r, _ := new(big.Rat).SetString(e.Amount.String())
			if e.Type == cl.EntryDecrement {
				r.Neg(r)
			}
			sum.Add(sum, r)
		}
		b, err := p.Balance(ctx, on, cl.BalanceQuery{})
		if total, _ := new(big.Rat).SetString(b.Total.String()); err != nil || total.Cmp(sum) != 0 {
			p.t.Errorf("the total is %s, the entries add up to %s (%v)", b.Total, sum.FloatString(18), err)
		}
	})
}

// lago-api#5792, #3698: amounts of nothing, and less than nothing, went through.
func TestField_45_NothingAndLess(t *testing.T) {
	each(t, func(p *place) {
		for _, text := range []string{"0", "0.000", "-1", "-0.000000000000000001", "-0"} {
			a := cl.MustAmount(text)
			for _, op := range []cl.Operation{cl.Increment{Amount: a}, cl.Decrement{Amount: a}, cl.Void{BlockID: "b", Amount: a}, cl.Amendment{BlockID: "b", Amount: a}, cl.Batch{cl.Decrement{Amount: a}}} {
				p.refused(op, "", cl.ErrInvalid)
			}
		}
		smallest := cl.MustAmount("0.000000000000000001")
		p.must(cl.Increment{Amount: smallest})
		p.total("0.000000000000000001")
		p.must(cl.Decrement{Amount: smallest, Overdraft: cl.OverdraftReject})
		p.total("0")
	})
}

// blnk@9bf69d2, @51eaf62: a negative amount times a negative precision passed as positive.
func TestField_46_SignAndScale(t *testing.T) {
	for _, text := range []string{"1e-19", "0.0000000000000000001", "1e20", "-1e20", "123456789012345678901", "1.1234567890123456789", "1e999999999", "1e-999999999", "--1", "-+1"} {
		if a, err := cl.ParseAmount(text); !errors.Is(err, cl.ErrInvalid) {
			t.Errorf("%s is taken for %s", text, a)
		}
	}
	for text, want := range map[string]string{"-1e-2": "-0.01", "-1e2": "-100", "1E-18": "0.000000000000000001", "-0": "0", "-0e5": "0", "1e19": "10000000000000000000"} {
		if a, err := cl.ParseAmount(text); err != nil || a.String() != want || a.Sign() < 0 != (want[0] == '-') {
			t.Errorf("%s is taken for %s, %v", text, a, err)
		}
	}
}

// openmeter@3ecc3875a, #4820, #3193: a negative grant, a precision that overflowed, a
// count of expiries in eight bits.
func TestField_47_EdgesOfIntegers(t *testing.T) {
	for _, bits := range []uint{8, 16, 31, 32, 53, 63, 64} {
		for _, off := range []int64{-1, 0, 1} {
			n := new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), bits), big.NewInt(off))
			if a, err := cl.ParseAmount(n.String()); err != nil || a.String() != n.String() {
				t.Errorf("%s is %s, %v", n, a, err)
			}
		}
	}
	for _, n := range []int64{math.MinInt64, math.MinInt64 + 1, -1, 0, math.MaxInt64} {
		if cl.AmountOf(n).String() != fmt.Sprint(n) {
			t.Errorf("%d is %s", n, cl.AmountOf(n))
		}
	}
	each(t, func(p *place) {
		const blocks = 260
		var batch cl.Batch
		for range blocks {
			batch = append(batch, cl.Increment{Amount: one, ExpiresAt: cl.At(begin.Add(time.Hour))})
		}
		p.must(batch)
		p.at(begin.Add(time.Hour))
		p.must(cl.Increment{Amount: one})
		if n := len(p.entries()); n != 2*blocks+1 {
			p.t.Errorf("%d entries for %d grants and their expiries", n, blocks)
		}
		p.total("1")
	})
}

// formancehq/ledger#1177, #1116, #573: a saved amount met an overdraft, and a revert a
// balance below 0.
func TestField_54_DebtVoidAmendment(t *testing.T) {
	each(t, func(p *place) {
		p.must(grant("b", 100))
		p.must(spend(130))
		p.total("-30")
		if r := p.must(cl.Void{BlockID: "b", Amount: cl.AmountOf(100)}); r.Consumed.String() != "100" || !r.Entries[1].Amount.IsZero() {
			p.t.Errorf("the void of a block in debt: %+v", r)
		}
		p.total("-30")
		p.refused(cl.Amendment{BlockID: "b", Amount: cl.AmountOf(31)}, "", cl.ErrConstraint)
		p.must(cl.Amendment{BlockID: "b", Amount: cl.AmountOf(30)})
		p.total("0")
		p.refused(cl.Void{BlockID: "b", Amount: one}, "", cl.ErrConstraint)
		p.must(spend(7))
		p.refused(cl.ExpirationChange{BlockID: "b", Target: cl.Never()}, "", cl.ErrConstraint)
		p.must(grant("c", 10))
		p.total("3")
	})
}

// formancehq/ledger#788, @d6e7e0997: two writers escaped text differently, so their
// hashes did; metadata of null broke storage.
func TestField_55_CanonicalText(t *testing.T) {
	const odd = "<&>\u2028\u2029\u00e9e\u0301\"\\/😀"
	each(t, func(p *place) {
		op := cl.Increment{Amount: one, BlockID: odd, Description: odd, Metadata: map[string]string{"<&>\u2028": odd}}
		p.keyed(op, odd)
		if e := p.entries()[0]; e.Description != odd || e.Metadata["<&>\u2028"] != odd || e.Block.ID != odd || e.IdempotencyKey != odd {
			p.t.Errorf("it is read back as %+v", e)
		}
		if !p.keyed(op, odd).Replayed {
			p.t.Error("it is not known again")
		}
		p.keyed(cl.Void{BlockID: odd, Amount: one, Metadata: nil}, "nil")
		if !p.keyed(cl.Void{BlockID: odd, Amount: one, Metadata: map[string]string{}}, "nil").Replayed {
			p.t.Error("no metadata and empty metadata are two things")
		}
	})
}

// midaz@ad34131e4: a limit that was damaged in storage was read as 0, that is none.
func TestField_57_DamageIsNeverZero(t *testing.T) {
	each(t, func(p *place) {
		p.must(cl.Decrement{Amount: cl.AmountOf(5), OverdraftLimit: cl.OverdraftLimitOf(cl.AmountOf(1000))})
		records, err := p.Journal(ctx, on, 1, 1)
		if err != nil {
			p.t.Fatal(err)
		}
		data, seal := records[0].Bytes, cl.SealOf(records[0].Bytes)
		for i := range data {
			for bit := range 8 {
				data[i] ^= 1 << bit
				if rec, err := cl.DecodeRecord(data); err == nil && cl.SealOf(cl.AppendRecord(nil, rec)) == seal {
					p.t.Errorf("byte %d, bit %d: the damage is not seen", i, bit)
				} else if err != nil && !errors.Is(err, cl.ErrCorrupt) {
					p.t.Errorf("byte %d, bit %d: %v", i, bit, err)
				}
				data[i] ^= 1 << bit
			}
			if _, err := cl.DecodeRecord(data[:i]); !errors.Is(err, cl.ErrCorrupt) {
				p.t.Errorf("cut to %d bytes: %v", i, err)
			}
		}
	})
}
