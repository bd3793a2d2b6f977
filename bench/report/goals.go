package main

import (
	"fmt"
	"math"
	"slices"
)

// goal is a bound that the ledger has to keep. value returns false if it was not
// measured.
type goal struct {
	about string
	what  string
	bound float64
	least bool // the bound is the least value that is allowed, otherwise the greatest
	unit  string
	value func(*results) (float64, bool)
	// within is the interval that counts in the place of the value; nil: the value counts.
	within func(*results) (low, high float64)
}

func (g goal) reached(value float64) bool {
	if g.least {
		return value >= g.bound
	}
	return value <= g.bound
}

func (g goal) asked() string {
	if g.least {
		return "≥ " + number(g.bound) + g.unit
	}
	return "≤ " + number(g.bound) + g.unit
}

// figure is one number of the results.
type figure struct{ name, unit string }

func (f figure) value(r *results) (float64, bool) { return r.median(f.name, f.unit) }

// over divides a figure by another.
func (f figure) over(by figure) func(*results) (float64, bool) {
	return func(r *results) (float64, bool) {
		a, ok := f.value(r)
		b, too := by.value(r)
		return a / b, ok && too
	}
}

// worst is the greatest of several values, or the least.
func worst(least bool, values ...func(*results) (float64, bool)) func(*results) (float64, bool) {
	return func(r *results) (worst float64, ok bool) {
		for i, value := range values {
			v, ok := value(r)
			switch {
			case !ok:
				return 0, false
			case i == 0:
				worst = v
			case least:
				worst = math.Min(worst, v)
			default:
				worst = math.Max(worst, v)
			}
		}
		return worst, true
	}
}

func p50(name string) figure    { return figure{name, "p50-µs"} }
func each(name string) figure   { return figure{name, "ns/op"} }
func allocs(name string) figure { return figure{name, "allocs/op"} }

// spending is the time of a durable decrement.
func spending(accounts int, key string, writers int) string {
	return fmt.Sprintf("Decrement/accounts=%d/store=bolt/key=%s/writers=%d", accounts, key, writers)
}

func same(accounts int, key string, writers int) string {
	return fmt.Sprintf("RawSame/accounts=%d/key=%s/writers=%d", accounts, key, writers)
}

const (
	rawWrite  = "RawWrite/bytes=4096/sync=data"
	rawPut    = "RawBolt/keys=increasing/grouped=false/writers=%d"
	rawRandom = "RawBolt/keys=random/grouped=true/writers=64"
	slow      = "SlowDisk/delay=%s/of=%s/writers=%d"
)

var goals = slices.Concat(durable(), inMemory(), growing(), later(), besides())

const (
	oneWriter = "durable, one writer"
	many      = "durable, 10,000 accounts, callers' random keys"
	hot       = "durable, one account"
)

func durable() []goal {
	list := []goal{}
	for _, key := range []string{"ledger", "caller"} {
		list = append(list,
			goal{oneWriter, "to raw bbolt, the same bytes under the same keys; the " + key + "'s key", 1.1, false, " ×", each("OneWriter/of=decrement/key=" + key).over(each("OneWriter/of=same/key=" + key)), nil},
			goal{oneWriter, "to raw bbolt, one put of 200 B; the " + key + "'s key", 1.25, false, " ×", each("OneWriter/of=decrement/key=" + key).over(each("OneWriter/of=put")), nil},
		)
	}
	list = append(list,
		goal{oneWriter, "to one write and fdatasync into space that is there, by turns", 1.35, false, " ×", figure{"OneFlush/ledger", "writes"}.value, nil},
		goal{oneWriter, "to SQLite by hand, by turns", 0.85, false, " ×", figure{"OneFlush/ledger", "µs"}.over(figure{"OneFlush/sqlite", "µs"}), nil},
		goal{oneWriter, "fdatasyncs a commit", 1, false, "", figure{fmt.Sprintf(slow, "0s", "decrement", 1), "syncs/op"}.value, nil},
		goal{oneWriter, "to one write and sync, on a disk slowed by 2 ms", 1.15, false, " ×", p50(fmt.Sprintf(slow, "2ms", "decrement", 1)).over(p50(fmt.Sprintf(slow, "2ms", "write", 1))), nil},
		goal{many, "64 writers: rate, to the same bytes grouped by raw bbolt", 0.8, true, " ×", each(same(10_000, "caller", 64)).over(each(spending(10_000, "caller", 64))), nil},
		goal{many, "64 writers: rate, to single puts to random keys grouped by raw bbolt", 1.2, true, " ×", each(rawRandom).over(each(spending(10_000, "caller", 64))), nil},
		goal{many, "64 writers: rate, to one writer", 12, true, " ×", each(spending(10_000, "caller", 1)).over(each(spending(10_000, "caller", 64))), nil},
		goal{many, "8 writers: rate, to one writer", 4, true, " ×", each(spending(10_000, "caller", 1)).over(each(spending(10_000, "caller", 8))), nil},
	)
	for _, key := range []string{"ledger", "caller"} {
		one := each(spending(1, key, 64))
		list = append(list,
			goal{hot, "64 writers: rate, to one writer; the " + key + "'s keys", 25, true, " ×", each(spending(1, key, 1)).over(one), nil},
			goal{hot, "64 writers: rate, to 10,000 accounts; the " + key + "'s keys", 1, true, " ×", each(spending(10_000, key, 64)).over(one), nil},
			goal{hot, "64 writers: rate, to SQL by hand on PostgreSQL; the " + key + "'s keys", 40, true, " ×", each("Postgres/accounts=1/writers=64/by=lock").over(one), nil},
			goal{hot, "64 writers: rate, to a stored function on PostgreSQL; the " + key + "'s keys", 25, true, " ×", each("Postgres/accounts=1/writers=64/by=function").over(one), nil},
			goal{hot, "64 writers: p50 latency, to 64 contended Updates; the " + key + "'s keys", 0.2, false, " ×", p50(spending(1, key, 64)).over(p50(fmt.Sprintf(rawPut, 64))), nil},
		)
	}
	return list
}

