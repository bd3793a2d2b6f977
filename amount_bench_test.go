package creditledger

import "testing"

// The operands of everyday: a balance, a charge, a round number; and a wide one.
var (
	benchBalance = MustAmount("123.456789")
	benchCharge  = MustAmount("0.20")
	benchRound   = AmountOf(1_000_000)
	benchWide    = MustAmount("-12345678901234567890.123456789012345678")
)

// benchSink keeps results alive without letting them escape one by one.
var benchSink Amount

func BenchmarkAmountAdd(b *testing.B) {
	for _, c := range benchPairs {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				benchSink, _ = c.a.Add(c.b)
			}
		})
	}
}

func BenchmarkAmountSub(b *testing.B) {
	for _, c := range benchPairs {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				benchSink, _ = c.a.Sub(c.b)
			}
		})
	}
}

var benchPairs = []struct {
	name string
	a, b Amount
}{
	{"balance,charge", benchBalance, benchCharge},
	{"same scale", benchBalance, MustAmount("0.200000")},
	{"round,charge", benchRound, benchCharge},
	{"wide", benchWide, MustAmount("9876543210987654321.987654321098765432")},
	{"wide,charge", benchWide, benchCharge},
}

func BenchmarkAmountCmp(b *testing.B) {
	for _, c := range benchPairs {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n += c.a.Cmp(c.b)
			}
		})
	}
}

func BenchmarkAmountSign(b *testing.B) {
	for b.Loop() {
		_ = benchBalance.Sign()
	}
}

func BenchmarkParseAmount(b *testing.B) {
	for _, s := range []string{"123.456789", "1000000", "1e2", "12345678901234567890.123456789012345678"} {
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				benchSink, _ = ParseAmount(s)
			}
		})
	}
}

func BenchmarkAmountText(b *testing.B) {
	buf := make([]byte, 0, maxNumberText)
	for _, a := range []Amount{benchBalance, MustAmount("1.000000"), benchWide} {
		b.Run("String "+a.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = a.String()
			}
		})
		b.Run("AppendText "+a.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = a.AppendText(buf)
			}
		})
	}
}

func BenchmarkAmountBytes(b *testing.B) {
	buf := make([]byte, 0, 32)
	for _, a := range []Amount{{}, benchBalance, MustAmount("0.200000"), MustAmount("-1.000000000000000000"), benchWide} {
		b.Run("append "+a.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				appendAmount(buf, a)
			}
		})
		data := appendAmount(nil, a)
		b.Run("read "+a.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := reader{data: data}
				benchSink = r.amount()
			}
		})
	}
}
