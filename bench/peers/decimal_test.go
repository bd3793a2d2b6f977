package peers

import (
	"testing"

	"github.com/cockroachdb/apd/v3"
	govalues "github.com/govalues/decimal"
	"github.com/shopspring/decimal"

	"creditledger"
)

// pairs are everyday operands: two with the same number of places, and two with different
// ones.
var pairs = []struct{ name, a, b string }{
	{"same", "123.456789", "0.200000"},
	{"other", "123.456789", "0.20"},
}

// BenchmarkDecimal adds, subtracts and compares amounts.
func BenchmarkDecimal(b *testing.B) {
	for _, p := range pairs {
		run := func(op, by string, do func()) {
			b.Run("op="+op+"/scale="+p.name+"/by="+by, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					do()
				}
			})
		}
		ledger(run, creditledger.MustAmount(p.a), creditledger.MustAmount(p.b))
		byAPD(run, mustAPD(b, p.a), mustAPD(b, p.b))
		byShopspring(run, decimal.RequireFromString(p.a), decimal.RequireFromString(p.b))
		byGovalues(run, govalues.MustParse(p.a), govalues.MustParse(p.b))
	}
}

// Results are stored here, so that the compiler does not leave out the work.
var (
	order   int
	failure error
	amount  creditledger.Amount
	short   decimal.Decimal
	value   govalues.Decimal
)

type runner func(op, by string, do func())

func ledger(run runner, x, y creditledger.Amount) {
	run("add", "ledger", func() { amount, failure = x.Add(y) })
	run("sub", "ledger", func() { amount, failure = x.Sub(y) })
	run("cmp", "ledger", func() { order = x.Cmp(y) })
}

func mustAPD(b *testing.B, text string) *apd.Decimal {
	b.Helper()
	d, _, err := apd.NewFromString(text)
	if err != nil {
		b.Fatal(err)
	}
	return d
}

// byAPD uses a context that refuses to round, and writes into a result that exists already.
func byAPD(run runner, x, y *apd.Decimal) {
	c := apd.BaseContext.WithPrecision(38)
	c.Traps |= apd.Inexact
	var z apd.Decimal
	run("add", "apd", func() { _, failure = c.Add(&z, x, y) })
	run("sub", "apd", func() { _, failure = c.Sub(&z, x, y) })
	run("cmp", "apd", func() { order = x.Cmp(y) })
}

func byShopspring(run runner, x, y decimal.Decimal) {
	run("add", "shopspring", func() { short = x.Add(y) })
	run("sub", "shopspring", func() { short = x.Sub(y) })
	run("cmp", "shopspring", func() { order = x.Cmp(y) })
}

func byGovalues(run runner, x, y govalues.Decimal) {
	run("add", "govalues", func() { value, failure = x.Add(y) })
	run("sub", "govalues", func() { value, failure = x.Sub(y) })
	run("cmp", "govalues", func() { order = x.Cmp(y) })
}
