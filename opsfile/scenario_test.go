package opsfile_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"creditledger"
	_ "creditledger/fuzz/testmemory"
	"creditledger/opsfile"
	"creditledger/store"
	"creditledger/store/bolt"
	"creditledger/store/memory"
	"creditledger/store/postgres"
	"creditledger/store/postgres/pgtest"
)

var update = flag.Bool("update", false, "rewrite the golden files of the scenarios")

// world is a ledger that runs one part of a scenario after another; between two parts
// a file is closed and opened again, and the clock goes on.
type world struct {
	t     *testing.T
	open  func() store.Store
	clock *opsfile.Clock
	ids   *rand.ChaCha8
}

func newWorld(t *testing.T, open func() store.Store) *world {
	return &world{t: t, open: open, clock: &opsfile.Clock{}, ids: rand.NewChaCha8([32]byte{})}
}

func inMemory() store.Store { return memory.New() }

func onFile(t *testing.T) func() store.Store {
	path := filepath.Join(t.TempDir(), "credits.db")
	return func() store.Store {
		s, err := bolt.Open(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

func TestMain(m *testing.M) { pgtest.Main(m) }

// onDatabase returns a function that opens ledgers in a database: one schema after
// another, to have it empty each time.
func onDatabase(t *testing.T) func(t *testing.T) func() store.Store {
	pool, err := pgxpool.New(t.Context(), pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	n := 0
	return func(t *testing.T) func() store.Store {
		n++
		opts := &postgres.Options{Schema: fmt.Sprintf("case_%d", n)}
		if err := postgres.Migrate(t.Context(), pool, opts); err != nil {
			t.Fatal(err)
		}
		return func() store.Store {
			s, err := postgres.Open(t.Context(), pool, opts)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
	}
}

// TestScenariosOnPostgres: the same answers from a database.
func TestScenariosOnPostgres(t *testing.T) {
	open := onDatabase(t)
	paths, err := filepath.Glob("testdata/scenarios/*.jsonl")
	if err != nil || len(paths) == 0 {
		t.Fatal("no scenarios", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".jsonl"), func(t *testing.T) {
			input, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			want, _ := newWorld(t, inMemory).run(1, input)
			got, _ := newWorld(t, open(t)).run(1, input)
			same(t, stable(got), stable(want))
		})
	}
}

// run applies input, the lines of which are numbered from first on.
func (w *world) run(first int, input []byte) ([]byte, opsfile.Summary) {
	w.t.Helper()
	s := w.open()
	ledger := creditledger.New(s, &creditledger.Options{Clock: w.clock.Now, Random: w.ids})
	in := strings.NewReader(strings.Repeat("\n", first-1) + string(input))
	var out bytes.Buffer
	summary, err := opsfile.Run(context.Background(), ledger, in, &out, &opsfile.Options{Clock: w.clock})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := ledger.Close(); err != nil {
		w.t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		w.t.Fatal(err)
	}
	return out.Bytes(), summary
}

var uuids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)

var madeKeys = regexp.MustCompile(`,"idempotency_key":"auto-[^"]*"`)

// stable names the ids that the ledger made by their first appearance: which random
// bytes an id gets depends on where a file is cut. Keys that the ledger made are left out.
func stable(answers []byte) []byte {
	names := map[string]string{}
	answers = madeKeys.ReplaceAll(answers, nil)
	return uuids.ReplaceAllFunc(answers, func(id []byte) []byte {
		name, ok := names[string(id)]
		if !ok {
			name = fmt.Sprintf("id-%d", len(names)+1)
			names[string(id)] = name
		}
		return []byte(name)
	})
}

// TestScenarios holds every file of operations to the answers that were reviewed, in
// memory, on a file, and on a file that is closed and opened again in between.
func TestScenarios(t *testing.T) {
	paths, err := filepath.Glob("testdata/scenarios/*.jsonl")
	if err != nil || len(paths) == 0 {
		t.Fatal("no scenarios", err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".jsonl")
		t.Run(name, func(t *testing.T) {
			input, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			answers, _ := newWorld(t, inMemory).run(1, input)
			answers = stable(answers)
			golden(t, strings.TrimSuffix(path, ".jsonl")+".golden", readable(t, input, answers))
			t.Run("file", func(t *testing.T) {
				got, _ := newWorld(t, onFile(t)).run(1, input)
				same(t, stable(got), answers)
			})
			for third := 1; third <= 2; third++ {
				t.Run(fmt.Sprintf("cut %d", third), func(t *testing.T) {
					w := newWorld(t, onFile(t))
					lines := bytes.SplitAfter(input, []byte("\n"))
					cut := len(lines) * third / 3
					head, _ := w.run(1, bytes.Join(lines[:cut], nil))
					tail, _ := w.run(cut+1, bytes.Join(lines[cut:], nil))
					same(t, stable(append(head, tail...)), answers)
				})
			}
		})
	}
}

// golden compares with a golden file, or rewrites it.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, want)
}

// same compares line by line and shows the first that differ.
func same(t *testing.T, got, want []byte) {
	t.Helper()
	if bytes.Equal(got, want) {
		return
	}
	g, w := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(g), len(w)) {
		var a, b string
		if i < len(g) {
			a = g[i]
		}
		if i < len(w) {
			b = w[i]
		}
		if a != b {
			t.Fatalf("line %d:\n got %s\nwant %s", i+1, a, b)
		}
	}
}
