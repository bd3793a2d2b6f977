package storetest

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"creditledger"
)

// Names that a careless store mixes up. Some are the beginning of others, differ only in
// case or in normal form, contain what could be a separator, or are as long as names can
// be.
var (
	plain = creditledger.AccountID{Customer: "a", Currency: "credits"}

	awkwardAccounts = []creditledger.AccountID{
		plain,
		{Customer: "a", Currency: "credit"},
		{Customer: "a", Currency: "Credits"},
		{Customer: "ab", Currency: "credits"},
		{Customer: "a", Currency: "bcredits"},
		{Customer: "A", Currency: "credits"},
		{Customer: "B", Currency: "credits"},
		{Customer: "a/b", Currency: "c"},
		{Customer: "a", Currency: "b/c"},
		{Customer: "a|1", Currency: "1"},
		{Customer: "a b", Currency: "€"},
		{Customer: "a!", Currency: "credits"},
		{Customer: "a\u00a0", Currency: "credits"},
		{Customer: "é", Currency: "credits"},
		{Customer: "e\u0301", Currency: "credits"},
		{Customer: "日本", Currency: "円"},
		{Customer: "日", Currency: "本円"},
		{Customer: "\U0001F600", Currency: "credits"},
		{Customer: strings.Repeat("x", 255), Currency: strings.Repeat("y", 255)},
		{Customer: strings.Repeat("x", 254), Currency: strings.Repeat("y", 255)},
		{Customer: "a%_'\"\\", Currency: "$1"},
	}

	awkwardTexts = []string{"k", "K", "k ", " k", "k1", "k10", "k/1", "k|", "kk", "é", "e\u0301",
		"日本", "k%", "k_", "'; --", `k\`, strings.Repeat("k", 255)}

	awkwardAmounts = []string{"0", "99999999999999999999.999999999999999999",
		"-99999999999999999999.999999999999999999", "0.000000000000000001",
		"-0.000000000000000001", "12345678901234567890.123456789012345678",
		"9007199254740993", "0.1", "18446744073709551616", "-1", "100"}

	awkwardInstants = []string{"2024-02-29T23:59:59.999999Z", "0001-01-01T00:00:00Z",
		"9999-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.000001Z", "2300-01-01T00:00:00.000001Z"}

	awkwardCosts = []string{"0.20", "0", "1.000000000000000000", "99999999999999999999"}
)

// pick takes samples in turn.
func pick(samples []string, i int) string { return samples[i%len(samples)] }

func amount(i int) creditledger.Amount { return creditledger.MustAmount(pick(awkwardAmounts, i)) }

func instant(i int) creditledger.Instant {
	at, err := creditledger.ParseInstant(pick(awkwardInstants, i))
	if err != nil {
		return 1
	}
	return at
}

// sampleBlock returns a block with that number. Among a dozen of them, every field is set
// in some and unset in others.
func sampleBlock(number uint64) creditledger.Block {
	i := int(number)
	b := creditledger.Block{
		ID:          fmt.Sprintf("block %d é %s", number, strings.Repeat("=", i%7)),
		Number:      number,
		CreatedAt:   instant(i),
		EffectiveAt: instant(i + 1),
		ActivatedAt: instant(i + 2),
		Initial:     amount(i),
		Balance:     amount(i + 1),
		Capacity:    amount(i + 2),
		Priority:    int32(1-i%3) * (1<<31 - 1),
		Source:      creditledger.Source(i % 4),
		Overdraft:   i%5 == 4,
	}
	if i%2 == 1 {
		b.ExpiresAt = instant(i + 3)
		b.CostBasis = creditledger.MustCostBasis(pick(awkwardCosts, i/2))
		b.InvoiceID, b.ParentID = "inv_"+pick(awkwardTexts, i), pick(awkwardTexts, i+1)
	}
	if i%3 == 1 {
		b.Status, b.ActivatedAt = creditledger.BlockPendingPayment, 0
		b.Filters = []creditledger.Filter{
			{Field: creditledger.FilterFieldItem, Operator: creditledger.FilterIncludes, Values: []string{"item", "itém", ""}},
			{Field: creditledger.FilterFieldPriceType, Operator: creditledger.FilterExcludes, Values: []string{"p"}},
		}
	}
	if i%4 != 0 {
		b.Metadata = map[string]string{"": "empty key", "k": "", "ключ": strings.Repeat("値", 100)}
	}
	return b
}

// sampleBytes returns bytes of no meaning and of varying length.
func sampleBytes(text string, n uint64) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", text, n))
	return append([]byte{0, 0xff, 0}, sum[:n%uint64(len(sum)+1)]...)
}

// sampleTexts returns the texts beside a record. Most records have none.
func sampleTexts(n uint64) []byte {
	if n%3 != 1 {
		return nil
	}
	return sampleBytes("texts", n+1)
}
