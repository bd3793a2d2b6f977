package results

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// recorder stands for a test that is over when end is called.
type recorder struct {
	testing.TB
	cleanup         []func()
	failed, skipped bool
}

func (r *recorder) Name() string          { return "TestName" }
func (r *recorder) Helper()               {}
func (r *recorder) Cleanup(f func())      { r.cleanup = append(r.cleanup, f) }
func (r *recorder) Failed() bool          { return r.failed }
func (r *recorder) Skipped() bool         { return r.skipped }
func (r *recorder) Logf(string, ...any)   {}
func (r *recorder) Errorf(string, ...any) { r.failed = true }
func (r *recorder) Fatalf(string, ...any) { r.failed = true; runtime.Goexit() }
func (r *recorder) Skipf(string, ...any)  { r.skipped = true; runtime.Goexit() }

// measure runs f as a test and returns the line it leaves.
func measure(t *testing.T, f func(t testing.TB)) Line {
	t.Helper()
	path := filepath.Join(t.TempDir(), "results")
	t.Setenv(EnvFile, path)
	r := &recorder{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(r)
	}()
	<-done
	for _, c := range r.cleanup {
		c()
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var l Line
	if err := json.Unmarshal(data, &l); err != nil || strings.Count(string(data), "\n") != 1 {
		t.Fatalf("%s: %v", data, err)
	}
	return l
}

func TestLines(t *testing.T) {
	t.Setenv(EnvRequire, "other,power")
	l := measure(t, func(t testing.TB) { Add(t, "name", map[string]any{"runs": 3, "seconds": 1.5}) })
	if l.Name != "name" || l.Test != "TestName" || l.Status != "passed" || l.Seconds != 1.5 || l.Figures["runs"] != 3.0 {
		t.Errorf("passed: %+v", l)
	}
	l = measure(t, func(t testing.TB) { Start(t, "name").Count("bad", 2); t.Fatalf("bad") })
	if l.Status != "failed" || l.Figures["bad"] != 2.0 {
		t.Errorf("failed: %+v", l)
	}
	l = measure(t, func(t testing.TB) { Start(t, "name").Require("loop", "no loop") })
	if l.Status != "skipped" || l.Reason != "no loop" {
		t.Errorf("skipped: %+v", l)
	}
	l = measure(t, func(t testing.TB) { Start(t, "name").Require("power", "not root") })
	if l.Status != "failed" || l.Reason != "not root" {
		t.Errorf("required: %+v", l)
	}
	l = measure(t, func(t testing.TB) { Start(t, "name").Require("power", "") })
	if l.Status != "passed" {
		t.Errorf("able: %+v", l)
	}
}
