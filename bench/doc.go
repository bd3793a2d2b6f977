// Package bench measures what the ledger costs, beside what the same disk and the same
// database cost without it.
//
//	go test -run '^$' -bench . ./bench                    # everything
//	go test -run '^$' -bench 'Decrement/store=bolt' ./bench
//
// Names say the conditions as key=value, so that tools can compare runs. Absolute
// figures belong to one machine and one moment; what tells something is the ratio to a
// peer of the same run: RawWrite is the disk, RawBolt/grouped=false one bbolt
// transaction for each put, RawBolt/grouped=true as many puts in one transaction as
// writers wait. Files lie in the directory for temporary files: set TMPDIR to measure
// another disk, and beware of one that is memory.
package bench
