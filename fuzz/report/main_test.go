package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What failed, was skipped or never ran is plain in the page.
func TestPage(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "results.jsonl"), filepath.Join(dir, "page.md")
	lines := `{"name":"self-kill","test":"TestSelfKill","status":"failed","seconds":1}
{"name":"self-kill","test":"TestSelfKill","status":"passed","seconds":1.25,"figures":{"kills":2000,"seed":1}}
{"name":"power cuts","test":"TestPowerCut","status":"skipped","reason":"not root","seconds":0}
{"name":"crash states","test":"TestCrashStates","status":"failed","seconds":3,"figures":{"lost":1}}
{"name":"another","test":"TestAnother","status":"passed","seconds":3}
`
	if err := os.WriteFile(in, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := write(out, []string{in}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| self-kill (`TestSelfKill`) | passed | kills 2,000; seed 1 | 1.2 s |",
		"| power cuts (`TestPowerCut`) | **skipped**: not root |",
		"| crash states (`TestCrashStates`) | **failed** | lost 1 |",
		"| damaged files | **not run** |",
		"## Further tests", "| another (`TestAnother`) | passed |",
		"| 19 | ", "| 64 | ",
	} {
		if !strings.Contains(string(data), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if err := write(out, nil); err == nil {
		t.Error("a page of nothing")
	}
	if err := os.WriteFile(in, []byte("x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := write(out, []string{in}); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a bad line: %v", err)
	}
}

// Every test that the page names exists.
func TestFieldNamesTests(t *testing.T) {
	var sources strings.Builder
	for _, dir := range []string{"..", "../crash", "../field", "../mutants", "../../store/bolt", "../../store/postgres", "../../opsfile"} {
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(dir, err)
		}
		for _, name := range files {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			sources.Write(data)
		}
	}
	ci, err := os.ReadFile("../../.ci/run")
	if err != nil {
		t.Fatal(err)
	}
	sources.Write(ci)
	for i, f := range field {
		names := regexp.MustCompile(`Test\w+`).FindAllString(f.test, -1)
		for _, name := range names {
			if !strings.Contains(sources.String(), "func "+name+"(") {
				t.Errorf("%d: there is no %s", i+1, name)
			}
		}
		if len(names) == 0 && !strings.Contains(f.test, "storetest") {
			t.Errorf("%d: no test is named", i+1)
		}
	}
	for _, s := range sections {
		for _, name := range s.names {
			prefix, many := strings.CutSuffix(name, "*")
			if want := `"` + prefix; !strings.Contains(sources.String(), want) || !many && !strings.Contains(sources.String(), want+`"`) {
				t.Errorf("no test writes figures as %q", name)
			}
		}
	}
}
