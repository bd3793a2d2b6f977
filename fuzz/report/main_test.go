package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// A test that failed, was skipped or never ran is shown as such in the pages.
func TestPages(t *testing.T) {
	docs := t.TempDir()
	in := filepath.Join(docs, "results.jsonl")
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(docs, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(docs, "results"), 0o700); err != nil {
		t.Fatal(err)
	}
	put("reliability.md", "Words.\n<!-- figures: begin -->\n<!-- figures: end -->\n")
	put("results.jsonl", `{"name":"self-kill","test":"TestSelfKill","status":"failed","seconds":1}
{"name":"self-kill","test":"TestSelfKill","status":"passed","seconds":1.25,"figures":{"kills":2000,"acknowledged lost":0,"seed":1}}
{"name":"power cuts","test":"TestPowerCut","status":"skipped","reason":"not root","seconds":0}
{"name":"crash states","test":"TestCrashStates","status":"failed","seconds":3,"figures":{"lost":1}}
{"name":"concurrent histories: memory","test":"TestHistories/memory","status":"passed","seconds":3,"figures":{"calls":1000,"illegal":0}}
{"name":"concurrent histories: bolt","test":"TestHistories/bolt","status":"passed","seconds":3,"figures":{"calls":500,"illegal":0}}
{"name":"coverage of the rules","test":"go test","status":"passed","seconds":3,"figures":{"statements":"98.6%"}}
{"name":"another","test":"TestAnother","status":"passed","seconds":3}
`)
	if err := write(docs, []string{in}); err != nil {
		t.Fatal(err)
	}
	for name, lines := range map[string][]string{
		"results/reliability.md": {
			"| self-kill (`TestSelfKill`) | passed | acknowledged lost 0; kills 2,000; seed 1 | 1.2 s |",
			"| power cuts (`TestPowerCut`) | **skipped**: not root |",
			"| crash states (`TestCrashStates`) | **failed** | lost 1 |",
			"| damaged files | **not run** |",
			"## Further tests", "| another (`TestAnother`) | passed |",
		},
		"reliability.md": {
			"Words.", "acknowledged operations lost | 2,000; 0 |", "no order of the calls explains | 1,500; 0 |", "reach | 98.6% |",
			"acknowledged operations lost | **skipped** |", "something was lost | **failed** |", "another history | **not run** |",
		},
	} {
		text, err := os.ReadFile(filepath.Join(docs, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range lines {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s lacks %q", name, want)
			}
		}
	}
	if err := write(docs, nil); err == nil {
		t.Error("pages of nothing")
	}
	put("results.jsonl", "x\n")
	if err := write(docs, []string{in}); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a bad line: %v", err)
	}
}

// TestSectionsAreExplained: the page that people read has each section of the results.
func TestSectionsAreExplained(t *testing.T) {
	text, err := os.ReadFile("../../docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sections {
		if !strings.Contains(string(text), "\n## "+s.title+"\n") {
			t.Errorf("docs/reliability.md does not explain %q", s.title)
		}
	}
}

// TestPagesNameTests: every test that docs/reliability/field.md and the sections name exists.
func TestPagesNameTests(t *testing.T) {
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
	page, err := os.ReadFile("../../docs/reliability/field.md")
	if err != nil {
		t.Fatal(err)
	}
	failures := regexp.MustCompile(`(?m)^\| (\d+) \| .+ \| (.+) \|$`).FindAllStringSubmatch(string(page), -1)
	for i, f := range failures {
		if f[1] != strconv.Itoa(i+1) {
			t.Errorf("failure %d has the number %s", i+1, f[1])
		}
		names := regexp.MustCompile(`Test\w+`).FindAllString(f[2], -1)
		for _, name := range names {
			if !strings.Contains(sources.String(), "func "+name+"(") {
				t.Errorf("%s: there is no %s", f[1], name)
			}
		}
		if len(names) == 0 && !strings.Contains(f[2], "storetest") {
			t.Errorf("%s: no test is named", f[1])
		}
	}
	if len(failures) < 64 {
		t.Errorf("%d failures are listed", len(failures))
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
