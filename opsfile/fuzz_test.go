package opsfile_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"creditledger"
	"creditledger/opsfile"
	"creditledger/store/memory"
)

// FuzzRun takes any bytes for an operations file. Every line gets one answer, in order,
// each of them JSON; a line that is carried out was JSON, and what the file has done to
// the ledger in the end proves itself.
func FuzzRun(f *testing.F) {
	scenarios, err := filepath.Glob("testdata/*/*.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range scenarios {
		f.Add(must(os.ReadFile(name)))
	}
	f.Add([]byte("# a comment\n\n" + `{"op":"increment","customer_id":"c","amount":"100","idempotency_key":"k","expiry_date":"2026-02-01"}
{"op":"batch","customer_id":"c","operations":[{"op":"increment","amount":5,"block_id":"b"},{"op":"decrement","amount":"7.50","overdraft":"reject"}]}
{"op":"clock","now":"2026-03-01T00:00:00Z"}
{"op":"entries","customer_id":"c","limit":1}
{"op":"preview","customer_id":"c","operation":{"op":"void","block_id":"b","amount":"1"}}
not json
{"op":"sweep"}
{"op":"verify"}`))
	f.Add([]byte(`{"op":"increment","customer_id":"\ud800","amount":"1"}` + "\n" + `{"op":"balance","customer_id":"c","CUSTOMER_ID":"d"}` + "\r\n{}\n[]\n0"))
	f.Fuzz(func(t *testing.T, file []byte) {
		ctx := context.Background()
		clock := &opsfile.Clock{}
		if err := clock.Set(creditledger.InstantOf(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))); err != nil {
			t.Fatal(err)
		}
		l := creditledger.New(memory.New(), &creditledger.Options{Clock: clock.Now})
		defer l.Close()
		var out bytes.Buffer
		summary, err := opsfile.Run(ctx, l, bytes.NewReader(file), &out, &opsfile.Options{Clock: clock})
		if err != nil {
			t.Fatal(err)
		}
		var asked [][]byte
		for _, line := range bytes.Split(file, []byte("\n")) {
			if blank := bytes.Trim(line, " \t\r"); len(blank) > 0 && line[0] != '#' {
				asked = append(asked, line)
			}
		}
		answers := bytes.Split(bytes.TrimSuffix(out.Bytes(), []byte("\n")), []byte("\n"))
		if len(asked) == 0 {
			answers = nil
		}
		if len(answers) != len(asked) || summary.Answers != len(asked) {
			t.Fatalf("%d lines, %d answers, %d in the summary", len(asked), len(answers), summary.Answers)
		}
		for i, text := range answers {
			var answer struct{ Error *json.RawMessage }
			if err := json.Unmarshal(text, &answer); err != nil {
				t.Fatalf("the answer %s: %v", text, err)
			}
			if answer.Error == nil && !json.Valid(asked[i]) {
				t.Fatalf("%q was carried out: %s", asked[i], text)
			}
		}
		if v, err := l.VerifyAll(ctx, nil); err != nil || v.Violation != nil {
			t.Fatalf("after %q: %v, %v", file, v.Violation, err)
		}
	})
}
