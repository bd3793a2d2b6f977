package opsfile_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"creditledger"
	"creditledger/fuzz"
	"creditledger/fuzz/testseed"
	"creditledger/fuzz/testsize"
	"creditledger/opsfile"
)

// leaningFile is a file whose lines lean on each other: keys that were used, customers
// that move to other zones in between, accounts that begin right before somebody looks
// for them, a clock that goes on, and reads of all kinds.
func leaningFile(r *rand.Rand, n int) string {
	var file strings.Builder
	now := time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)
	var used []string
	for range n {
		customer := fmt.Sprint("cus_", r.IntN(3))
		line := ""
		switch r.IntN(16) {
		case 0, 1:
			now = now.Add(time.Duration(r.IntN(72)) * time.Hour)
			line = fmt.Sprintf(`{"op":"clock","now":%q}`, now.Format(time.RFC3339))
		case 2:
			line = fmt.Sprintf(`{"op":"customer","id":%q,"timezone":%q}`, customer, []string{"UTC", "America/New_York", "Asia/Tokyo", "Pacific/Apia"}[r.IntN(4)])
		case 3, 4, 5:
			line = fmt.Sprintf(`{"op":"increment","customer_id":%q,"amount":"%d","expiry_date":%q%s}`, customer, 1+r.IntN(50), now.AddDate(0, 0, r.IntN(6)).Format(time.DateOnly), someKey(r, n))
		case 6, 7, 8:
			line = fmt.Sprintf(`{"op":"decrement","customer_id":%q,"amount":"%d","overdraft":%q%s}`, customer, 1+r.IntN(30), []string{"allow", "reject", "stop_at_zero"}[r.IntN(3)], someKey(r, n))
		case 9:
			line = `{"op":"sweep"}`
		case 10:
			if r.IntN(2) == 0 {
				customer = fmt.Sprint("new_", file.Len())
				line = fmt.Sprintf(`{"op":"increment","customer_id":%q,"amount":"1"}`+"\n", customer)
			}
			line += fmt.Sprintf(`{"op":"state","customer_id":%q}`, customer)
		case 11:
			line = fmt.Sprintf(`{"op":"balance","customer_id":%q}`, customer)
		case 12:
			line = fmt.Sprintf(`{"op":"entries","customer_id":%q}`, customer)
		case 13:
			line = fmt.Sprintf(`{"op":"verify","customer_id":%q}`, customer)
		default:
			if len(used) > 0 {
				line = used[len(used)-1-r.IntN(min(len(used), 5))]
			}
		}
		if strings.Contains(line, "idempotency_key") {
			used = append(used, line)
		}
		if line != "" {
			file.WriteString(line + "\n")
		}
	}
	return file.String()
}

func someKey(r *rand.Rand, n int) string {
	if r.IntN(4) == 0 {
		return ""
	}
	return fmt.Sprintf(`,"idempotency_key":"key-%d"`, r.IntN(n/3))
}

// TestRandomFilesHaveOneAnswer: a file under a clock of its own is answered as it is one
// line at a time, whatever holds the ledger and whatever lines share commits; and the
// ledger holds the same bytes.
func TestRandomFilesHaveOneAnswer(t *testing.T) {
	seed := testseed.Of(t)
	files, runs := testsize.Of(3, 10, 20), testsize.Of(3, 4, 200)
	for n := range files {
		file := leaningFile(rand.New(rand.NewPCG(seed, uint64(n))), 80)
		want, digest := answersOf(t, newWorld(t, inMemory), file, true)
		for run := range runs {
			open := onFile(t)
			if run == 0 {
				open = inMemory
			}
			got, held := answersOf(t, newWorld(t, open), file, false)
			if !bytes.Equal(got, want) {
				t.Fatalf("seed %d, file %d, run %d: %s\nthe file:\n%s", seed, n, run, differing(got, want), file)
			}
			if held != digest {
				t.Fatalf("seed %d, file %d, run %d: the answers are the same, the ledger's bytes are not\nthe file:\n%s", seed, n, run, file)
			}
		}
	}
}

// answersOf runs a file, all of it ahead or one line after the other, and returns the
// answers and the digest of what the store holds then.
func answersOf(t *testing.T, w *world, file string, oneByOne bool) (answers []byte, digest string) {
	t.Helper()
	s := w.open()
	defer s.Close()
	ledger := creditledger.New(s, &creditledger.Options{Clock: w.clock.Now, Random: w.ids})
	var out bytes.Buffer
	parts := []string{file}
	if oneByOne {
		parts = strings.SplitAfter(file, "\n")
	}
	for i, part := range parts {
		in := strings.NewReader(strings.Repeat("\n", i) + part)
		if _, err := opsfile.Run(context.Background(), ledger, in, &out, &opsfile.Options{Clock: w.clock}); err != nil {
			t.Fatal(err)
		}
	}
	if err := ledger.Close(); err != nil {
		t.Fatal(err)
	}
	digest, err := fuzz.Digest(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), digest
}

// differing is the first line in which two lists of answers differ.
func differing(got, want []byte) string {
	a, b := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range min(len(a), len(b)) {
		if !bytes.Equal(a[i], b[i]) {
			return fmt.Sprintf("got %s\nwant %s", a[i], b[i])
		}
	}
	return fmt.Sprintf("%d answers, want %d", len(a), len(b))
}
