package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"creditledger"
	"creditledger/bench/measure"
	"creditledger/store/postgres"
)

// spenderEnv makes the test binary one of the processes that spend from one account of a
// database: "ledger" or "lock", then the connection.
const spenderEnv = "LEDGER_BENCH_SPENDER"

// spendersEach is how many clients each process has.
const spendersEach = 8

// BenchmarkPostgresProcesses spends from one account by several processes of the
// operating system at once: by a ledger in each, and by hand with SELECT … FOR UPDATE.
func BenchmarkPostgresProcesses(b *testing.B) {
	dsn, pool, l := onPostgres(b)
	fillPostgres(b, pool, l, 1)
	rounds, span := measure.Size(3, 1), measure.Size(5*time.Second, time.Second)
	for _, n := range measure.Size([]int{2, 8, 16}, []int{8}) {
		b.Run(fmt.Sprintf("processes=%d", n), func(b *testing.B) {
			var ratios, byLedger []float64
			for range rounds {
				hand := sum(spendBy(b, "lock", dsn, n, span))
				each := spendBy(b, "ledger", dsn, n, span)
				byLedger = append(byLedger, sum(each)/span.Seconds())
				ratios = append(ratios, sum(each)/hand)
				b.ReportMetric(slices.Min(each)/slices.Max(each), "slowest/fastest")
			}
			slices.Sort(ratios)
			slices.Sort(byLedger)
			b.ReportMetric(byLedger[len(byLedger)/2], "ops/s")
			b.ReportMetric(ratios[len(ratios)/2], "of-lock")
		})
	}
}

func sum(list []float64) (total float64) {
	for _, x := range list {
		total += x
	}
	return total
}

// spendBy has processes spend for a while and returns how often each did.
func spendBy(b *testing.B, by, dsn string, n int, span time.Duration) []float64 {
	b.Helper()
	counts, errs := make([]float64, n), make([]error, n)
	var all sync.WaitGroup
	begin := time.Now().Add(time.Second).UnixMilli() // when all of them are up
	for i := range n {
		all.Go(func() {
			c := exec.Command(os.Args[0])
			c.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %d %d %s", spenderEnv, by, i, begin, span.Milliseconds(), dsn))
			out, err := c.Output()
			if err == nil {
				counts[i], err = strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
			}
			var failed *exec.ExitError
			if errors.As(err, &failed) {
				err = fmt.Errorf("%w: %s", err, failed.Stderr)
			}
			errs[i] = err
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		b.Fatal(err)
	}
	return counts
}

// beSpender is what such a process does; it prints how often it has spent.
func beSpender(order string) error {
	fields := strings.SplitN(order, " ", 5)
	begin, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil {
		return err
	}
	span, err := strconv.ParseInt(fields[3], 10, 64)
	if err != nil {
		return err
	}
	ctx := context.Background()
	pool, err := connect(ctx, fields[4], spendersEach)
	if err != nil {
		return err
	}
	defer pool.Close()
	spend := byLocking(pool)
	if fields[0] == "ledger" {
		s, err := postgres.Open(ctx, pool, nil)
		if err != nil {
			return err
		}
		defer s.Close()
		l := creditledger.New(s, nil)
		defer l.Close()
		spend = byLedger(l)
	}
	time.Sleep(time.Until(time.UnixMilli(begin)))
	end := time.UnixMilli(begin + span)
	counts, errs := make([]int, spendersEach), make([]error, spendersEach)
	var all sync.WaitGroup
	for i := range spendersEach {
		all.Go(func() {
			for time.Now().Before(end) && errs[i] == nil {
				errs[i] = spend(ctx, 0, fmt.Sprintf("%s %s %d %d %d", fields[0], fields[1], begin, i, counts[i]))
				counts[i]++
			}
		})
	}
	all.Wait()
	total := 0
	for _, n := range counts {
		total += n
	}
	fmt.Println(total)
	return errors.Join(errs...)
}

// init makes the test binary a spender when it is told to be one.
func init() {
	order := os.Getenv(spenderEnv)
	if order == "" {
		return
	}
	if err := beSpender(order); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
