package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

const head = `# Measured performance

` + "`go run ./bench/report`" + ` wrote this page; [performance.md](../performance.md) explains it. Each figure is the
median of %d rounds in which everything had its turn, or fewer where the sizes make it long.

%s

`

// pages are the pages of the results, by name.
func pages(r *results) map[string][]byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, head, r.rounds(), where(r))
	fmt.Fprintf(&b, "## Goals\n\n| about | what | asked | measured | |\n|---|---|---|---|---|\n")
	for _, row := range rows(r) {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row[:], " | "))
	}
	fmt.Fprintf(&b, "\n## How cost grows\n\n")
	for _, c := range charts {
		fmt.Fprintf(&b, "![%s](%s)\n\n", c.Title, c.File)
	}
	fmt.Fprintf(&b, "## All figures\n\n[Durable writes](durable.md) · [everything else](figures.md)\n")
	return map[string][]byte{
		"performance.md": b.Bytes(),
		"durable.md":     tables(r, "Durable writes", func(family string) bool { return slices.Contains(durableFamilies, family) }),
		"figures.md":     tables(r, "Reading, growth and size", func(family string) bool { return !slices.Contains(durableFamilies, family) }),
	}
}

// durableFamilies are the benchmarks of writers who wait for what they wrote.
var durableFamilies = []string{"OneWriter", "RawWrite", "RawBolt", "RawSame", "Decrement", "SlowDisk", "SQLite", "OneFlush", "Postgres", "PostgresJoin"}

const tablesHead = `# %s

` + "`go run ./bench/report`" + ` wrote this page; [performance.md](../performance.md) explains it. Names are those
of the benchmarks, in ` + "`bench`, `bench/peers`, `store/bolt`" + ` and the root. ns/op is the time between two
results, over all writers; p50 and p99 are how long one writer waits for one. In OneWriter, History and
Blocks, where subjects take turns, ns/op is the median turn.

%s

`

// tables is a page with the figures of some families.
func tables(r *results, title string, belongs func(family string) bool) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, tablesHead, title, where(r))
	for _, name := range families(r) {
		if belongs(name) {
			table(&b, r, name)
		}
	}
	return append(bytes.TrimRight(b.Bytes(), "\n"), '\n')
}

func where(r *results) string {
	c := func(key string) string {
		if v := r.config[key]; v != "" {
			return v
		}
		return "unknown"
	}
	return fmt.Sprintf("Commit %s, %s. %s, %s cores, %s, %s; temporary files on %s.",
		c("commit"), c("date"), c("cpu"), c("cores"), c("kernel"), c("go"), c("disk"))
}

// rows are the goals and how they stand.
func rows(r *results) (list [][5]string) {
	for _, g := range goals {
		list = append(list, g.row(r))
	}
	return list
}

// row is a goal and how it stands.
func (g goal) row(r *results) [5]string {
	row := [5]string{g.about, g.what, g.asked(), "", "**not measured**"}
	v, ok := g.value(r)
	if !ok {
		return row
	}
	row[3], row[4] = number(v)+g.unit, "reached"
	if g.within != nil {
		low, high := g.within(r)
		row[3] += fmt.Sprintf(" [%s, %s]", number(low), number(high))
		if v = low; g.least {
			v = high
		}
	}
	if !g.reached(v) {
		row[4] = "**missed**"
	}
	return row
}

// plain is the table of goals for a terminal.
func plain(r *results) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows(r) {
		fmt.Fprintln(w, strings.ReplaceAll(strings.Join(row[:], "\t"), "**", ""))
	}
	w.Flush()
	return b.String()
}

// families are the first parts of the names.
func families(r *results) (list []string) {
	for _, name := range r.order {
		family, _, _ := strings.Cut(name, "/")
		if !slices.Contains(list, family) {
			list = append(list, family)
		}
	}
	return list
}

// table prints all benchmarks of a family, with a column for each unit.
func table(b *bytes.Buffer, r *results, family string) {
	units := map[string]bool{}
	var names []string
	for _, name := range r.order {
		if first, _, _ := strings.Cut(name, "/"); first == family {
			names = append(names, name)
			for unit := range r.samples[name] {
				units[unit] = true
			}
		}
	}
	// The time of an iteration says nothing if a benchmark reports figures of its own.
	if units["MB"] || units["B/entry"] || units["beyond-ms"] {
		delete(units, "ns/op")
	}
	columns := slices.SortedFunc(maps.Keys(units), func(a, b string) int {
		return strings.Compare(rank(a)+a, rank(b)+b)
	})
	fmt.Fprintf(b, "## %s\n\n| | %s |\n|---|%s\n", family, strings.Join(columns, " | "), strings.Repeat("---:|", len(columns)))
	for _, name := range names {
		_, conditions, _ := strings.Cut(name, "/")
		fmt.Fprintf(b, "| %s |", strings.ReplaceAll(conditions, "/", ", "))
		for _, unit := range columns {
			v, ok := r.median(name, unit)
			text := ""
			if ok {
				text = number(v)
			}
			fmt.Fprintf(b, " %s |", text)
		}
		fmt.Fprintln(b)
	}
	fmt.Fprintln(b)
}

// rank puts times first and memory last.
func rank(unit string) string {
	switch unit {
	case "ns/op":
		return "0"
	case "B/op", "allocs/op":
		return "2"
	}
	return "1"
}

// number prints three significant digits, with commas between the thousands.
func number(v float64) string {
	switch {
	case v >= 1000:
		text := strconv.FormatFloat(v, 'f', 0, 64)
		for i := len(text) - 3; i > 0; i -= 3 {
			text = text[:i] + "," + text[i:]
		}
		return text
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}
