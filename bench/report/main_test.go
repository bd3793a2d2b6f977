package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, lines string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "results")
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// What was missed or never measured is plain in the pages, and of several rounds the
// median counts.
func TestPages(t *testing.T) {
	r, err := readResults(write(t, `commit: 0123456789ab
cpu: A processor
cpu: The processor
BenchmarkStep/by=ledger/blocks=10-2     10   400 ns/op   1 allocs/op
BenchmarkStep/by=ledger/blocks=10-2     10   100 ns/op   0 allocs/op
BenchmarkStep/by=ledger/blocks=10-2     10   300 ns/op   0 allocs/op
BenchmarkStep/by=int64/blocks=10/line=kept  10  8 ns/op  0 allocs/op
BenchmarkDecrement/accounts=1/store=memory/key=ledger/writers=1-2  10  3210.4 ns/op  2 allocs/op
PASS
`))
	if err != nil {
		t.Fatal(err)
	}
	docs := t.TempDir()
	if err := os.Mkdir(filepath.Join(docs, "results"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(docs, "performance.md"), []byte("Words.\n<!-- figures: begin -->\n<!-- figures: end -->\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writePages(r, docs); err != nil {
		t.Fatal(err)
	}
	for name, lines := range map[string][]string{
		"performance.md": {
			"Words.", "Commit 0123456789ab", "The processor",
			"| a decrement in memory | 3,210 ns |", "| a durable decrement in a file, one writer | **not measured** |",
		},
		"results/performance.md": {
			"Commit 0123456789ab", "The processor", "of 3 rounds",
			"| in memory | a decrement through the public API | ≤ 4,000 ns | 3,210 ns | reached |",
			"| in memory | the step alone, to a hand-written drawdown of int64 that fills in a line | ≤ 8 × | 37.5 × | **missed** |",
			"| in memory | the step alone: allocations | ≤ 0 | 0 | reached |",
			"| in memory | Amount, add, everyday | ≤ 15 ns |  | **not measured** |",
		},
		"results/durable.md": {"## Decrement\n\n| | ns/op | allocs/op |\n"},
		"results/figures.md": {"## Step\n\n| | ns/op | allocs/op |\n", "| by=ledger, blocks=10 | 300 | 0 |"},
	} {
		text, err := os.ReadFile(filepath.Join(docs, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range lines {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s lacks %q", name, want)
			}
		}
	}
	if short := plain(r); strings.Contains(short, "*") || !strings.Contains(short, "37.5 ×") {
		t.Errorf("for a terminal:\n%s", short)
	}
}

func TestBadResults(t *testing.T) {
	if _, err := readResults(write(t, "PASS\nBenchmarkX-2 10 a ns/op\n")); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("a value that is no number: %v", err)
	}
	o := options{only: "nothing", results: filepath.Join(t.TempDir(), "results")}
	if err := o.run(); err == nil || !strings.Contains(err.Error(), `no part "nothing"`) {
		t.Errorf("an unknown part: %v", err)
	}
	if err := (&options{results: filepath.Join(t.TempDir(), "none")}).run(); err == nil {
		t.Error("a page of nothing")
	}
}

// Of an earlier commit that takes turns with this one, the ratios of the turns count, and a
// bound is missed only if the whole interval of their median is beyond it.
func TestPairs(t *testing.T) {
	var lines strings.Builder
	f := figure{"X/writers=1", "ns/op"}
	for i := range 15 {
		for build, ns := range map[string]float64{here: 110 + float64(i), earlier: 100} {
			lines.Write(as(build, fmt.Appendf(nil, "BenchmarkX/writers=1-2 10 %v ns/op\nPASS\n", ns)))
		}
	}
	r, err := readResults(write(t, lines.String()))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		bound  float64
		least  bool
		status string
	}{{1.12, false, "**missed**"}, {1.135, false, "reached"}, {1.2, false, "reached"}, {1.2, true, "reached"}, {1.25, true, "**missed**"}} {
		row := to("about", "what", c.bound, c.least, f).row(r)
		if row[3] != "1.17 × [1.13, 1.21]" || row[4] != c.status {
			t.Errorf("bound %v, least %t: %s, %s", c.bound, c.least, row[3], row[4])
		}
	}
	if n := r.rounds(); n != 0 {
		t.Errorf("pairs count as %d rounds", n)
	}
}

// The interval of the median holds it with 90 % certainty: of n values as far from either
// end as a binomial table says.
func TestInterval(t *testing.T) {
	for n, rank := range map[int]int{1: 1, 3: 1, 5: 1, 8: 2, 10: 2, 15: 4, 20: 6} {
		var list []float64
		for i := range n {
			list = append(list, float64(i+1))
		}
		if low, high := interval(list); low != float64(rank) || high != float64(n+1-rank) {
			t.Errorf("of %d: %v to %v", n, low, high)
		}
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.0123456: "0.0123", 1.044: "1.04", 99.96: "100", 314.6: "315", 1234567.8: "1,234,568", 1e5: "100,000"} {
		if got := number(v); got != want {
			t.Errorf("%v is printed %s, want %s", v, got, want)
		}
	}
}