func inMemory() []goal {
	const about = "in memory"
	public := "Decrement/accounts=1/store=memory/key=ledger/writers=1"
	step := "Step/by=ledger/blocks=10"
	list := []goal{
		{about, "a decrement through the public API", 4000, false, " ns", each(public).value, nil},
		{about, "its allocations", 6, false, "", allocs(public).value, nil},
		{about, "the step alone, to a hand-written drawdown of int64 that fills in a line", 8, false, " ×", each(step).over(each("Step/by=int64/blocks=10/line=kept")), nil},
		{about, "the step alone: allocations", 0, false, "", allocs(step).value, nil},
	}
	for _, op := range []string{"add", "sub", "cmp"} {
		name := "Decimal/op=" + op + "/scale=%s/by=ledger"
		list = append(list,
			goal{about, "Amount, " + op + ", everyday", 15, false, " ns", worst(false, each(fmt.Sprintf(name, "same")).value, each(fmt.Sprintf(name, "other")).value), nil},
			goal{about, "Amount, " + op + ": allocations", 0, false, "", worst(false, allocs(fmt.Sprintf(name, "same")).value, allocs(fmt.Sprintf(name, "other")).value), nil})
	}
	return list
}

// later are the goals of late usage, reversals, holds and schedules.
func later() []goal {
	const about = "late usage, reversals, holds, schedules"
	var list []goal
	for _, store := range []string{"memory", "bolt"} {
		for _, op := range []string{"late", "hold-release", "hold-capture", "decrement-reverse", "schedule-end"} {
			ratio := figure{fmt.Sprintf("Later/store=%s/op=%s", store, op), "ratio"}
			list = append(list, goal{about, store + ": " + op + ", to a decrement", 1.5, false, " ×", ratio.value, nil})
		}
	}
	for _, store := range []string{"memory", "bolt"} {
		swept := figure{"SweepGrants/store=" + store + "/accounts=100000", "accounts/s"}
		list = append(list, goal{about, store + ": 10^5 accounts with a grant at one instant, swept", 20_000, true, "/s", swept.value, nil})
	}
	return append(list,
		goal{about, "memory: a year of daily grants made up for", 20, false, " ms", figure{"CatchUp/store=memory/days=365", "ms"}.value, nil},
		goal{about, "memory: a decrement on 10^5 blocks with 1,000 open holds, to one with none", 1.5, false, " ×", figure{"Held/blocks=100000/holds=1000", "ratio"}.value, nil},
	)
}

// besides are the goals for what stands beside the caller's own rows, and beside an earlier
// commit.
func besides() (list []goal) {
	for _, accounts := range []int{1, 16} {
		join := figure{fmt.Sprintf("PostgresJoin/accounts=%d", accounts), "intx:hand"}
		list = append(list, goal{"PostgreSQL, in the caller's transaction", fmt.Sprintf("rate of InTx, to SQL by hand; accounts: %d", accounts), 1, true, " ×", join.value, nil})
	}
	purchase := func(callers int) figure { return each(fmt.Sprintf("Purchase/store=bolt/callers=%d", callers)) }
	list = append(list, goal{"invoices", "rate of purchases on a file by 64 callers for 64 customers, to one caller", 10, true, " ×", purchase(1).over(purchase(64)), nil})
	const about = "to the earlier commit"
	for _, writers := range []int{1, 64} {
		name := fmt.Sprintf("Decrement/accounts=1/store=memory/key=ledger/writers=%d", writers)
		list = append(list, to(about, fmt.Sprintf("a decrement in memory; writers: %d", writers), 1.03, false, each(name)))
	}
	return append(list,
		to(about, "a balance in memory", 1.03, false, each("Balance/store=memory/blocks=10")),
		to(about, "rate of 64 writers on a file, 10,000 accounts", 1.7, true, figure{spending(10_000, "caller", 64), "ops/s"}),
		to(about, "rate of 64 writers on a file, one account", 1.3, true, figure{spending(1, "caller", 64), "ops/s"}),
	)
}

