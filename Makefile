# What CI runs, a step at a time. CI itself is .ci/run.

.DEFAULT_GOAL := help
.PHONY: help test lint bench compare performance fuzz demo cover reliability nightly ci

help: ## this list
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { printf "%-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: ## all tests, with the race detector
	.ci/run tests

lint: ## formatting, vet, staticcheck, go.mod, references in the documentation
	.ci/run format clean vet static modules words

bench: ## ratios to what disk, bbolt and others do, in a few minutes
	go run ./bench/report -quick

compare: ## benchmarks here beside those of another commit; REF=main PKG=./bench BENCH=Decrement
	@bench/compare $(REF)

# The commit before the log of one flush, and before holds, schedules and late usage, is
# what the goals that compare with an earlier commit speak of.
AGAINST ?= 7def07f

performance: ## everything measured in full size, beside the commit AGAINST; writes docs/results and the table of docs/performance.md
	go run ./bench/report -against $(AGAINST)

fuzz: ## all fuzz targets; FUZZTIME=3s
	.ci/run fuzz

demo: ## a whole story on a fresh ledger
	go run ./cmd/creditledger demo

cover: ## how much of the library the tests reach
	@profile=$$(mktemp) && trap 'rm -f "$$profile"' EXIT && \
		go test -coverpkg=./... -coverprofile="$$profile" ./... && \
		go tool cover -func="$$profile" | tail -n 1

FULL = LEDGER_SEED= LEDGER_FULL=1 LEDGER_MUTANTS=all

reliability: ## the proofs in full size; writes docs/results/reliability.md and the table of docs/reliability.md
	@results=$$(mktemp) && trap 'rm -f "$$results"' EXIT && \
		RESULTS="$$results" $(FULL) .ci/run proofs && \
		go run ./fuzz/report "$$results"

reliability-%: ## the same in parts: RESULTS=FILE keeps the figures; files, machines, others, mutants (MUTANTS=GROUP), at last page
	@: "$${RESULTS:?names the file that keeps the figures}"; \
		if [ $* = page ]; then go run ./fuzz/report "$$RESULTS"; else $(FULL) .ci/run proofs_$*; fi

nightly: ## the proofs for hours, with seeds of their own: more steps of the machine, all mutants, longer fuzzing
	LEDGER_SEED= LEDGER_FULL=1 LEDGER_OPS=$${LEDGER_OPS:-10000000} LEDGER_MUTANTS=all FUZZTIME=$${FUZZTIME:-10m} .ci/run proofs fuzz

ci: ## everything
	.ci/run
