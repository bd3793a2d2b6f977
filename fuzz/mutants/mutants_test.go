package mutants

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

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
	edits      []edit
	stages     [][]string
}

const (
	sampleSize = 6
	atOnce     = 2
	// patience is for one stage, on a machine that does other things as well. A mutant
	// that outlives it is not killed, but for those in hanging. One that takes memory
	// without end is killed by the limit.
	patience = 10 * time.Minute
	memory   = `sh -c 'ulimit -d 3000000; exec "$0" "$@"'`
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

// TestMutants runs the suite on the chosen mutants, and on none: the control.
func TestMutants(t *testing.T) {
	chosen := choose(t)
	dir := t.TempDir()
	if *only == "" {
		t.Run("control", func(t *testing.T) { control(t, dir, chosen) })
	}
	for _, set := range sets {
		var some []*trial
		for i := range set.trials {
			if m := &set.trials[i]; chosen[m.name] {
				some = append(some, m)
			}
		}
		if len(some) > 0 {
			t.Run(set.name, func(t *testing.T) { killAll(t, dir, some, results.Start(t, "mutants: "+set.name)) })
		}
	}
}

// runAll runs trials, some at once, and hands each its end over: a *killed, another
// error, or nil.
func runAll(t *testing.T, dir string, list []*trial, end func(m *trial, err error, took time.Duration)) {
	turns := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for _, m := range list {
		wg.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			begin := time.Now()
			err := m.run(t.Context(), dir)
			end(m, err, time.Since(begin).Round(100*time.Millisecond))
		})
	}
	wg.Wait()
}

// killAll tries mutants: each has to be killed.
func killAll(t *testing.T, dir string, list []*trial, figures *results.Run) {
	figures.Set("mutants", len(list))
	figures.Count("killed", 0)
	runAll(t, dir, list, func(m *trial, err error, took time.Duration) {
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

// control runs what the chosen mutants have to get past on no mutant: it passes, or its
// failing would prove nothing.
func control(t *testing.T, dir string, chosen map[string]bool) {
	var list []*trial
	known := map[string]bool{}
	for i := range all {
		if !chosen[all[i].name] {
			continue
		}
		for _, stage := range all[i].stages {
			if name := strings.Join(stage, " "); !known[name] {
				known[name] = true
				list = append(list, &trial{name: name, stages: [][]string{stage}})
			}
		}
	}
	runAll(t, dir, list, func(m *trial, err error, took time.Duration) {
		if err != nil {
			t.Errorf("without a mutant %s fails: %v", m.name, err)
		} else {
			t.Logf("without a mutant %s passes in %s", m.name, took)
		}
	})
}

// killed is how a mutant ended. hung: no test had failed when its patience was over.
type killed struct {
	test, how string
	hung      bool
}

func (k *killed) Error() string { return strings.TrimSpace(k.test + " " + k.how) }

// run sets the stages on a mutant, until one notices. The error is a *killed then.
func (m *trial) run(ctx context.Context, dir string) error {
	var overlay []string
	if len(m.edits) > 0 {
		file, err := m.overlay(dir)
		if err != nil {
			return err
		}
		overlay = []string{"-overlay=" + file}
	}
	for _, stage := range m.stages {
		args := slices.Concat([]string{"test", "-p=1", "-vet=off", "-failfast", "-count=1", "-timeout=" + patience.String(), "-exec=" + memory}, overlay, stage)
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "LEDGER_MUTANTS=", "LEDGER_RESULTS=")
		out, err := cmd.CombinedOutput()
		if err == nil {
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return verdict(stage[0], out, err)
	}
	return nil
}

var (
	failed   = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)
	panicked = regexp.MustCompile(`(?m)^(panic: |fatal error: ).*`)
	inTest   = regexp.MustCompile(`\.(Test\w+|Example\w*|Fuzz\w+)\(`)
)

// verdict reads the output of a run that failed. Only tests kill; what cannot be
// compiled was never tried.
func verdict(stage string, out []byte, err error) error {
	if bytes.Contains(out, []byte("[build failed]")) || bytes.Contains(out, []byte("[setup failed]")) {
		return fmt.Errorf("%s: %s", stage, out[:min(len(out), 2000)])
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
	if k.test == "" && k.how != "" {
		k.test = "the tests' set-up"
	}
	if k.test == "" {
		return fmt.Errorf("%s: %w: %s", stage, err, out[max(0, len(out)-2000):])
	}
	return k
}

// root is that of the module.
var root = func() string {
	dir, err := filepath.Abs("../..")
	if err != nil {
		panic(err)
	}
	return dir
}()

// sources returns the files that the mutant changes, by path, with the changes made.
func (m *trial) sources() (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, e := range m.edits {
		file, data, err := e.find(files)
		if err != nil {
			return nil, fmt.Errorf("%s: %w: change the mutant with the code", m.name, err)
		}
		files[file] = bytes.Replace(data, []byte(e.old), []byte(e.new), 1)
	}
	return files, nil
}

// find returns the one file of the edit's directory that has its text, and what is in
// it: the file that the edit names, or another if the text has moved. Files that were
// edited already are given.
func (e *edit) find(edited map[string][]byte) (file string, data []byte, err error) {
	names, err := filepath.Glob(filepath.Join(root, filepath.Dir(e.file), "*.go"))
	if err != nil {
		return "", nil, err
	}
	for _, name := range slices.Insert(names, 0, filepath.Join(root, e.file)) {
		text := edited[name]
		if text == nil {
			if text, err = os.ReadFile(name); err != nil && !os.IsNotExist(err) {
				return "", nil, err
			}
		}
		n := bytes.Count(text, []byte(e.old))
		if n == 0 || name == file || strings.HasSuffix(name, "_test.go") {
			continue
		}
		if n > 1 {
			return "", nil, fmt.Errorf("its text stands in %s %d times", name, n)
		}
		if file == filepath.Join(root, e.file) {
			break
		}
		if file != "" {
			return "", nil, fmt.Errorf("its text stands in %s and in %s", file, name)
		}
		file, data = name, text
	}
	if file == "" {
		return "", nil, fmt.Errorf("its text %q stands nowhere in %s", e.old, filepath.Dir(e.file))
	}
	return file, data, nil
}

// overlay writes the mutant's files, and the file that tells go of them.
func (m *trial) overlay(dir string) (string, error) {
	files, err := m.sources()
	if err != nil {
		return "", err
	}
	replace := map[string]string{}
	for original, data := range files {
		source := filepath.Join(dir, fmt.Sprintf("%s-%d.go", m.name, len(replace)))
		if err := os.WriteFile(source, data, 0o600); err != nil {
			return "", err
		}
		replace[original] = source
	}
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, m.name+".json")
	return file, os.WriteFile(file, data, 0o600)
}
