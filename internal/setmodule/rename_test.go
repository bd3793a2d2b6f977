package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// checkout is a module in small: each way in which a file can name it.
var checkout = map[string]string{
	"go.mod":       "module ledger\n\ngo 1.26\n",
	"bench/go.mod": "module ledger/bench\n\ngo 1.26\n\nrequire (\n\texample.org/other v1.0.0\n\tledger v0.0.0\n)\n\nreplace ledger => ..\n",
	"ledger.go":    "// Package ledger is used with ledger/store/file.\npackage ledger\n\nconst bucket = \"ledger\"\n",
	"store/file/file.go": `package file

import (
	l "ledger"
	"ledger/store"
	"ledgers/store"
)

var _ = "ledger/store"
`,
	"store/data":     "ledger/store",
	"cmd/ledger/x.c": "ledger/store",
	"docs/scale.md":  "Run `go run ./cmd/ledger`, import ledger/store/file:\n\n\t\"ledger\"\n\nSee ../ledger/store and myledger/store.\n",
	".ci/run":        "go test -coverpkg=ledger -race ./...\n",
}

var renamed = map[string]string{
	"go.mod":       "module example.org/you/ledger\n\ngo 1.26\n",
	"bench/go.mod": "module example.org/you/ledger/bench\n\ngo 1.26\n\nrequire (\n\texample.org/other v1.0.0\n\texample.org/you/ledger v0.0.0\n)\n\nreplace example.org/you/ledger => ..\n",
	"ledger.go":    "// Package ledger is used with example.org/you/ledger/store/file.\npackage ledger\n\nconst bucket = \"ledger\"\n",
	"store/file/file.go": `package file

import (
	l "example.org/you/ledger"
	"example.org/you/ledger/store"
	"ledgers/store"
)

var _ = "example.org/you/ledger/store"
`,
	"store/data":     "ledger/store",
	"cmd/ledger/x.c": "ledger/store",
	"docs/scale.md":  "Run `go run ./cmd/ledger`, import example.org/you/ledger/store/file:\n\n\t\"example.org/you/ledger\"\n\nSee ../ledger/store and myledger/store.\n",
	".ci/run":        "go test -coverpkg=example.org/you/ledger -race ./...\n",
}

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func hold(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	for name, text := range want {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || strings.Join(strings.Fields(string(got)), " ") != strings.Join(strings.Fields(text), " ") {
			t.Errorf("%s, %v:\n%s\nwant\n%s", name, err, got, text)
		}
	}
}

func TestEveryMentionOfTheModuleMoves(t *testing.T) {
	dir := write(t, checkout)
	if changed, err := setModule(dir, "example.org/you/ledger"); err != nil || changed != 6 {
		t.Fatalf("%d files changed, %v", changed, err)
	}
	hold(t, dir, renamed)
}

func TestASecondMoveStartsFromTheFirst(t *testing.T) {
	dir := write(t, checkout)
	for _, to := range []string{"example.com/first", "example.org/you/ledger"} {
		if _, err := setModule(dir, to); err != nil {
			t.Fatal(err)
		}
	}
	hold(t, dir, renamed)
}

func TestAPathThatNobodyCanFetchIsRefused(t *testing.T) {
	dir := write(t, checkout)
	for _, to := range []string{"", "ledger", "you/ledger", "example.org/you/ledger/", "example.org/a b", "../ledger"} {
		if changed, err := setModule(dir, to); err == nil || changed != 0 {
			t.Errorf("%q: %d files changed, %v", to, changed, err)
		}
	}
	hold(t, dir, checkout)
}
