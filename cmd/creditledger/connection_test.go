package main

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"strings"
	"testing"

	"creditledger/fuzz/testseed"
	"creditledger/fuzz/testsize"
)

// someConnection writes a way to a database that does not answer, with a secret in it, as
// people write them: as a URL or as parameters, right or nearly so.
func someConnection(r *rand.Rand, secret string) string {
	one := func(of ...string) string { return of[r.IntN(len(of))] }
	some := func(text string) string { return strings.Repeat(text, r.IntN(2)) }
	switch r.IntN(5) {
	case 0: // what other programs take, or half a URL
		plain := url.QueryEscape(secret)
		return some(" ") + one("ada:", ":", "a.b-c:", "https:ada:", "ada/", "A-1/") + plain + one("@h:1521/db", "@//h:1/db", "@127.0.0.1:1", "@localhost", "@localhost:5432", "@h/")
	case 1, 2:
		text := one("postgres://", "postgresql://", "Postgres://", "pgsql://", "POSTGRESQL://", "jdbc:postgresql://", "mysql://", "postgres:", "")
		if r.IntN(3) > 0 || text == "" {
			text += one("ada", "", "a.b-c") + ":" + url.QueryEscape(secret) + "@" + one("127.0.0.1:1", "127.0.0.1:1,127.0.0.1:2", "[::1]:1") + "/" + one("db", "", "a%20b")
			return some(" ") + text + one("", "?sslmode=disable", "?nonsense=1", "?sslmode=what")
		}
		return text + "127.0.0.1:1/db?" + one("", "user=ada&") + "password=" + url.QueryEscape(secret) + one("", "&connect_timeout=1")
	}
	value := secret
	if r.IntN(2) == 0 || strings.ContainsAny(secret, ` '\`) {
		value = "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(secret) + "'"
	}
	is := one("=", "=", " = ", "= ")
	params := []string{"host" + is + "127.0.0.1", "port" + is + one("1", "x"), one("password", "password", "PASSWORD", "pwd", "passwd") + is + value}
	for _, more := range []string{"user" + is + "ada", "dbname" + is + "credits", "sslmode" + is + "disable", "nonsense" + is + "1", "connect_timeout" + is + "1"} {
		if r.IntN(2) == 0 {
			params = append(params, more)
		}
	}
	r.Shuffle(len(params), func(i, j int) { params[i], params[j] = params[j], params[i] })
	return some(" ") + strings.Join(params, one(" ", "  ", "\t"))
}

// TestRandomConnections: whatever is a connection, or was meant to be, is never the name
// of a file that is made, and its password is never printed.
func TestRandomConnections(t *testing.T) {
	r := rand.New(rand.NewPCG(testseed.Of(t), 1))
	s := newSession(t)
	t.Chdir(t.TempDir())
	for range testsize.Of(30, 100, 5000) {
		secret := fmt.Sprintf("%08x%s", r.Uint32(), []string{"", "", "!$%", "é/ü", "=", " and more", `'\`}[r.IntN(7)])
		db := someConnection(r, secret)
		args := [][]string{
			{"grant", "cus_1", "5", "--db", db}, {"balance", "cus_1", "--db=" + db}, {"verify", "--db", db}, {"apply", "--db", db}, {"migrate", "--db", db},
			{"backup", "to.db", "--db", db}, {"copy", "--from", db, "--to", "to.db"}, {"copy", "--from", "none.db", "--to", db}, {"sweep", "--db", db}, {"balance", "cus_1", db},
		}[r.IntN(10)]
		stdout, stderr, status := s.run(args...)
		if status == 0 {
			t.Errorf("%q succeeds", args)
		}
		if strings.Contains(stdout+stderr, secret[:8]) {
			t.Errorf("%q prints the secret:\n%s%s", args, stdout, stderr)
		}
		left, err := os.ReadDir(".")
		if err != nil || len(left) > 0 {
			t.Fatalf("%q leaves %v: %v", args, left, err)
		}
	}
}
