package mutants

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"creditledger/fuzz/results"
)

var (
	only = flag.String("mutant", "", "run the mutants whose names match this `regexp`")
	seed = flag.Uint64("seed", 0, "which mutants a sample has; 0: another one each time")
)

// mutant is one way to get a rule wrong.
type mutant struct {
	name     string
	file     string // from the root of the module; or old may have moved to another of its directory
	old, new string // old stands there exactly once
	rule     string // that it breaks
}

// sets are the mutants by what they break.
var sets = []struct {
	name    string
	mutants []mutant
}{
	{"blocks", blocks}, {"operations", operations}, {"records", records}, {"engine", engine}, {"reading", reading}, {"files", files},
}

var all = slices.Concat(blocks, operations, records, engine, reading, files)

// stages are the tests that a mutant has to get past, quickest first: those of the
// rules, or for a mutant of the file store its own.
var stages = [][]string{
	{".", "-skip=^TestCase(OM6|RX1)$", "-rapid.nofailfile"},
	{"./opsfile"},
	{"./fuzz", "-short", "-run=^Test(ModelAgrees|BackendsAgree|Key_.*|Refusal_.*|Read_.*|Commit_.*)$", "-rapid.nofailfile"},
}

var storeStages = [][]string{
	{"./store/bolt", "-short"},
	{"./fuzz/crash"},
}

const storeDir = "store/bolt/"

const (
	sampleSize = 6
	atOnce     = 2
	// patience is for one stage. A mutant that hangs is killed by it, and one that
	// takes memory without end by the limit.
	patience = 3 * time.Minute
	memory   = `sh -c 'ulimit -d 3000000; exec "$0" "$@"'`
)

// TestMutantsApply: every mutant is one change to the source as it is now.
func TestMutantsApply(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range all {
		if _, _, err := m.source(); err != nil {
			t.Error(err)
		}
		if seen[m.name] || m.rule == "" || m.old == m.new {
			t.Errorf("%s: the name is used twice, the rule is missing or nothing changes", m.name)
		}
		seen[m.name] = true
	}
	if len(all) < 40 {
		t.Errorf("%d mutants", len(all))
	}
}

// TestMutants runs the suite on the chosen mutants, and first on none: the control.
func TestMutants(t *testing.T) {
	chosen := choose(t)
	dir := t.TempDir()
	if *only == "" {
		control(t, dir)
	}
	for _, set := range sets {
		var some []*mutant
		for i := range set.mutants {
			if m := &set.mutants[i]; chosen[m.name] {
				some = append(some, m)
			}
		}
		if len(some) > 0 {
			t.Run(set.name, func(t *testing.T) { killAll(t, dir, some, results.Start(t, "mutants: "+set.name)) })
		}
	}
}

// killAll tries mutants, some at once.
func killAll(t *testing.T, dir string, list []*mutant, figures *results.Run) {
	figures.Set("mutants", len(list))
	figures.Count("killed", 0)
	turns := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for _, m := range list {
		wg.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			begin := time.Now()
			err := m.run(t.Context(), dir)
			took := time.Since(begin).Round(100 * time.Millisecond)
			var death *killed
			switch {
			case errors.As(err, &death):
				figures.Count("killed", 1)
				t.Logf("%-32s killed by %s after %s", m.name, death, took)
			case err == nil:
				t.Errorf("%-32s survived (%s): %s", m.name, took, m.rule)
			default:
				t.Errorf("%-32s could not be tried: %v", m.name, err)
			}
		})
	}
	wg.Wait()
}

// control runs the suite on no mutant: it passes, or its failing would prove nothing.
func control(t *testing.T, dir string) {
	t.Helper()
	for _, m := range []*mutant{{name: "control"}, {name: "control of a store", file: storeDir}} {
		err := m.run(t.Context(), dir)
		if err != nil { // a test of timing may fail on a busy machine, and once only
			t.Logf("without a mutant: %v", err)
			err = m.run(t.Context(), dir)
		}
		if err != nil {
			t.Fatalf("the suite fails without a mutant: %v", err)
		}
	}
}

