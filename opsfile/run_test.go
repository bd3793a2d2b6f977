package opsfile_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"creditledger"
	"creditledger/opsfile"
	"creditledger/store"
	"creditledger/store/memory"
)

type answer struct {
	Line     int
	Op       string
	Replayed bool
	Entries  json.RawMessage // a list, or of a verify or sweep their number
	Balance  string
	OK       bool
	Error    *struct{ Code, Message, Field string }
}

type answeredEntry struct {
	Status string `json:"entry_status"`
	Ending string `json:"ending_balance"`
}

func (a answer) entries(t *testing.T) []answeredEntry {
	t.Helper()
	var list []answeredEntry
	if len(a.Entries) > 0 {
		if err := json.Unmarshal(a.Entries, &list); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

func (a answer) code() string {
	if a.Error == nil {
		return ""
	}
	return a.Error.Code
}

func parseAnswers(t *testing.T, out []byte) []answer {
	t.Helper()
	var list []answer
	for line := range strings.Lines(string(out)) {
		var a answer
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		list = append(list, a)
	}
	return list
}

// apply runs input on a fresh ledger in memory.
func apply(t *testing.T, s store.Store, input string, ledgerOpts creditledger.Options, opts opsfile.Options) ([]answer, opsfile.Summary) {
	t.Helper()
	if opts.Clock != nil {
		ledgerOpts.Clock = opts.Clock.Now
	}
	ledger := creditledger.New(s, &ledgerOpts)
	defer ledger.Close()
	var out bytes.Buffer
	summary, err := opsfile.Run(context.Background(), ledger, strings.NewReader(input), &out, &opts)
	if err != nil {
		t.Fatal(err)
	}
	return parseAnswers(t, out.Bytes()), summary
}

const spendOne = `{"op":"decrement","customer_id":"c","amount":"1"}` + "\n"

func TestExitStatus(t *testing.T) {
	refused := `{"op":"decrement","customer_id":"c","amount":"1","overdraft":"reject"}` + "\n"
	invalid := `{"op":"decrement","customer_id":"c","amount":"x"}` + "\n"
	twice := `{"op":"decrement","customer_id":"c","amount":"1","amount":"1"}` + "\n"
	surrogate := `{"op":"decrement","customer_id":"\ud800","amount":"1"}` + "\n"
	clock := `{"op":"clock","now":"2030-01-01T00:00:00Z"}` + "\n"
	for _, c := range []struct {
		name, input string
		stop        bool
		status      int
		codes       string
	}{
		{"nothing at all", "", false, 0, ""},
		{"only comments", "# one\n\n   \r\n#two", false, 0, ""},
		{"all well", spendOne, false, 0, "-"},
		{"refusals are answers", refused + invalid + spendOne, false, 0, "insufficient_credits invalid_request -"},
		{"a key twice is well-formed JSON", twice, false, 0, "invalid_request"},
		{"half a surrogate pair too", surrogate, false, 0, "invalid_request"},
		{"no clock line by the real clock", clock, false, 0, "invalid_request"},
		{"not JSON", "x\n" + spendOne, false, 2, "invalid_request -"},
		{"not UTF-8", "{\"op\":\"decrement\",\"customer_id\":\"\xff\",\"amount\":\"1\"}\n", false, 2, "invalid_request"},
		{"unknown op", `{"op":"grant"}` + "\n" + spendOne, false, 2, "invalid_request -"},
		{"text after the object", `{"op":"sweep"} x` + "\n", false, 2, "invalid_request"},
		{"too long", `{"op":"` + strings.Repeat("x", opsfile.MaxLine) + `"}` + "\n" + spendOne, false, 2, "invalid_request -"},
		{"stop at a refusal", spendOne + refused + spendOne, true, 3, "- insufficient_credits"},
		{"stop at a malformed line", spendOne + "x\n" + spendOne, true, 3, "- invalid_request"},
		{"nothing to stop at", spendOne + spendOne, true, 0, "- -"},
	} {
		t.Run(c.name, func(t *testing.T) {
			answers, summary := apply(t, memory.New(), c.input, creditledger.Options{}, opsfile.Options{StopOnError: c.stop})
			var codes []string
			for _, a := range answers {
				code := a.code()
				if code == "" {
					code = "-"
				}
				codes = append(codes, code)
			}
			if got := strings.Join(codes, " "); got != c.codes {
				t.Errorf("codes %q, want %q", got, c.codes)
			}
			if got := summary.ExitStatus(); got != c.status {
				t.Errorf("status %d, want %d", got, c.status)
			}
		})
	}
}

// TestStopMeansNothingAfter: what stands after the first error answer is not done.
func TestStopMeansNothingAfter(t *testing.T) {
	s := memory.New()
	apply(t, s, spendOne+`{"op":"void","customer_id":"c","block_id":"x","amount":"1"}`+"\n"+spendOne, creditledger.Options{}, opsfile.Options{StopOnError: true})
	answers, _ := apply(t, s, `{"op":"balance","customer_id":"c"}`, creditledger.Options{}, opsfile.Options{})
	if answers[0].Balance != "-1" {
		t.Errorf("balance %s, want -1", answers[0].Balance)
	}
}

// TestOneByOne: a program waits for each answer before it sends the next line.
func TestOneByOne(t *testing.T) {
	for name, open := range map[string]func() store.Store{"memory": inMemory, "file": onFile(t)} {
		t.Run(name, func(t *testing.T) {
			s := open()
			defer s.Close()
			ledger := creditledger.New(s, nil)
			defer ledger.Close()
			inRead, in := io.Pipe()
			out, outWrite := io.Pipe()
			done := make(chan error, 1)
			go func() {
				_, err := opsfile.Run(context.Background(), ledger, inRead, outWrite, nil)
				outWrite.Close()
				done <- err
			}()
			answers := bufio.NewScanner(out)
			for i := range 20 {
				line := spendOne
				if i%5 == 4 {
					line = "nonsense\n"
				}
				if _, err := io.WriteString(in, line); err != nil {
					t.Fatal(err)
				}
				if !answers.Scan() {
					t.Fatal("no answer", answers.Err())
				}
			}
			in.Close()
			if err := <-done; err != nil || answers.Scan() {
				t.Error("at the end:", err, answers.Text())
			}
		})
	}
}

// TestThousandsAhead: all lines are sent before the first answer is read, on a file
// and in memory; reads in between see exactly the lines before them.
func TestThousandsAhead(t *testing.T) {
	var input strings.Builder
	const n = 5000
	for i := range n {
		fmt.Fprintf(&input, `{"op":"decrement","customer_id":"c%d","amount":"1","idempotency_key":"k%d"}`+"\n", i%3, i)
		if i%500 == 499 {
			fmt.Fprintf(&input, `{"op":"balance","customer_id":"c%d"}`+"\n", i%3)
		}
	}
	input.WriteString(`{"op":"verify"}` + "\n")
	for name, open := range map[string]func() store.Store{"memory": inMemory, "file": onFile(t)} {
		t.Run(name, func(t *testing.T) {
			s := open()
			defer s.Close()
			answers, summary := apply(t, s, input.String(), creditledger.Options{}, opsfile.Options{})
			if len(answers) != n+n/500+1 || summary.Errors != 0 {
				t.Fatalf("%d answers, %d errors", len(answers), summary.Errors)
			}
			spent, balances := map[int]int{}, 0
			for i, a := range answers {
				if a.Line != i+1 {
					t.Fatalf("answer %d is for line %d", i+1, a.Line)
				}
				switch a.Op {
				case "decrement":
					customer := (i - balances) % 3
					spent[customer]++
					if got := a.entries(t)[0].Ending; got != fmt.Sprint(-spent[customer]) {
						t.Fatalf("line %d ends at %s after %d", a.Line, got, spent[customer])
					}
				case "balance":
					if got := a.Balance; got != fmt.Sprint(-spent[(i-1-balances)%3]) {
						t.Fatalf("line %d: balance %s", a.Line, got)
					}
					balances++
				case "verify":
					if !a.OK {
						t.Error("verify is not ok")
					}
				}
			}
		})
	}
}

// TestGrace: statuses follow the clock line by line, and a replay repeats the first answer.
func TestGrace(t *testing.T) {
	input := `{"op":"increment","customer_id":"c","amount":"5","idempotency_key":"k"}
{"op":"clock","now":"2000-01-01T00:59:59.999999Z"}
{"op":"entries","customer_id":"c"}
{"op":"clock","now":"2000-01-01T01:00:00Z"}
{"op":"entries","customer_id":"c"}
{"op":"entries","customer_id":"c","entry_status":"pending"}
{"op":"increment","customer_id":"c","amount":"5","idempotency_key":"k"}`
	answers, _ := apply(t, memory.New(), input, creditledger.Options{Settings: creditledger.Settings{GracePeriod: time.Hour}}, opsfile.Options{Clock: &opsfile.Clock{}})
	var got []string
	for _, a := range answers {
		for _, e := range a.entries(t) {
			got = append(got, fmt.Sprintf("%d %s", a.Line, e.Status))
		}
	}
	if want := "1 pending, 3 pending, 5 committed, 7 pending"; strings.Join(got, ", ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
	if !answers[6].Replayed {
		t.Error("line 7 is not marked as replayed")
	}
}

// TestReplayIsIdentical: but for the line number and the mark, the second answer has
// the bytes of the first.
func TestReplayIsIdentical(t *testing.T) {
	line := `{"op":"increment","customer_id":"c","amount":"5","idempotency_key":"k","metadata":{"a":"1"}}` + "\n"
	out, _ := newWorld(t, inMemory).run(1, []byte(line+spendOne+line))
	lines := strings.Split(string(out), "\n")
	if want := strings.Replace(lines[0], `{"line":1,"op":"increment",`, `{"line":3,"op":"increment","replayed":true,`, 1); lines[2] != want {
		t.Errorf("got %s\nwant %s", lines[2], want)
	}
}

// failing is a store whose commits fail.
type failing struct {
	store.Store
	err error
}

func (f failing) Commit(context.Context, []creditledger.Change) error { return f.err }

func TestStorageTrouble(t *testing.T) {
	for _, c := range []struct {
		err  error
		code string
	}{
		{errors.New("no space left"), "storage"},
		{&creditledger.OutcomeUnknownError{Err: errors.New("fsync")}, "storage"},
		{creditledger.ErrPoisoned, "storage"},
		{&creditledger.ConflictError{Accounts: []creditledger.AccountID{{Customer: "c", Currency: "credits"}}}, "conflict"},
	} {
		answers, summary := apply(t, failing{memory.New(), c.err}, spendOne+spendOne+`{"op":"balance","customer_id":"c"}`, creditledger.Options{}, opsfile.Options{})
		if len(answers) != 3 || answers[0].code() != c.code || answers[2].Balance != "0" {
			t.Errorf("%v: %+v", c.err, answers)
		}
		if want := map[string]int{"storage": 1, "conflict": 0}[c.code]; summary.ExitStatus() != want {
			t.Errorf("%v: status %d, want %d", c.err, summary.ExitStatus(), want)
		}
	}
}

func TestInputAndOutputTrouble(t *testing.T) {
	broken := errors.New("broken")
	ledger := creditledger.New(memory.New(), nil)
	defer ledger.Close()
	var out bytes.Buffer
	in := io.MultiReader(strings.NewReader(spendOne), iotest.ErrReader(broken))
	if _, err := opsfile.Run(context.Background(), ledger, in, &out, nil); !errors.Is(err, broken) {
		t.Errorf("reading: %v", err)
	}
	if len(parseAnswers(t, out.Bytes())) != 1 {
		t.Errorf("what was read is not answered: %s", out.String())
	}
	in = strings.NewReader(strings.Repeat(spendOne, 20_000))
	if _, err := opsfile.Run(context.Background(), ledger, in, brokenWriter{broken}, nil); !errors.Is(err, broken) {
		t.Errorf("writing: %v", err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(broken)
	if _, err := opsfile.Run(ctx, ledger, strings.NewReader(spendOne), io.Discard, nil); !errors.Is(err, broken) {
		t.Errorf("cancelled: %v", err)
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

// TestLongLines: lines around the bound, and around the size of the read buffer.
func TestLongLines(t *testing.T) {
	for _, size := range []int{64<<10 - 1, 64 << 10, 64<<10 + 1, 200_000, opsfile.MaxLine, opsfile.MaxLine + 1, 3 * opsfile.MaxLine} {
		prefix := `{"op":"balance","customer_id":"c"`
		line := prefix + strings.Repeat(" ", size-len(prefix)-1) + "}"
		for _, end := range []string{"\n", ""} {
			answers, _ := apply(t, memory.New(), spendOne+line+"\n"+spendOne+line+end, creditledger.Options{}, opsfile.Options{})
			want := ""
			if size > opsfile.MaxLine {
				want = "invalid_request"
			}
			if len(answers) != 4 || answers[1].code() != want || answers[2].code() != "" || answers[3].code() != want {
				t.Errorf("%d bytes, end %q: %+v", size, end, answers)
			}
		}
	}
}

// TestRunEndsWhileItWaits: a run whose context ends while the input has nothing to read
// ends, and what was begun is answered.
func TestRunEndsWhileItWaits(t *testing.T) {
	in, feed := io.Pipe()
	defer feed.Close()
	answers, out := io.Pipe()
	ledger := creditledger.New(memory.New(), nil)
	defer ledger.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("why")
	ended := make(chan error, 1)
	go func() {
		summary, err := opsfile.Run(ctx, ledger, in, out, nil)
		if summary.Answers != 1 {
			err = fmt.Errorf("%d answers, %w", summary.Answers, err)
		}
		ended <- err
	}()
	if _, err := io.WriteString(feed, `{"op":"increment","customer_id":"c","amount":"1"}`+"\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(answers).ReadString('\n'); err != nil || !strings.Contains(line, `"entries"`) {
		t.Fatal(line, err)
	}
	cancel(why)
	select {
	case err := <-ended:
		if err != why {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("it goes on waiting")
	}
}

// TestAnswersAreWrittenWhole: however many there are, each write has whole lines, so
// that what a killed process has printed ends with one.
func TestAnswersAreWrittenWhole(t *testing.T) {
	ledger := creditledger.New(memory.New(), nil)
	defer ledger.Close()
	var out wholeLines
	lines := strings.Repeat(`{"op":"increment","customer_id":"c","amount":"1","description":"`+strings.Repeat("d", 700)+`"}`+"\n", 2000)
	if _, err := opsfile.Run(t.Context(), ledger, strings.NewReader(lines), &out, nil); err != nil || out.lines != 2000 {
		t.Error(out.lines, err)
	}
}

// wholeLines refuses a write that ends inside a line.
type wholeLines struct{ lines int }

func (w *wholeLines) Write(p []byte) (int, error) {
	if !bytes.HasSuffix(p, []byte("\n")) {
		return 0, errors.New("a write that ends inside a line")
	}
	w.lines += bytes.Count(p, []byte("\n"))
	return len(p), nil
}
