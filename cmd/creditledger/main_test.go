package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	_ "creditledger/fuzz/testmemory"
	"creditledger/store/postgres/pgtest"
)

// TestMain lets the test binary be the command itself, in a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("CREDITLEDGER_TEST_MAIN") != "" {
		main()
	}
	if os.Getenv("GORACE") == "" { // or each process waits a second for races before it ends
		os.Setenv("GORACE", "atexit_sleep_ms=0")
	}
	pgtest.Main(m)
}

// command is the command as a process, in an empty working directory unless dir is given.
func command(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), "CREDITLEDGER_TEST_MAIN=1")
	cmd.Dir = dir
	return cmd
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const (
	grant   = `{"op":"increment","customer_id":"c","amount":"10","block_id":"b"}` + "\n"
	spend   = `{"op":"decrement","customer_id":"c","amount":"1"}` + "\n"
	balance = `{"op":"balance","customer_id":"c"}` + "\n"
	refused = `{"op":"void","customer_id":"c","block_id":"nosuch","amount":"1"}` + "\n"
)

// TestApplyStatus: the exit statuses of a process, with input from a file and from
// standard input.
func TestApplyStatus(t *testing.T) {
	dir := t.TempDir()
	damaged := write(t, dir, "damaged.db", strings.Repeat("not a ledger ", 1000))
	for _, c := range []struct {
		name, input string
		args        []string
		status      int
		answers     int
	}{
		{"all well", grant + spend, nil, 0, 2},
		{"refusals", refused + refused, nil, 0, 2},
		{"a malformed line", grant + "x\n" + spend, nil, 2, 3},
		{"a malformed line and a refusal", refused + "x\n", nil, 2, 2},
		{"stop on error", grant + refused + spend, []string{"--stop-on-error"}, 3, 2},
		{"stop on a malformed line", grant + "x\n" + spend, []string{"--stop-on-error"}, 3, 2},
		{"no such directory", grant, []string{"--db", filepath.Join(dir, "no", "such.db")}, 1, 0},
		{"a damaged file", grant, []string{"--db", damaged}, 1, 0},
		{"an unknown flag", grant, []string{"--fast"}, 2, 0},
	} {
		for _, how := range []string{"file", "-", ""} {
			t.Run(c.name+" "+how, func(t *testing.T) {
				args := append([]string{"apply"}, c.args...)
				switch how {
				case "file":
					args = append(args, write(t, dir, "in.jsonl", c.input))
				case "-":
					args = append(args, "-")
				}
				cmd := command(t, t.TempDir(), args...)
				cmd.Stdin = strings.NewReader(c.input)
				var stderr bytes.Buffer
				cmd.Stderr = &stderr
				out, _ := cmd.Output()
				if got := cmd.ProcessState.ExitCode(); got != c.status {
					t.Errorf("status %d, want %d: %s", got, c.status, stderr.String())
				}
				if got := bytes.Count(out, []byte("\n")); got != c.answers {
					t.Errorf("%d answers, want %d: %s", got, c.answers, out)
				}
				if n := strings.Count(stderr.String(), "\n"); n > 1 || (n == 1) != (c.answers == 0) {
					t.Errorf("stderr: %s", stderr.String())
				}
				if files, err := os.ReadDir(cmd.Dir); err != nil || len(files) > 0 {
					t.Errorf("it left %v in its directory", files)
				}
			})
		}
	}
}

// entryID is the id of the first entry of an answer.
var entryID = regexp.MustCompile(`"entries":\[{"id":"([0-9a-f-]{36})"`)

