// Command report measures the ledger and its peers and writes docs/performance.md:
//
//	go run ./bench/report                                  # measures everything, for a while
//	go run ./bench/report -only growth,size -results FILE  # measures some, adds it to FILE
//	go run ./bench/report -results FILE                    # the page of what FILE has
//	go run ./bench/report -quick                           # one table of ratios, no page
//
// FILE is what go test -bench prints, run after run. All parts are measured in turn,
// round by round, and the page has the medians. What is not measured is told as such.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	var o options
	flag.StringVar(&o.results, "results", "", "the `file` that results are read from, or added to")
	flag.StringVar(&o.only, "only", "", "measure these `parts` only and write no page: "+strings.Join(partNames(), ","))
	flag.StringVar(&o.page, "o", "docs/performance.md", "the page to write; charts go beside it")
	flag.IntVar(&o.rounds, "rounds", 3, "how often everything is measured")
	flag.BoolVar(&o.quick, "quick", false, "measure once, in a few minutes, and print the ratios")
	flag.Parse()
	if err := o.run(); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

type options struct {
	results, only, page string
	rounds              int
	quick               bool
}

func (o *options) run() error {
	if o.quick {
		o.rounds = 1
	}
	file := o.results
	if file == "" {
		dir, err := os.MkdirTemp("", "report")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		file = filepath.Join(dir, "results")
	}
	if o.only != "" || o.results == "" {
		if err := o.measure(file); err != nil {
			return err
		}
	}
	r, err := readResults(file)
	switch {
	case err != nil:
		return err
	case o.quick:
		fmt.Print(plain(r))
		return nil
	case o.only != "":
		return nil
	}
	return cmp.Or(drawCharts(r, filepath.Dir(o.page)), os.WriteFile(o.page, page(r), 0o644))
}
