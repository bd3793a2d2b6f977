package bolt_test

import (
	"bytes"
	"cmp"
	"testing"

	"pgregory.net/rapid"

	"creditledger"
	"creditledger/store/bolt"
)

// names are texts of any bytes, most of them made of those that the encoding uses.
func names() *rapid.Generator[string] {
	return rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 2, 'a', 0xfe, 0xff}), 0, 5),
		func(b []byte) string { return string(b) })
}

func accountIDs() *rapid.Generator[creditledger.AccountID] {
	return rapid.Custom(func(t *rapid.T) creditledger.AccountID {
		return creditledger.AccountID{Customer: names().Draw(t, "customer"), Currency: names().Draw(t, "currency")}
	})
}

// Account keys sort as accounts do and come back as they were, whatever is in them.
func TestAccountKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := accountIDs().Draw(t, "a"), accountIDs().Draw(t, "b")
		keyA, keyB := bolt.AccountKey(a), bolt.AccountKey(b)
		if got, want := bytes.Compare(keyA, keyB), a.Compare(b); got != want {
			t.Errorf("%q, %q: keys compare as %d, accounts as %d", a, b, got, want)
		}
		if back, ok := bolt.ParseAccountKey(keyA); !ok || back != a {
			t.Errorf("%q comes back as %q, %t", a, back, ok)
		}
		x, y := creditledger.Instant(rapid.Int64Min(1).Draw(t, "x")), creditledger.Instant(rapid.Int64Min(1).Draw(t, "y"))
		want := cmp.Or(cmp.Compare(x, y), a.Compare(b))
		if got := bytes.Compare(bolt.DueKey(x, a), bolt.DueKey(y, b)); got != want {
			t.Errorf("due keys compare as %d, want %d", got, want)
		}
	})
}

// No bytes but those of AccountKey are read as a name.
func TestParseAccountKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 2, 'a', 0xff}), 0, 8).Draw(t, "key")
		if id, ok := bolt.ParseAccountKey(k); ok && !bytes.Equal(bolt.AccountKey(id), k) {
			t.Errorf("%x is read as %q, which is %x", k, id, bolt.AccountKey(id))
		}
	})
}