// TestApplyExample: the example of the documentation, in memory, on a file, and on a
// file with the input cut in two runs. Answers are compared whole, but for the number of
// the line and the id of the entry (also in the key that the ledger made), which depend
// on the cut.
func TestApplyExample(t *testing.T) {
	input, err := os.ReadFile("../../opsfile/testdata/scenarios/example.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`"op":"increment","entries":[{"id":"ID","entry_type":"increment","entry_status":"committed","ledger_sequence_number":1,"created_at":"2022-05-05T17:17:06Z","amount":"100","starting_balance":"0","ending_balance":"100","currency":"credits","customer_id":"cus_1","description":null,"metadata":{},"credit_block":{"id":"b1","expiry_date":"2022-12-28T08:00:00Z","per_unit_cost_basis":"0.20","filters":[],"number":1},"usage_at":null,"reverses":null,"granted_cost_basis":null}],"new_block_id":"b1","idempotency_key":"auto-ID-1","at":"2022-05-05T17:17:06Z"}`,
		`"op":"decrement","entries":[{"id":"ID","entry_type":"decrement","entry_status":"committed","ledger_sequence_number":2,"created_at":"2022-05-05T17:17:06Z","amount":"20","starting_balance":"100","ending_balance":"80","currency":"credits","customer_id":"cus_1","description":null,"metadata":{},"credit_block":{"id":"b1","expiry_date":"2022-12-28T08:00:00Z","per_unit_cost_basis":"0.20","filters":[],"number":1},"item_id":null,"price_id":null,"invoice_id":null,"hold_id":null,"usage_at":null,"reverses":null}],"idempotency_key":"auto-ID-2","at":"2022-05-05T17:17:06Z"}`,
		`"op":"expiration_change","entries":[{"id":"ID","entry_type":"expiration_change","entry_status":"committed","ledger_sequence_number":3,"created_at":"2022-05-05T17:17:06Z","amount":"10","starting_balance":"80","ending_balance":"80","currency":"credits","customer_id":"cus_1","description":null,"metadata":{},"credit_block":{"id":"b1","expiry_date":"2022-12-28T08:00:00Z","per_unit_cost_basis":"0.20","filters":[],"number":1},"new_block_expiry_date":"2023-12-28T08:00:00Z","new_block_id":"b2","usage_at":null,"reverses":null}],"new_block_id":"b2","idempotency_key":"auto-ID-3","at":"2022-05-05T17:17:06Z"}`,
	}
	lines := strings.SplitAfter(string(input), "\n")
	for _, cut := range []int{0, 1, 3, 4} { // after 2 the second run would not know the clock
		s := newSession(t)
		db := []string{"--db", filepath.Join(s.dir, "ledger.db")}
		if cut == 0 {
			db = nil
		}
		var answers string
		for _, part := range []string{strings.Join(lines[:cut], ""), strings.Join(lines[cut:], "")} {
			path := write(t, s.dir, "in.jsonl", part)
			answers += s.must(append([]string{"apply", "--clock", "manual", path}, db...)...)
		}
		got := strings.Split(answers, "\n")
		if len(got) != 6 {
			t.Fatalf("cut at %d: %s", cut, answers)
		}
		for i, w := range want {
			id := entryID.FindStringSubmatch(got[i+2])
			if id == nil {
				t.Fatalf("cut at %d: no entry in %s", cut, got[i+2])
			}
			if _, answer, _ := strings.Cut(strings.ReplaceAll(got[i+2], id[1], "ID"), ","); answer != w {
				t.Errorf("cut at %d:\n got %s\nwant …%s", cut, got[i+2], w)
			}
		}
		if db != nil {
			blocks := s.must(append([]string{"blocks", "cus_1"}, db...)...)
			if !strings.Contains(blocks, "b1          70  100") || !strings.Contains(blocks, "b2          10   10") {
				t.Errorf("cut at %d: afterwards\n%s", cut, blocks)
			}
		}
	}
}

// TestApplyOneByOne: over pipes a line is answered before the next one is sent.
func TestApplyOneByOne(t *testing.T) {
	cmd := command(t, t.TempDir(), "apply", "--db", "credits.db")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewScanner(out)
	hung := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer hung.Stop()
	for i, line := range []string{grant, spend, "nonsense\n", balance, spend, "# nothing\n" + refused, spend, balance} {
		if _, err := io.WriteString(in, line); err != nil {
			t.Fatal(err)
		}
		if !answers.Scan() {
			t.Fatalf("line %d has no answer: %v", i+1, answers.Err())
		}
	}
	if !strings.Contains(answers.Text(), `"line":9,"op":"balance","balance":"7"`) {
		t.Error(answers.Text())
	}
	in.Close()
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 2 {
		t.Error(err)
	}
}

// TestApplyFarAhead: 5,000 lines are sent before the first answer is read.
func TestApplyFarAhead(t *testing.T) {
	const n = 5000
	dir := t.TempDir()
	cmd := command(t, dir, "apply", "--db", "credits.db")
	cmd.Stdin = strings.NewReader(strings.Repeat(spend, n) + balance)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != n+1 || !strings.Contains(lines[n], fmt.Sprintf(`"balance":"-%d"`, n)) {
		t.Errorf("%d answers, the last is %s", len(lines), lines[len(lines)-1])
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, fmt.Sprintf(`{"line":%d,`, i+1)) {
			t.Fatalf("answer %d is %s", i+1, line)
		}
	}
	if out, err := command(t, dir, "verify").CombinedOutput(); err != nil || string(out) != "Whole: 1 account, 5000 entries, 1 block.\n" {
		t.Errorf("%s%v", out, err)
	}
}

// TestLockedFile: while one process has the file, another says so.
func TestLockedFile(t *testing.T) {
	dir := t.TempDir()
	cmd := command(t, dir, "apply", "--db", "credits.db")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(in, grant); err != nil {
		t.Fatal(err)
	}
	if !bufio.NewScanner(out).Scan() {
		t.Fatal("no answer")
	}
	for _, args := range [][]string{{"balance", "c"}, {"spend", "c", "1"}} {
		second := command(t, dir, args...)
		text, _ := second.CombinedOutput()
		if second.ProcessState.ExitCode() != statusTrouble || !strings.Contains(string(text), "locked by another process") || !strings.Contains(string(text), "; try again") || strings.Count(string(text), "\n") != 1 {
			t.Errorf("%v: status %d, %s", args, second.ProcessState.ExitCode(), text)
		}
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if text, err := command(t, dir, "balance", "c").CombinedOutput(); err != nil {
		t.Errorf("after it: %s", text)
	}
}