func growing() []goal {
	const flat, small, expiry, replay, memory = "flat", "small", "expiry", "replay", "memory"
	var list []goal
	for _, op := range []string{"decrement", "balance"} {
		for _, store := range []string{"memory", "bolt"} {
			at := func(history int) figure {
				return each(fmt.Sprintf("History/store=%s/op=%s/history=%d", store, op, history))
			}
			list = append(list, goal{flat, fmt.Sprintf("%s, %s: slowest of 10^3, 10^5 and 10^6 past entries to the fastest", op, store), 1.1, false, " ×", spread(at(1_000), at(100_000), at(1_000_000)), nil})
		}
	}
	balance := func(history int) func(*results) (float64, bool) {
		return each(fmt.Sprintf("History/store=memory/op=balance/history=%d", history)).value
	}
	list = append(list, goal{flat, "balance, memory", 200, false, " ns", worst(false, balance(1_000), balance(100_000), balance(1_000_000)), nil})
	for _, store := range []string{"memory", "bolt"} {
		name := "Blocks/store=" + store + "/op=decrement/blocks=%d"
		list = append(list, goal{flat, "decrement, " + store + ": 10^5 open blocks to 10", 2, false, " ×", each(fmt.Sprintf(name, 100_000)).over(each(fmt.Sprintf(name, 10))), nil})
	}
	list = append(list, goal{flat, "opening a file that crashed with records in its log to the first decrement, beyond the pre-flight check", 500, false, " ms", figure{"Open/entries=1000000/closed=false", "beyond-ms"}.value, nil},
		goal{flat, "opening a file of 10^6 entries to the first decrement, beyond the pre-flight check", 5, false, " ms", figure{"Open/entries=1000000/closed=true", "beyond-ms"}.value, nil})
	for _, key := range []string{"ledger", "caller"} {
		for _, accounts := range []int{1, 10_000} {
			at := func(entries int) figure {
				return figure{fmt.Sprintf("Disk/store=bolt/accounts=%d/key=%s/entries=%d", accounts, key, entries), "B/entry"}
			}
			most := map[string]float64{"ledger": 160, "caller": 200}[key]
			list = append(list,
				goal{small, fmt.Sprintf("bytes in use for a decrement at 10^6; accounts: %s, the %s's keys", number(float64(accounts)), key), most, false, " B", at(1_000_000).value, nil},
				goal{small, fmt.Sprintf("the same at 10^6 to at 10^5; accounts: %s, the %s's keys", number(float64(accounts)), key), 1.1, false, " ×", at(1_000_000).over(at(100_000)), nil})
		}
	}
	sweep := func(cache string) func(*results) (float64, bool) {
		return figure{"Sweep/store=bolt/accounts=100000/cache=" + cache, "blocks/s"}.value
	}
	verify := func(accounts int, store string) func(*results) (float64, bool) {
		return figure{fmt.Sprintf("Verify/accounts=%d/store=%s/records=300000", accounts, store), "records/s"}.value
	}
	return append(list,
		goal{expiry, "10^5 blocks at one instant on 10^5 accounts, bolt: swept", 20_000, true, "/s", worst(true, sweep("warm"), sweep("cold")), nil},
		goal{expiry, "1,000 blocks one by one under usage, memory", 50, false, " ms", per(1e6, each("Expiry/store=memory/blocks=1000")), nil},
		goal{replay, "verification, one account", 300_000, true, "/s", worst(true, verify(1, "memory"), verify(1, "bolt")), nil},
		goal{replay, "verification, 10,000 accounts, each with ten blocks granted at once", 300_000, true, "/s", worst(true, verify(10_000, "memory"), verify(10_000, "bolt")), nil},
		goal{memory, "10^5 accounts of 10 blocks in the cache", 300, false, " MB", figure{"Cache/store=bolt/accounts=100000/blocks=1000000/limit=1100000", "MB"}.value, nil},
		goal{memory, "the cache limited to a tenth of it, to all of it", 0.11, false, " ×",
			figure{"Cache/store=bolt/accounts=100000/blocks=1000000/limit=110000", "MB"}.over(figure{"Cache/store=bolt/accounts=100000/blocks=1000000/limit=1100000", "MB"}), nil},
	)
}

// spread divides the greatest of some figures by the least.
func spread(figures ...figure) func(*results) (float64, bool) {
	return func(r *results) (float64, bool) {
		low, high := math.Inf(1), 0.0
		for _, f := range figures {
			v, ok := f.value(r)
			if !ok {
				return 0, false
			}
			low, high = math.Min(low, v), math.Max(high, v)
		}
		return high / low, true
	}
}
