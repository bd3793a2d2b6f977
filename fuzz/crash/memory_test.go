//go:build linux

package crash

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"creditledger"
	"creditledger/fuzz/testsize"
	"creditledger/opsfile"
	"creditledger/store/bolt"
)

// oneGiB is the memory that a process of these tests may have. The system refuses to give
// it more.
const oneGiB = 1 << 30

// limited runs one of tasks in a process of its own, on a file, and returns what it says.
func limited(t *testing.T, task, path string) string {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-test.run=^TestInOneGiB$", "-test.count=1")
	cmd.Env = append(os.Environ(), "LEDGER_TASK="+task, "LEDGER_FILE="+path, "GOMEMLIMIT="+strconv.Itoa(oneGiB*7/8))
	out, err := cmd.CombinedOutput()
	text := string(out)
	if len(text) > 2000 {
		text = text[:2000]
	}
	if err != nil {
		t.Fatalf("%s: %v\n%s", task, err, text)
	}
	return text
}

// tasks are what a process with little memory does. It ends without closing anything, as
// in a crash.
var tasks = map[string]func(ctx context.Context, l *creditledger.Ledger) error{
	"large grants":  manyLargeGrants,
	"unread output": unreadOutput,
	"open again":    openAgain,
}

// TestInOneGiB: whatever valid input a process with 1 GiB of memory gets, it takes it, or
// refuses it with a typed error. Another process with no more memory can open, read and
// write what it leaves.
func TestInOneGiB(t *testing.T) {
	if task := tasks[os.Getenv("LEDGER_TASK")]; task != nil {
		if err := carryOut(t.Context(), task); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if testing.Short() {
		t.Skip("writes some hundred megabytes")
	}
	if testsize.Race {
		t.Skip("the race detector takes memory of its own; without it this is a proof of every run")
	}
	for _, task := range []string{"large grants", "unread output"} {
		t.Run(task, func(t *testing.T) {
			path := filepath.Join(scratch(t), "ledger.db")
			t.Log(limited(t, task, path))
			t.Log(limited(t, "open again", path))
		})
	}
}

func carryOut(ctx context.Context, task func(context.Context, *creditledger.Ledger) error) error {
	limit := syscall.Rlimit{Cur: oneGiB, Max: oneGiB}
	if err := syscall.Setrlimit(syscall.RLIMIT_DATA, &limit); err != nil {
		return err
	}
	s, err := bolt.Open(os.Getenv("LEDGER_FILE"), nil)
	if err != nil {
		return err
	}
	return task(ctx, creditledger.New(s, nil))
}

// largest is a grant that says as much as one may.
func largest() creditledger.Increment {
	op := creditledger.Increment{Amount: creditledger.AmountOf(1), Description: strings.Repeat("d", creditledger.MaxDescription), Metadata: map[string]string{}}
	for i := range creditledger.MaxMetadataPairs {
		op.Metadata[fmt.Sprintf("%040d", i)] = strings.Repeat("m", creditledger.MaxMetadataValue)
	}
	values := make([]string, creditledger.MaxFilterValues)
	for i := range values {
		values[i] = fmt.Sprintf("%0*d", creditledger.MaxID, i)
	}
	op.Filters = []creditledger.Filter{{Field: creditledger.FilterFieldItem, Values: values}}
	return op
}

// manyLargeGrants fills accounts until they are full. Each grant has its own texts.
func manyLargeGrants(ctx context.Context, l *creditledger.Ledger) error {
	done, full := 0, 0
	for i := 0; i < 1000; i++ {
		on := creditledger.AccountID{Customer: fmt.Sprint("c", i/500)}
		_, err := l.Do(ctx, on, largest(), "")
		var limit *creditledger.LimitError
		switch {
		case errors.As(err, &limit):
			full++
		case err != nil:
			return err
		default:
			done++
		}
	}
	if _, err := l.Do(ctx, creditledger.AccountID{Customer: "c0"}, creditledger.Decrement{Amount: creditledger.AmountOf(1)}, ""); err != nil {
		return err
	}
	batch := creditledger.Batch{}
	for range creditledger.MaxBatch {
		batch = append(batch, largest())
		if len(batch) == 30 {
			break
		}
	}
	if _, err := l.Do(ctx, creditledger.AccountID{Customer: "batch"}, batch, ""); !errors.Is(err, creditledger.ErrInvalid) {
		return fmt.Errorf("a batch of 30 of the largest grants: %v, want that it is invalid", err)
	}
	if full == 0 || done < 600 {
		return fmt.Errorf("%d grants were done and %d refused: the test tests nothing", done, full)
	}
	fmt.Printf("%d grants were done, %d refused\n", done, full)
	return nil
}

// silent is an output that nobody reads.
type silent struct{ context.Context }

func (s silent) Write([]byte) (int, error) {
	<-s.Done()
	return 0, s.Err()
}

// unreadOutput applies lines of 4 MiB, a batch each, while nobody reads its answers.
func unreadOutput(ctx context.Context, l *creditledger.Ledger) error {
	ctx, cancel := context.WithCancel(ctx)
	in, out := io.Pipe()
	sent := make(chan int, 1)
	go func() {
		for i := 0; ; i++ {
			item := `{"op":"increment","amount":"1","description":"` + strings.Repeat("x", 4000) + `"},`
			line := fmt.Sprintf(`{"op":"batch","customer_id":"c%d","operations":[`, i) + strings.Repeat(item, 999) + `{"op":"increment","amount":"1"}]}` + "\n"
			if _, err := out.Write([]byte(line)); err != nil {
				sent <- i
				return
			}
		}
	}()
	time.AfterFunc(5*time.Second, func() {
		cancel()
		in.Close()
	})
	_, err := opsfile.Run(ctx, l, in, silent{ctx}, nil)
	if !errors.Is(err, context.Canceled) {
		return err
	}
	fmt.Printf("%d lines were read\n", <-sent)
	return nil
}

// openAgain reads and writes all accounts of a file.
func openAgain(ctx context.Context, l *creditledger.Ledger) error {
	ids, err := l.Accounts(ctx, creditledger.AccountID{}, 1000)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		return errors.New("there are no accounts")
	}
	for _, id := range ids {
		if _, err := l.Do(ctx, id, creditledger.Decrement{Amount: creditledger.AmountOf(1)}, ""); err != nil {
			return err
		}
		if _, err := l.Blocks(ctx, id, creditledger.BlocksQuery{Limit: 100}); err != nil {
			return err
		}
	}
	v, err := l.Verify(ctx, ids[0], nil)
	if err != nil || v.Violation != nil {
		return fmt.Errorf("verify %v: %v %w", ids[0], v.Violation, err)
	}
	fmt.Printf("%d accounts\n", len(ids))
	return nil
}
