package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

var askedToEnd = []struct {
	signal syscall.Signal
	status int
}{{syscall.SIGINT, 130}, {syscall.SIGTERM, 143}, {syscall.SIGHUP, 129}}

// begin has a command ready with a pipe for its input, for at most a minute. Signals that
// the tests are to ignore, as those in the background of a script are, it does not ignore.
func begin(t *testing.T, dir string, args ...string) (*exec.Cmd, io.WriteCloser, *bytes.Buffer) {
	t.Helper()
	for _, c := range askedToEnd {
		if signal.Ignored(c.signal) {
			taken := make(chan os.Signal, 1)
			signal.Notify(taken, c.signal)
			t.Cleanup(func() { signal.Stop(taken) })
		}
	}
	cmd := command(t, dir, args...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	hung := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() { hung.Stop() })
	return cmd, in, &stderr
}

// TestApplyInterrupted: apply that is asked to end while it waits for input answers what
// it began, says how far it came, and ends.
func TestApplyInterrupted(t *testing.T) {
	for _, c := range askedToEnd {
		dir := t.TempDir()
		cmd, in, stderr := begin(t, dir, "apply", "--db", "credits.db")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(in, grant+refused+`{"op":"half a li`); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for range 2 {
			if !lines.Scan() {
				t.Fatal("no answer")
			}
		}
		if err := cmd.Process.Signal(c.signal); err != nil {
			t.Fatal(err)
		}
		if lines.Scan() {
			t.Errorf("%v: an answer to half a line: %s", c.signal, lines.Text())
		}
		_ = cmd.Wait()
		if got := cmd.ProcessState.ExitCode(); got != c.status || !strings.Contains(stderr.String(), " after 2 answers, 1 error among them: ") || strings.Count(stderr.String(), "\n") != 1 {
			t.Errorf("%v: status %d, %s", c.signal, got, stderr)
		}
		if text, err := command(t, dir, "balance", "c").CombinedOutput(); err != nil { // it left the file
			t.Errorf("%v: afterwards %s", c.signal, text)
		}
	}
}

// TestApplyInterruptedAtWork: whenever the interrupt comes, what is printed are whole
// answers, and each of them is in the ledger.
func TestApplyInterruptedAtWork(t *testing.T) {
	for round := range 5 {
		dir := t.TempDir()
		cmd, in, stderr := begin(t, dir, "apply", "--db", "credits.db")
		var out bytes.Buffer
		cmd.Stdout = &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		go func() {
			for {
				if _, err := io.WriteString(in, strings.Repeat(spend, 100)); err != nil {
					return
				}
			}
		}()
		for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) { // begun
			if _, err := os.Stat(filepath.Join(dir, "credits.db")); err == nil {
				break
			}
		}
		time.Sleep(time.Duration(round*round*20) * time.Millisecond)
		_ = cmd.Process.Signal(syscall.SIGINT)
		_ = cmd.Wait()
		if got := cmd.ProcessState.ExitCode(); got != 130 {
			t.Errorf("status %d, %s", got, stderr)
		}
		printed := out.String()
		answers := strings.Count(printed, "\n")
		if printed != "" && !strings.HasSuffix(printed, "}\n") || strings.Count(printed, `{"line":`) != answers {
			t.Errorf("what was printed ends in %q", printed[max(0, len(printed)-200):])
		}
		s := newSession(t)
		s.db = filepath.Join(dir, "credits.db")
		if _, err := os.Stat(s.db); err != nil {
			continue
		}
		if written := strings.Count(s.must("entries", "c", "--limit", "1", "--json"), fmt.Sprintf(`"ledger_sequence_number":%d,`, answers)); written != 1 && answers > 0 {
			t.Errorf("%d answers: %s", answers, s.must("entries", "c", "--limit", "1"))
		}
		t.Logf("%d answers", answers)
	}
}

// TestApplyIgnoresWhatItsParentIgnores: under nohup a hangup is none.
func TestApplyIgnoresWhatItsParentIgnores(t *testing.T) {
	nohup, err := exec.LookPath("nohup")
	if err != nil {
		t.Skip(err)
	}
	cmd, in, stderr := begin(t, t.TempDir(), "apply")
	cmd.Path, cmd.Args = nohup, append([]string{"nohup"}, cmd.Args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewScanner(out)
	for range 2 {
		if _, err := io.WriteString(in, grant); err != nil || !answers.Scan() {
			t.Fatal(err, answers.Err())
		}
		_ = cmd.Process.Signal(syscall.SIGHUP)
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v, %s", err, stderr)
	}
}

// TestNothingIsLeftBehind: a command that makes files and is asked to end while it works
// leaves none.
func TestNothingIsLeftBehind(t *testing.T) {
	for _, c := range askedToEnd {
		dir := t.TempDir()
		holder, in, _ := begin(t, dir, "apply", "--db", "credits.db")
		out, err := holder.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := holder.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(in, grant); err != nil || !bufio.NewScanner(out).Scan() {
			t.Fatal("no answer", err)
		}
		cmd, _, stderr := begin(t, dir, "backup", "copy.db") // which waits for the file to be free
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		temporary := func() []string {
			list, _ := filepath.Glob(filepath.Join(dir, ".*"))
			return list
		}
		for deadline := time.Now().Add(time.Minute); len(temporary()) == 0 && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
		_ = cmd.Process.Signal(c.signal)
		_ = cmd.Wait()
		if cmd.ProcessState.ExitCode() < 1 || len(temporary()) > 0 {
			t.Errorf("%v: status %d, %s left %v", c.signal, cmd.ProcessState.ExitCode(), stderr, temporary())
		}
		in.Close()
		_ = holder.Wait()
	}
}

// TestVerifyInterrupted: a verification that is asked to end proves nothing and says so.
func TestVerifyInterrupted(t *testing.T) {
	s := newSession(t)
	s.must("grant", "c", "1")
	for _, args := range [][]string{{"verify"}, {"verify", "c"}, {"verify", "--json"}} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(&signalError{syscall.SIGTERM})
		out, stderr, status := s.runUntil(ctx, args...)
		if status != 143 || !strings.Contains(stderr, "interrupted by signal 15 (terminated) after 0 records: nothing is proved") || strings.Contains(out, `"ok":true`) {
			t.Errorf("%v: status %d, %s%s", args, status, out, stderr)
		}
		if args[len(args)-1] == "--json" && !strings.Contains(out, `"error":{`) {
			t.Errorf("%v: %s", args, out)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 0) // ends with an error that is no signal
	defer cancel()
	if out, stderr, status := s.runUntil(ctx, "verify", "--json"); status != statusTrouble || !strings.Contains(stderr, "nothing is proved") || !strings.Contains(out, `"error":{`) || strings.Contains(out, `"ok":true`) {
		t.Errorf("status %d, %s%s", status, out, stderr)
	}
}
