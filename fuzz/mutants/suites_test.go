package mutants

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"creditledger/fuzz/mutants/chosen"
	"creditledger/fuzz/testseed"
)

// suite are tests of one package that mutants have to get past.
type suite struct {
	pkg       string
	run, skip string // patterns of the tests' names
	flags     []string
}

// long are tests of the rules that take seconds each, and notice least.
const long = "^Test(HostileOperations|OpenBlocksAreBounded|EveryInterleaving|FirstInstantOfAnyDay|EmptiedPoolsAreDropped|" +
	"VerifyAllMissesCustomers|BatchEntriesAreBounded|WhatIsInTheAirIsBounded|OneOfManyBlocksExpiresFirst|ManySmallDrawsAddUpExactly)$"

const anyTest, none = "^(Test|Example|Fuzz)", "^$"

var rapid = []string{"-test.short", "-rapid.nofailfile"}

// Suites that a mutant has to get past, quickest first: those of the rules, or for a mutant
// of the file store its own.
var (
	rules = []*suite{
		{".", anyTest, "^TestHouse|^TestAllocations$|" + long, rapid},
		{".", long, none, rapid},
		{"./opsfile", anyTest, "Postgres", rapid},
		{"./fuzz/model", "^Test", none, rapid},
		{"./fuzz", "^Test", "^TestMachine$|^TestMemoryOfWhatWaits$|Postgres", rapid},
	}
	fileStore = []*suite{
		{"./internal/onelog", anyTest, none, nil},
		{"./store/bolt", anyTest, none, []string{"-test.short"}},
		{"./fuzz/crash", "^Test", none, nil},
	}
	fileDirs = []string{"store/bolt/", "internal/onelog/"}
)

// program is a binary of a package's tests. They draw the same cases in every run.
type program struct{ path, dir, seed string }

// build compiles the tests of a package with other sources in the place of some.
func build(t *testing.T, overlay, pkg, path string) (*program, error) {
	cmd := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-overlay="+overlay, "-o="+path, pkg)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, &buildError{pkg, out}
	}
	return &program{path, filepath.Join(root, pkg), strconv.FormatUint(testseed.Of(t), 10)}, nil
}

type buildError struct {
	pkg string
	out []byte
}

func (e *buildError) Error() string {
	return fmt.Sprintf("%s does not compile: %s", e.pkg, e.out[:min(len(e.out), 2000)])
}

// overlay writes sources, and the file that tells go what they stand for.
func overlay(dir, name string, files map[string][]byte) (string, error) {
	replace := map[string]string{}
	for original, data := range files {
		source := filepath.Join(dir, fmt.Sprintf("%s-%d.go", name, len(replace)))
		if err := os.WriteFile(source, data, 0o600); err != nil {
			return "", err
		}
		replace[original] = source
	}
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, name+".json")
	return file, os.WriteFile(file, data, 0o600)
}

// command runs tests of a program. One that takes memory without end is ended by the limit.
func (p *program) command(ctx context.Context, s *suite, pattern string, env ...string) *exec.Cmd {
	args := slices.Concat([]string{"-c", `ulimit -d 3000000; exec "$0" "$@"`, p.path,
		"-test.failfast", "-test.count=1", "-test.timeout=" + patience.String(), "-test.run=" + pattern}, s.flags)
	cmd := exec.CommandContext(ctx, "sh", args...)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), append(env, "LEDGER_MUTANTS=", "LEDGER_RESULTS=", "LEDGER_SEED="+p.seed)...)
	return cmd
}

// woven is the source with all mutants in it that can be put in, and what is made of it as
// mutants ask for it.
type woven struct {
	*weaving
	dir, overlay string
	mu           sync.Mutex
	programs     map[string]func() (*program, error)
	controls     map[*suite]func() ([]control, error)
}

// control is a test without a mutant: it passed.
type control struct {
	test  string
	cost  time.Duration
	sites map[int]bool
}

// weaveAll puts mutants into the source until it compiles: those that do not are left apart.
func weaveAll(ctx context.Context, dir string, list []*trial) (*woven, []*trial, error) {
	var broken []*trial
	for {
		w, apart, err := weave(list)
		if err != nil {
			return nil, nil, err
		}
		files := map[string][]byte{}
		for path, f := range w.files {
			if len(f.cases) == 0 {
				continue // all that change it are apart
			}
			files[path] = f.render(reflect.TypeFor[chosen.Site]().PkgPath())
		}
		file, err := overlay(dir, "all", files)
		if err != nil {
			return nil, nil, err
		}
		all := &woven{weaving: w, dir: dir, overlay: file, programs: map[string]func() (*program, error){}, controls: map[*suite]func() ([]control, error){}}
		culprits, err := all.compile(ctx)
		if len(culprits) == 0 || err != nil {
			return all, append(apart, broken...), err
		}
		list = slices.DeleteFunc(slices.Clone(list), func(m *trial) bool {
			is := slices.Contains(culprits, m.name)
			if is {
				broken = append(broken, m)
			}
			return is
		})
	}
}