// choose reads what is asked for, by name, and skips the test when nothing is.
func choose(t *testing.T) map[string]bool {
	asked := os.Getenv("LEDGER_MUTANTS")
	var names []string
	for i := range all {
		names = append(names, all[i].name)
	}
	switch {
	case *only != "":
		pattern, err := regexp.Compile(*only)
		if err != nil {
			t.Fatal(err)
		}
		names = slices.DeleteFunc(names, func(name string) bool { return !pattern.MatchString(name) })
	case asked == "":
		t.Skip("LEDGER_MUTANTS is not set: all, sample or a number")
	case asked != "all":
		if asked == "sample" {
			asked = strconv.Itoa(sampleSize)
		}
		n, err := strconv.Atoi(asked)
		if err != nil || n < 1 {
			t.Fatalf("LEDGER_MUTANTS is %q, not all, sample or a number", asked)
		}
		s := cmp.Or(*seed, rand.Uint64())
		t.Logf("seed: -seed=%d", s)
		rand.New(rand.NewPCG(s, 0)).Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		names = names[:min(n, len(names))]
	}
	chosen := map[string]bool{}
	for _, name := range names {
		chosen[name] = true
	}
	return chosen
}

// killed is how a mutant ended.
type killed struct{ test, how string }

func (k *killed) Error() string { return strings.TrimSpace(k.test + " " + k.how) }

// run sets the stages on a mutant, until one notices. The error is a *killed then.
func (m *mutant) run(ctx context.Context, dir string) error {
	var overlay []string
	if m.old != "" {
		file, err := m.overlay(dir)
		if err != nil {
			return err
		}
		overlay = []string{"-overlay=" + file}
	}
	set := stages
	if strings.HasPrefix(m.file, storeDir) {
		set = storeStages
	}
	for _, stage := range set {
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

// source finds the file that the mutant is for, and returns its path and its text with
// the mutant in it.
func (m *mutant) source() (string, []byte, error) {
	file := filepath.Join(root, m.file)
	data, err := os.ReadFile(file)
	if err == nil && !bytes.Contains(data, []byte(m.old)) {
		file, data, err = m.moved(filepath.Dir(file))
	}
	if err != nil {
		return "", nil, err
	}
	if n := bytes.Count(data, []byte(m.old)); n != 1 {
		return "", nil, fmt.Errorf("%s: its text stands in %s %d times, not once: change the mutant with the code", m.name, file, n)
	}
	return file, bytes.Replace(data, []byte(m.old), []byte(m.new), 1), nil
}

// moved looks for the text in the other files of a directory.
func (m *mutant) moved(dir string) (file string, data []byte, err error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return "", nil, err
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return "", nil, err
		}
		if strings.HasSuffix(name, "_test.go") || !bytes.Contains(text, []byte(m.old)) {
			continue
		}
		if file != "" {
			return "", nil, fmt.Errorf("%s: its text stands in %s and in %s", m.name, file, name)
		}
		file, data = name, text
	}
	if file == "" {
		return "", nil, fmt.Errorf("%s: its text stands nowhere in %s: change the mutant with the code", m.name, filepath.Dir(m.file))
	}
	return file, data, nil
}

// overlay writes the mutant's file, and the file that tells go of it.
func (m *mutant) overlay(dir string) (string, error) {
	original, data, err := m.source()
	if err != nil {
		return "", err
	}
	source := filepath.Join(dir, m.name+".go")
	if err := os.WriteFile(source, data, 0o600); err != nil {
		return "", err
	}
	replace := map[string]map[string]string{"Replace": {original: source}}
	if data, err = json.Marshal(replace); err != nil {
		return "", err
	}
	file := filepath.Join(dir, m.name+".json")
	return file, os.WriteFile(file, data, 0o600)
}
