package mutants

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"iter"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"creditledger/fuzz/mutants/chosen"
	"creditledger/fuzz/results"
)

var only = flag.String("mutant", "", "run the mutants whose names match this `regexp`")

// mutant is one way to get a rule wrong.
type mutant struct {
	name     string
	file     string // from the root of the module; or old may have moved to another of its directory
	old, new string // old stands there exactly once
	rule     string // that it breaks
}

// finding is a mistake that was once made here, made again: what was mended is taken
// back, in one place or in several, and one generator of random cases alone has to
// notice.
type finding struct {
	name  string
	edits []edit
	by    []string // the package of the generator and its flags
	rule  string
}

// edit is a change to one file, as that of a mutant.
type edit struct{ file, old, new string }

// trial is a mutant or a finding, and the tests that have to notice, quickest first.
type trial struct {
	name, rule string
	number     int // by which a program with all of them knows it
	edits      []edit
	suites     []*suite
}

const (
	sampleSize = 16
	atOnce     = 2
	// patience is for a few tests, on a machine that does other things as well. A mutant
	// that outlives it is not killed, but for those in hanging.
	patience = 5 * time.Minute
)

// hanging are the mutants that no test can notice but by never ending.
var hanging = []string{}

// TestMutantsApply: every mutant is one change to the source as it is now.
func TestMutantsApply(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range all {
		_, err := m.sources()
		if err != nil {
			t.Error(err)
		}
		unchanged := func(e edit) bool { return e.old == e.new }
		if seen[m.name] || m.rule == "" || slices.ContainsFunc(m.edits, unchanged) {
			t.Errorf("%s: the name is used twice, the rule is missing or nothing changes", m.name)
		}
		seen[m.name] = true
	}
	for _, name := range hanging {
		if !seen[name] {
			t.Errorf("%s: there is no such mutant to hang", name)
		}
	}
	if len(all) < 40 {
		t.Errorf("%d mutants", len(all))
	}
}

// TestMutants runs tests on the chosen mutants. A mutant meets the tests that reach what it
// changes, and each of them has passed on no mutant before.
func TestMutants(t *testing.T) {
	picked := choose(t)
	w, apart, err := weaveAll(t.Context(), t.TempDir(), all)
	if err != nil {
		t.Fatal(err)
	}
	if len(apart) > len(all)/5 {
		t.Errorf("%d of %d mutants need a program of their own", len(apart), len(all))
	}
	for _, set := range sets {
		var some []*trial
		for i := range set.trials {
			if m := &set.trials[i]; picked[m.name] {
				some = append(some, m)
			}
		}
		if len(some) > 0 {
			t.Run(set.name, func(t *testing.T) { killAll(t, w, some, results.Start(t, "mutants: "+set.name)) })
		}
	}
}

// killAll tries mutants: each has to be killed.
func killAll(t *testing.T, w *woven, list []*trial, figures *results.Run) {
	figures.Set("mutants", len(list))
	figures.Count("killed", 0)
	inTurns(list, func(m *trial) {
		begin := time.Now()
		err := w.hunt(t, m)
		took := time.Since(begin).Round(100 * time.Millisecond)
		var death *killed
		switch {
		case errors.As(err, &death) && death.hung && !slices.Contains(hanging, m.name):
			t.Errorf("%-32s hung in %s for %s, which may be the machine's fault: try it again, or make a test that notices", m.name, death, patience)
		case death != nil:
			figures.Count("killed", 1)
			t.Logf("%-32s killed by %s after %s", m.name, death, took)
		case err == nil:
			t.Errorf("%-32s survived (%s): %s", m.name, took, m.rule)
		default:
			t.Errorf("%-32s could not be tried: %v", m.name, err)
		}
	})
}

// killed is how a mutant ended. hung: no test had failed when its patience was over.
type killed struct {
	test, how string
	hung      bool
}

func (k *killed) Error() string { return strings.TrimSpace(k.test + " " + k.how) }

// hunt sets tests on a mutant, until one notices. The error is a *killed then.
func (w *woven) hunt(t *testing.T, m *trial) error {
	own := map[string]*program{}
	for _, s := range m.suites {
		tests, err := w.control(t, s)
		if err != nil {
			return err
		}
		sites, env := w.of[m.name], fmt.Sprintf("%s=%d", chosen.EnvMutant, m.number)
		p, err := w.program(t, s.pkg)
		if len(sites) == 0 {
			env = ""
			if p = own[s.pkg]; p == nil {
				p, err = m.program(t, w.dir, s.pkg)
				own[s.pkg] = p
			}
		}
		if err != nil {
			return err
		}
		for batch := range batches(tests, sites) {
			out, err := p.command(t.Context(), s, "^("+strings.Join(batch, "|")+")$", env).CombinedOutput()
			if t.Context().Err() != nil {
				return t.Context().Err()
			}
			if err != nil {
				return verdict(batch, out, err)
			}
		}
	}
	return nil
}

// batches yields the names of the tests that reach one of some sites, or of all tests, a
// few at once: the first few are quick and kill most.
func batches(tests []control, sites []int) iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		var batch []string
		var cost time.Duration
		most := 4
		for _, c := range tests {
			if sites != nil && !slices.ContainsFunc(sites, func(site int) bool { return c.sites[site] }) {
				continue
			}
			if len(batch) == most || len(batch) > 0 && cost+c.cost > 3*time.Second {
				if !yield(batch) {
					return
				}
				batch, cost, most = nil, 0, 2*most
			}
			batch, cost = append(batch, c.test), cost+c.cost
		}
		if len(batch) > 0 {
			yield(batch)
		}
	}
}

// program builds the tests of a package with one mutant that cannot be put in beside others.
func (m *trial) program(t *testing.T, dir, pkg string) (*program, error) {
	files, err := m.sources()
	if err != nil {
		return nil, err
	}
	file, err := overlay(dir, m.name, files)
	if err != nil {
		return nil, err
	}
	return build(t, file, pkg, filepath.Join(dir, m.name+strings.NewReplacer("/", "_", ".", "_").Replace(pkg)+".test"))
}

var (
	failed   = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)
	panicked = regexp.MustCompile(`(?m)^(panic: |fatal error: ).*`)
	inTest   = regexp.MustCompile(`\.(Test\w+|Example\w*|Fuzz\w+)\(`)
)

// verdict reads the output of tests that failed and had all passed on no mutant.
func verdict(batch []string, out []byte, err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !exit.Exited() {
		return fmt.Errorf("%s: %w: %s", batch, err, out[max(0, len(out)-2000):])
	}
	k := &killed{}
	if p := panicked.Find(out); p != nil {
		k.how = "(" + string(p[:min(len(p), 80)]) + ")"
	}
	if m := failed.FindSubmatch(out); m != nil {
		k.test = string(m[1])
	} else if k.hung = bytes.Contains(out, []byte("panic: test timed out after ")); k.hung {
		k.test = "a test"
		if m := inTest.FindSubmatch(out); m != nil {
			k.test = string(m[1])
		}
	} else if m := inTest.FindSubmatch(out); m != nil {
		k.test = string(m[1])
	}
	if k.test == "" {
		k.test = "one of " + strings.Join(batch, ", ") // which ended the process
	}
	return k
}
