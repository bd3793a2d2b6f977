// Package results collects the figures of the tests that prove promises, for
// fuzz/report to print. When the environment variable LEDGER_RESULTS names a file,
// every such test appends one line of JSON to it, whether it passes, fails or skips.
//
// A test that cannot run on some machines asks Require first. It then skips with its
// reason, unless LEDGER_REQUIRE (names with commas between them) lists what it needs: where
// a machine is known to have that, a skipped safety test is a failure.
package results

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The environment variables.
const (
	EnvFile    = "LEDGER_RESULTS"
	EnvRequire = "LEDGER_REQUIRE"
)

// Line is what one test writes.
type Line struct {
	Name    string         `json:"name"`
	Test    string         `json:"test"`
	Status  string         `json:"status"` // passed, failed, skipped
	Reason  string         `json:"reason,omitempty"`
	Seconds float64        `json:"seconds"`
	Figures map[string]any `json:"figures,omitempty"`
}

// Run is a test that is being measured.
type Run struct {
	t     testing.TB
	begin time.Time
	mu    sync.Mutex
	line  Line
}

// Start begins to measure a test under a name of the reports. The line is written
// when the test is over.
func Start(t testing.TB, name string) *Run {
	r := &Run{t: t, begin: time.Now(), line: Line{Name: name, Test: t.Name(), Figures: map[string]any{}}}
	t.Cleanup(r.write)
	return r
}

// Add writes down a test's figures at its end: counts, the seed, what its controls
// found. It is Start and Set in one, for a test that begins here or measures its own
// duration (figure "seconds").
func Add(t testing.TB, name string, figures map[string]any) {
	r := Start(t, name)
	for k, v := range figures {
		r.Set(k, v)
	}
}

// Set gives a figure its value.
func (r *Run) Set(figure string, value any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.line.Figures[figure] = value
}

// Count adds to a figure that is a number.
func (r *Run) Count(figure string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	had, _ := r.line.Figures[figure].(int)
	r.line.Figures[figure] = had + n
}

// Get returns a figure that is a number.
func (r *Run) Get(figure string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, _ := r.line.Figures[figure].(int)
	return n
}

// Require skips the test when reason says that it cannot run here, or fails it when
// LEDGER_REQUIRE has the name of what it needs. An empty reason does nothing.
func (r *Run) Require(need, reason string) {
	r.t.Helper()
	if reason == "" {
		return
	}
	r.mu.Lock()
	r.line.Reason = reason
	r.mu.Unlock()
	if slices.Contains(strings.Split(os.Getenv(EnvRequire), ","), need) {
		r.t.Fatalf("%s names %s, and it cannot run: %s", EnvRequire, need, reason)
	}
	r.t.Skipf("%s: %s", need, reason)
}

func (r *Run) write() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.line.Status = "passed"
	switch {
	case r.t.Failed():
		r.line.Status = "failed"
	case r.t.Skipped():
		r.line.Status = "skipped"
	}
	r.line.Seconds = time.Since(r.begin).Seconds()
	if s, ok := r.line.Figures["seconds"].(float64); ok {
		r.line.Seconds = s
		delete(r.line.Figures, "seconds")
	}
	if len(r.line.Figures) > 0 {
		figures := make([]string, 0, len(r.line.Figures))
		for _, k := range slices.Sorted(maps.Keys(r.line.Figures)) {
			value, _ := json.Marshal(r.line.Figures[k])
			figures = append(figures, k+" "+string(value))
		}
		r.t.Logf("%s: %s", r.line.Name, strings.Join(figures, ", "))
	}
	path := os.Getenv(EnvFile)
	if path == "" {
		return
	}
	// The line is written in one write, so that the lines of processes that append at once
	// do not mix.
	data, err := json.Marshal(&r.line)
	if err == nil {
		var f *os.File
		if f, err = os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644); err == nil {
			_, err = f.Write(append(data, '\n'))
			f.Close()
		}
	}
	if err != nil {
		r.t.Errorf("%s: %v", EnvFile, err)
	}
}
