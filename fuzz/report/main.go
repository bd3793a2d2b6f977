// Command report writes docs/results/reliability.md, and the table of
// docs/reliability.md, from the figures that the tests wrote down (package fuzz/results):
//
//	LEDGER_RESULTS=$PWD/results.jsonl go test ./fuzz/... -count=1
//	go run ./fuzz/report results.jsonl
//
// Of several lines of one test the last counts. A test that did not run, was skipped
// or failed stands in the page as such.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"creditledger/bench/page"
	"creditledger/fuzz/results"
)

func main() {
	docs := flag.String("docs", "docs", "the `directory` of the pages")
	flag.Parse()
	if err := write(*docs, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

func write(docs string, files []string) error {
	if len(files) == 0 {
		return fmt.Errorf("name the files that %s named", results.EnvFile)
	}
	lines := map[string]results.Line{}
	for _, name := range files {
		if err := read(name, lines); err != nil {
			return err
		}
	}
	here := where()
	if err := os.WriteFile(filepath.Join(docs, "results", "reliability.md"), whole(lines, here), 0o644); err != nil {
		return err
	}
	return page.Update(filepath.Join(docs, "reliability.md"), "figures", short(lines, here))
}

// read adds the lines of a file.
func read(name string, lines map[string]results.Line) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	for n := 1; in.Scan(); n++ {
		var l results.Line
		d := json.NewDecoder(bytes.NewReader(in.Bytes()))
		d.UseNumber()
		if err := d.Decode(&l); err != nil {
			return fmt.Errorf("%s, line %d: %w", name, n, err)
		}
		lines[l.Name] = l
	}
	return in.Err()
}

// where is what the figures were measured on.
func where() string {
	commit := "unknown"
	if out, err := exec.Command("git", "rev-parse", "--short=12", "HEAD").Output(); err == nil {
		commit = strings.TrimSpace(string(out))
	}
	return fmt.Sprintf("Commit %s, %s, %s on %d processors, %s.", commit, time.Now().UTC().Format(time.DateOnly),
		runtime.Version(), runtime.NumCPU(), runtime.GOOS+"/"+runtime.GOARCH)
}

// whole is the page of the results.
func whole(lines map[string]results.Line, where string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n%s\n", head, where)
	seen := map[string]bool{}
	for _, s := range sections {
		fmt.Fprintf(&b, "\n## %s\n\n", s.title)
		names := all(lines, s.names)
		table(&b, lines, names)
		for _, name := range names {
			seen[name] = true
		}
	}
	var rest []string
	for _, name := range slices.Sorted(maps.Keys(lines)) {
		if !seen[name] {
			rest = append(rest, name)
		}
	}
	if len(rest) > 0 {
		fmt.Fprintf(&b, "\n## Further tests\n\n")
		table(&b, lines, rest)
	}
	return b.Bytes()
}

// short is the table of docs/reliability.md. A headline whose tests did not all pass is
// told in bold.
func short(lines map[string]results.Line, where string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n| what | measured |\n|---|---|\n", where)
	for _, h := range headlines {
		fmt.Fprintf(&b, "| %s | %s |\n", h.what, h.measured(lines))
	}
	return b.String()
}

func (h headline) measured(lines map[string]results.Line) string {
	names := all(lines, []string{h.name})
	if len(names) == 0 {
		return "**not run**"
	}
	for _, name := range names {
		if l, ran := lines[name]; !ran {
			return "**not run**"
		} else if l.Status != "passed" {
			return "**" + l.Status + "**"
		}
	}
	texts := make([]string, len(h.figures))
	for i, figure := range h.figures {
		texts[i] = total(lines, names, figure)
	}
	return strings.Join(texts, "; ")
}

// total adds up a figure of some tests. A figure that is no number, such as a share,
// stands for itself.
func total(lines map[string]results.Line, names []string, figure string) string {
	sum := int64(0)
	for _, name := range names {
		text := fmt.Sprint(lines[name].Figures[figure])
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return escape(text)
		}
		sum += n
	}
	return grouped(fmt.Sprint(sum))
}

// all replaces each name that ends in * by the names of the lines that begin with it.
func all(lines map[string]results.Line, names []string) (list []string) {
	for _, name := range names {
		prefix, many := strings.CutSuffix(name, "*")
		if !many {
			list = append(list, name)
			continue
		}
		for _, found := range slices.Sorted(maps.Keys(lines)) {
			if strings.HasPrefix(found, prefix) {
				list = append(list, found)
			}
		}
	}
	return list
}

func table(b *bytes.Buffer, lines map[string]results.Line, names []string) {
	fmt.Fprintf(b, "| test | outcome | figures | time |\n|---|---|---|---|\n")
	for _, name := range names {
		l, ran := lines[name]
		outcome, took := "**not run**", ""
		if ran {
			outcome, took = l.Status, fmt.Sprintf("%.1f s", l.Seconds)
			if l.Status != "passed" {
				outcome = "**" + l.Status + "**"
			}
			if l.Reason != "" {
				outcome += ": " + escape(l.Reason)
			}
			name += " (`" + l.Test + "`)"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", escape(name), outcome, figures(l), took)
	}
}

func figures(l results.Line) string {
	list := make([]string, 0, len(l.Figures))
	for _, k := range slices.Sorted(maps.Keys(l.Figures)) {
		v := fmt.Sprint(l.Figures[k])
		if k != "seed" { // which is copied
			v = grouped(v)
		}
		list = append(list, escape(k+" "+v))
	}
	return strings.Join(list, "; ")
}

// grouped puts commas between the thousands of a number.
func grouped(v string) string {
	if strings.Trim(v, "0123456789") != "" || len(v) < 4 {
		return v
	}
	return grouped(v[:len(v)-3]) + "," + v[len(v)-3:]
}

func escape(s string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ", "<", "&lt;").Replace(s)
}
