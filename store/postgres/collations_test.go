package postgres_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"creditledger"
	"creditledger/fuzz/testseed"
	"creditledger/fuzz/testsize"
	"creditledger/store/postgres"
	"creditledger/store/postgres/pgtest"
)

// someName is a customer's name of letters that collations sort in ways of their own.
func someName(r *rand.Rand) string {
	letters, name := []rune("aAbBzZäÄåøßéñllchCH-_ .'012910日本かカ😀"), "c"
	for range 1 + r.IntN(6) {
		name += string(letters[r.IntN(len(letters))])
	}
	return name + "c"
}

// TestDatabasesOfAnyCollation: a database sorts text in an order chosen at random. It is
// refused, or lists every account once and in the order of bytes, page by page.
func TestDatabasesOfAnyCollation(t *testing.T) {
	r := rand.New(rand.NewPCG(testseed.Of(t), 5))
	server := pgtest.Shared(t)
	orders := []string{"en", "de", "sv", "cs", "es-u-co-trad", "ja", "en-u-kn-true", "en-u-ka-shifted", "en-u-kf-upper", "da", "lt"}
	r.Shuffle(len(orders), func(i, j int) { orders[i], orders[j] = orders[j], orders[i] })
	orders = append([]string{"bytes"}, orders[:testsize.Of(1, 2, len(orders))]...)
	for i, order := range orders {
		name, how := fmt.Sprint("collation_", i), "LC_COLLATE 'C' LC_CTYPE 'C'"
		if order != "bytes" {
			how += fmt.Sprintf(" LOCALE_PROVIDER icu ICU_LOCALE '%s'", order)
		}
		if err := server.Exec(t.Context(), "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8' "+how); err != nil {
			t.Fatal(err)
		}
		pool, o := newPool(t, server.DSN(name), nil), &postgres.Options{Portable: true, Buckets: 1 + r.IntN(3)}
		if err := postgres.Migrate(t.Context(), pool, o); err != nil {
			t.Fatal(err)
		}
		s, err := postgres.Open(t.Context(), pool, o)
		if errors.Is(err, postgres.ErrUnfit) && order != "bytes" {
			continue
		}
		if err != nil {
			t.Fatalf("a database that sorts as %s: %v", order, err)
		}
		l := creditledger.New(s, nil)
		var want []creditledger.AccountID
		for range 60 {
			id := creditledger.AccountID{Customer: someName(r), Currency: "credits"}
			grant(t, l, id, "1")
			want = append(want, id)
		}
		slices.SortFunc(want, creditledger.AccountID.Compare)
		want = slices.Compact(want)
		if got := listed(t, l, 1+r.IntN(20)); !slices.Equal(got, want) {
			t.Errorf("a database that sorts as %s lists %d of %d accounts: %v, want %v", order, len(got), len(want), got, want)
		}
		verify(t, l)
		l.Close()
		s.Close()
	}
}

// listed lists accounts page by page.
func listed(t *testing.T, l *creditledger.Ledger, limit int) (list []creditledger.AccountID) {
	t.Helper()
	var after creditledger.AccountID
	for len(list) < 1000 {
		page, err := l.Accounts(t.Context(), after, limit)
		if err != nil {
			t.Fatal(err)
		}
		if list = append(list, page...); len(page) < limit {
			break
		}
		after = page[limit-1]
	}
	return list
}
