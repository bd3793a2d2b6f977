package opsfile

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"creditledger"
	"creditledger/store/memory"
)

// TestAnswersAreValuesInJSON: an answer is what encoding/json makes of what the ledger
// returned, behind the line and the op.
func TestAnswersAreValuesInJSON(t *testing.T) {
	clock := &Clock{}
	ledger := creditledger.New(memory.New(), &creditledger.Options{Clock: clock.Now})
	t.Cleanup(func() { _ = ledger.Close() })
	seen := map[string]bool{}
	for _, name := range []string{"example", "expiry", "batch", "explain", "erase", "late_usage", "spending"} {
		input, err := os.ReadFile("testdata/scenarios/" + name + ".jsonl")
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(append(input, "\n{\"op\":\"sweep\"}\n{\"op\":\"verify\"}\n"...)) {
			if skipped(line) {
				continue
			}
			request, err := Parse(line)
			if err != nil {
				continue
			}
			answer := Execute(t.Context(), ledger, clock, request)
			if answer.Err != nil || answer.Result == nil || answer.Op == "customer" {
				continue
			}
			value := answer.Result
			if blocks, ok := value.([]creditledger.Block); ok { // the list, without a page's end
				value = map[string]any{"blocks": blocks}
			}
			got, err := answer.AppendJSON(nil)
			if err != nil {
				t.Fatal(err)
			}
			want, err := plain(value)
			if err != nil {
				t.Fatal(err)
			}
			op, _ := json.Marshal(answer.Op)
			if head := append([]byte(`{"op":`), op...); !bytes.Equal(got, append(append(head, ','), want[1:]...)) {
				t.Errorf("%s is answered with\n%s\nand the value is\n%s", line, got, want)
			}
			seen[answer.Op] = true
		}
	}
	for _, op := range []string{"increment", "batch", "preview", "balance", "blocks", "entries", "explain", "erase", "sweep", "verify"} {
		if !seen[op] {
			t.Errorf("no answer to %s was looked at", op)
		}
	}
}

func plain(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return b.Bytes(), err
}
