package main

import (
	"fmt"
	"strings"
)

// headline is a figure in docs/performance.md.
type headline struct {
	what  string
	unit  string
	value func(*results) (float64, bool)
}

// headlineFigures answer the questions of somebody who chooses a ledger.
var headlineFigures = []headline{
	{"a durable decrement in a file, one writer", " µs", per(1e3, each("OneWriter/of=decrement/key=ledger"))},
	{"one put of 200 bytes by bbolt alone, in the same file system", " µs", per(1e3, each("OneWriter/of=put"))},
	{"durable decrements in a file, 64 writers on one account", "/s", rate(spending(1, "ledger", 64))},
	{"durable decrements in a file, 64 writers on 10,000 accounts, random keys", "/s", rate(spending(10_000, "caller", 64))},
	{"durable decrements in PostgreSQL, 64 clients on 10,000 accounts", "/s", rate("Postgres/accounts=10000/writers=64/by=ledger")},
	{"the same by hand with `SELECT … FOR UPDATE`", "/s", rate("Postgres/accounts=10000/writers=64/by=lock")},
	{"a decrement in memory", " ns", each("Decrement/accounts=1/store=memory/key=ledger/writers=1").value},
	{"a decrement in a file after 10^6 entries, to one after 10^3", " ×",
		each("History/store=bolt/op=decrement/history=1000000").over(each("History/store=bolt/op=decrement/history=1000"))},
	{"a balance, whatever the history", " ns", each("History/store=bolt/op=balance/history=1000000").value},
	{"bytes of a file in use for a decrement", " B", figure{"Disk/store=bolt/accounts=10000/key=ledger/entries=1000000", "B/entry"}.value},
	{"records verified, 10,000 accounts in a file", "/s", figure{"Verify/accounts=10000/store=bolt/records=300000", "records/s"}.value},
}

// per divides a figure by a number.
func per(by float64, f figure) func(*results) (float64, bool) {
	return func(r *results) (float64, bool) {
		v, ok := f.value(r)
		return v / by, ok
	}
}

// rate is how many results a benchmark gives in a second.
func rate(name string) func(*results) (float64, bool) { return figure{name, "ops/s"}.value }

// headlines is the table of docs/performance.md.
func headlines(r *results) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n| what | measured |\n|---|---|\n", where(r))
	for _, h := range headlineFigures {
		text := "**not measured**"
		if v, ok := h.value(r); ok {
			text = number(v) + h.unit
		}
		fmt.Fprintf(&b, "| %s | %s |\n", h.what, text)
	}
	return b.String()
}
