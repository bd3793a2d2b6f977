// Package bench measures what the ledger costs, beside what the same disk and the same
// database cost without it.
//
//	go test -run '^$' -bench . ./bench                                  # everything, small
//	go test -run '^$' -bench 'Decrement/./store=bolt' ./bench
//	LEDGER_BENCH=full go test -run '^$' -bench History -benchtime 1x ./bench
//	LEDGER_BENCH=full go test -run '^$' -bench Growth -benchtime 1x ./bench
//	LEDGER_SYNC_DELAY=2ms go test -run '^$' -bench SlowDisk ./bench
//
// Growth is the table of what may grow and what is done: each cell measured at two sizes,
// with the ratio of what one costs in each.
//
// Names say the conditions as key=value, so that tools can compare runs. Absolute
// figures belong to one machine and one moment; what tells something is the ratio to a
// peer of the same run: RawWrite is the disk, RawBolt bbolt alone with a put of 200
// bytes, in a transaction of its own or grouped, and RawSame bbolt alone with the bytes
// that the store writes under the keys that it writes. Files lie in the directory for
// temporary files: set TMPDIR to measure another disk, and beware of one that is memory.
//
// LEDGER_BENCH=full asks for the sizes that docs/performance.md tells of. They take
// some gigabytes of memory and minutes. LEDGER_SYNC_DELAY, on Linux, counts the syncs
// of the process and makes each take that much longer.
package bench
