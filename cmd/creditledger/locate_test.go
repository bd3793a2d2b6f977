package main

import (
	"errors"
	"testing"

	"creditledger"
)

// locateCases are the cases of TestLocate.
var locateCases = []struct {
	db, flag string
	want     string // of the location; empty: it is refused
	database bool
}{
	{"credits.db", "", "credits.db", false},
	{"./host=x", "", "./host=x", false},
	{"host", "", "host", false},
	{"./sqlite://x", "", "./sqlite://x", false},
	{"sqlite://x", "", "", false},
	{"pgsql://u:p@h/d", "", "", false},
	{"jdbc:postgresql://h/d", "", "", false},
	{"postgres:/u:p@h/d", "", "", false},
	{"postgres:u:p@h", "", "", false},
	{"u:p@h/d", "", "", false},
	{"u:p@h:5432", "", "", false},
	{"u:p@localhost", "", "", false},
	{":p@localhost", "", "", false},
	{"u:p/w@localhost", "", "", false},
	{"u:p w@localhost", "", "", false},
	{"https:u:p@h", "", "", false},
	{"user/p@h:1521/db", "", "", false},
	{"user/p@//h/db", "", "", false},
	{"user/p@orcl", "", "", false},
	{"org:ada@example.com", "", "", false}, // who means a file writes
	{"./org:ada@example.com", "", "./org:ada@example.com", false},
	{"./ada@h", "", "./ada@h", false},
	{"accounts/ada@example.db", "", "accounts/ada@example.db", false},
	{"ada@example.db", "", "ada@example.db", false},
	{"12:30.db", "", "12:30.db", false},
	{"C:/credits.db", "", "C:/credits.db", false},
	{"C:/ada@example.db", "", "C:/ada@example.db", false},
	{`C:\ada@example.db`, "", `C:\ada@example.db`, false},
	{"a=b", "", "a=b", false},
	{"rehost=b", "", "rehost=b", false},
	{" host=h dbname=d", "", "schema creditledger of the database", true},
	{"application_name=x password=p host=h dbname=d", "", "schema creditledger of the database", true},
	{"connect_timeout=10 host=h", "", "schema creditledger of the database", true},
	{"target_session_attrs=read-write host=h", "", "schema creditledger of the database", true},
	{"options='-c statement_timeout=1s' host=h", "", "schema creditledger of the database", true},
	{"hsot=h password=p", "", "schema creditledger of the database", true},
	{"sslrootcert=x host=h", "", "", false},
	{"POSTGRES://h/d", "", "schema creditledger of the database", true},
	{"", "", "", false},
	{"postgres://h/d", "", "schema creditledger of the database", true},
	{"postgresql://u:p@h:1234/d?schema=mine", "", "schema mine of the database", true},
	{"postgres://h/d", "mine", "schema mine of the database", true},
	{"postgres://h/d?schema=mine", "mine", "schema mine of the database", true},
	{"host=/tmp dbname=d schema=mine", "", "schema mine of the database", true},
	{"user = u dbname=d", "", "schema creditledger of the database", true},
	{"postgres://h/d?schema=mine", "other", "", false},
	{"credits.db", "mine", "", false},
	{"postgres://h:port/d", "", "", false},
	{"postgres://h/d?sslmode=maybe", "", "", false},
}

// TestLocate: what is a connection and what is a file, and where the schema comes from.
func TestLocate(t *testing.T) {
	for _, c := range locateCases {
		at, err := locate(c.db, c.flag)
		if err != nil {
			if c.want != "" || !errors.Is(err, creditledger.ErrInvalid) {
				t.Errorf("%q, %q: %v", c.db, c.flag, err)
			}
			continue
		}
		if at.String() != c.want || (at.database != nil) != c.database {
			t.Errorf("%q, %q: %s", c.db, c.flag, at)
		}
		if at.database != nil {
			if _, ours := at.database.ConnConfig.RuntimeParams["schema"]; ours || at.database.ConnConfig.ConnectTimeout != patienceToConnect {
				t.Errorf("%q: the server would be told our schema, or has more than %s", c.db, patienceToConnect)
			}
		}
	}
}
