package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

// An earlier commit is measured beside this one: both are built, and take turns with the
// same benchmarks, so that whatever else the machine does disturbs both. What counts is the
// ratio of the two turns of a pair.

const (
	here    = "here"
	earlier = "earlier"
)

// paired is the name of what one build had of a benchmark.
func paired(build, name string) string { return "Paired/build=" + build + "/" + name }

// to is a goal for the ratio of this build to the earlier one. A bound on it is missed only
// if the whole interval in which the median lies, with 90 % certainty, is beyond it.
func to(about, what string, bound float64, least bool, f figure) goal {
	return goal{about, what, bound, least, " ×", func(r *results) (float64, bool) {
		ratios := r.ratios(f)
		if len(ratios) == 0 {
			return 0, false
		}
		return ratios[len(ratios)/2], true
	}, func(r *results) (low, high float64) { return interval(r.ratios(f)) }}
}

// ratios are those of all pairs, in order of size.
func (r *results) ratios(f figure) (list []float64) {
	ours, theirs := r.samples[paired(here, f.name)][f.unit], r.samples[paired(earlier, f.name)][f.unit]
	for i := range min(len(ours), len(theirs)) {
		list = append(list, ours[i]/theirs[i])
	}
	slices.Sort(list)
	return list
}

// interval is where the median lies with 90 % certainty: between two of the sorted values,
// as far from either end as the signs of so many fair coins allow.
func interval(sorted []float64) (low, high float64) {
	n := len(sorted)
	ways, below, all := 1.0, 1.0, float64(uint64(1)<<min(n, 62)) // of k coins among n
	k := 0
	for ; k < n/2; k++ {
		ways *= float64(n-k) / float64(k+1)
		if below += ways; 2*below > 0.1*all {
			break
		}
	}
	return sorted[k], sorted[n-1-k]
}

var benchmarkName = regexp.MustCompile(`(?m)^Benchmark`)

// as writes what a build's benchmarks print under its name.
func as(build string, printed []byte) []byte {
	return benchmarkName.ReplaceAll(printed, []byte("Benchmark"+paired(build, "")))
}

// pair has the builds take turns, and adds what they print to out.
func (p *part) pair(out io.Writer, binaries, dirs map[string]string) error {
	for turn := range p.pairs {
		builds := []string{here, earlier}
		if turn%2 == 1 { // who comes first changes, too
			slices.Reverse(builds)
		}
		for _, build := range builds {
			fmt.Fprintf(os.Stderr, "pair %d of %d: %s, %s\n", turn+1, p.pairs, p.pattern, build)
			var printed bytes.Buffer
			if err := p.run(&printed, filepath.Join(dirs[build], p.dir), binaries[build+p.dir]); err != nil {
				return err
			}
			if _, err := out.Write(as(build, printed.Bytes())); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkOut puts another commit's files into a directory, until done is called.
func checkOut(commit, dir string) (done func(), err error) {
	if err := command(nil, ".", "git", "worktree", "add", "--quiet", "--detach", dir, commit).Run(); err != nil {
		return nil, fmt.Errorf("check out %s: %w", commit, err)
	}
	return func() { _ = command(nil, ".", "git", "worktree", "remove", "--force", dir).Run() }, nil
}
