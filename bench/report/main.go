// Command report measures the ledger and its peers. It writes what it measured into
// docs/results, and the figures that matter most into docs/performance.md:
//
//	go run ./bench/report                                  # measures everything, for a while
//	go run ./bench/report -only growth,size -results FILE  # measures some, adds it to FILE
//	go run ./bench/report -results FILE                    # the pages of what FILE has
//	go run ./bench/report -quick                           # one table of ratios, no pages
//	go run ./bench/report -against COMMIT                  # an earlier commit beside it, by turns
//
// FILE is what go test -bench prints, run after run. All parts are measured in turn,
// round by round, and the pages have the medians. They say what was not measured.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"creditledger/bench/page"
)

func main() {
	var o options
	flag.StringVar(&o.results, "results", "", "the `file` that results are read from, or added to")
	flag.StringVar(&o.only, "only", "", "measure these `parts` only and write no pages: "+strings.Join(partNames(), ","))
	flag.StringVar(&o.docs, "docs", "docs", "the `directory` of the pages")
	flag.StringVar(&o.against, "against", "", "the earlier `commit` that takes turns with this one; without it such ratios are not measured")
	flag.IntVar(&o.rounds, "rounds", 3, "how often everything is measured")
	flag.BoolVar(&o.quick, "quick", false, "measure once, in a few minutes, and print the ratios")
	flag.Parse()
	if err := o.run(); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

type options struct {
	results, only, docs, against string
	rounds                       int
	quick                        bool
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
	return cmp.Or(writePages(r, o.docs), drawCharts(r, filepath.Join(o.docs, "results")))
}

// writePages writes the pages of the results, and the figures of docs/performance.md.
func writePages(r *results, docs string) error {
	for name, text := range pages(r) {
		if err := os.WriteFile(filepath.Join(docs, "results", name), text, 0o644); err != nil {
			return err
		}
	}
	return page.Update(filepath.Join(docs, "performance.md"), "figures", headlines(r))
}