var culprit = regexp.MustCompile(`([\w-]+)` + regexp.QuoteMeta(mutantFile) + `:\d+`)

// compile builds all packages with mutants in them, and names the mutants that keep it
// from that.
func (w *woven) compile(ctx context.Context) (culprits []string, err error) {
	pkgs := map[string]bool{}
	for path := range w.files {
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return nil, err
		}
		pkgs["./"+filepath.ToSlash(dir)] = true
	}
	args := []string{"build", "-overlay=" + w.overlay}
	for pkg := range pkgs {
		args = append(args, pkg)
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil, nil
	}
	for _, m := range culprit.FindAllSubmatch(out, -1) {
		culprits = append(culprits, string(m[1]))
	}
	if len(culprits) == 0 {
		return nil, &buildError{"the source with all mutants", out}
	}
	return culprits, nil
}

// program builds the tests of a package when they are first asked for.
func (w *woven) program(t *testing.T, pkg string) (*program, error) {
	w.mu.Lock()
	once := w.programs[pkg]
	if once == nil {
		once = sync.OnceValues(func() (*program, error) {
			return build(t, w.overlay, pkg, filepath.Join(w.dir, strings.NewReplacer("/", "_", ".", "_").Replace(pkg)+".test"))
		})
		w.programs[pkg] = once
	}
	w.mu.Unlock()
	return once()
}

// control runs each test of a suite by itself on no mutant, once: it has to pass, or its
// failing would prove nothing. It returns the tests by what they cost, with the sites that
// they reached. TestAllocations is none of them: copies of functions let more escape.
func (w *woven) control(t *testing.T, s *suite) ([]control, error) {
	w.mu.Lock()
	once := w.controls[s]
	if once == nil {
		once = sync.OnceValues(func() ([]control, error) { return w.runControl(t, s) })
		w.controls[s] = once
	}
	w.mu.Unlock()
	return once()
}

func (w *woven) runControl(t *testing.T, s *suite) (list []control, err error) {
	p, err := w.program(t, s.pkg)
	if err != nil {
		return nil, err
	}
	names, err := p.tests(t.Context(), s)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	inTurns(names, func(name string) {
		c, err := w.reach(t.Context(), p, s, name)
		if err != nil {
			t.Error(err)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		list = append(list, c)
	})
	slices.SortFunc(list, func(a, b control) int { return int(a.cost - b.cost) })
	return list, nil
}

// tests lists the tests of a suite.
func (p *program) tests(ctx context.Context, s *suite) ([]string, error) {
	cmd := exec.CommandContext(ctx, p.path, "-test.list="+s.run)
	cmd.Dir = p.dir
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("the tests of %s: %w", s.pkg, err)
	}
	skip := regexp.MustCompile(s.skip)
	return slices.DeleteFunc(strings.Fields(string(out)), skip.MatchString), nil
}

// reach runs one test on no mutant.
func (w *woven) reach(ctx context.Context, p *program, s *suite, name string) (control, error) {
	file := filepath.Join(w.dir, "reached-"+strings.NewReplacer("/", "_", ".", "_").Replace(s.pkg)+"-"+name)
	cmd := p.command(ctx, s, "^"+name+"$", chosen.EnvReached+"="+file)
	if out, err := cmd.CombinedOutput(); err != nil {
		return control{}, fmt.Errorf("without a mutant %s of %s fails: %w: %s", name, s.pkg, err, out[max(0, len(out)-2000):])
	}
	c := control{test: name, cost: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), sites: map[int]bool{}}
	data, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		return control{}, err
	}
	for _, line := range strings.Fields(string(data)) {
		site, err := strconv.Atoi(line)
		if err != nil {
			return control{}, err
		}
		c.sites[site] = true
	}
	return c, nil
}

// inTurns does something for each of a list, some at once.
func inTurns[T any](list []T, do func(T)) {
	turns := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for _, one := range list {
		wg.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			do(one)
		})
	}
	wg.Wait()
}
