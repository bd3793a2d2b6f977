package main

// head opens the page.
const head = `# Measured reliability

` + "`make reliability`" + ` ran these tests and wrote this page; [reliability.md](../reliability.md) says what each
does. Each destructive test has a control: the same test of something that is known to lose, which
has to find the loss. A test that failed, was skipped or did not run stands in bold.
`

// section is a table of the page. docs/reliability.md explains it under the same title.
type section struct {
	title string
	names []string
}

// A name that ends in * stands for all names that begin with it.
var sections = []section{
	{"Decided by the rules", []string{
		"random machine",
		"differential: the naive model",
		"backends agree*",
		"stored files of every layout",
	}},
	{"Once, and all or nothing", []string{
		"faults in every store call*",
		"control of faults: a store that lies, a commit without its key",
		"storms*",
		"bank*",
		"giving up at any moment",
		"holds: twenty*",
		"lost replies*",
		"control of lost replies*",
	}},
	{"In order", []string{
		"concurrent histories*",
		"control of concurrent histories: planted bugs",
	}},
	{"Time", []string{
		"ten simulated years in twenty time zones",
		"a simulated year of plans",
	}},
	{"Killed processes", []string{
		"self-kill",
		"kill from outside at random",
		"control of self-kill: acknowledged before the commit",
	}},
	{"Power cuts", []string{
		"power cuts",
		"control of power cuts: nothing is synced",
		"crash states",
		"control of crash states: barriers merged",
		"control of crash states: the log file is not flushed",
		"control of crash states: checksums are not looked at",
	}},
	{"Errors of the system", []string{
		"failed writes",
		"control of failed writes: repeated without a key",
		"failed syncs: EIO from fdatasync",
		"failed syncs of a new ledger",
		"disk full",
		"file system full",
		"creation cut off",
	}},
	{"Damaged files", []string{
		"damaged files",
		"damaged files recovered",
		"control of damaged files: bbolt alone, no checkpoints",
	}},
	{"The tests themselves", []string{
		"mutants*",
		"coverage of the rules",
	}},
}

// headline is a line of the table of docs/reliability.md: figures of the tests that name
// matches, added up.
type headline struct {
	what    string
	name    string
	figures []string
}

var headlines = []headline{
	{"random steps whose answers a naive model worked out too; answers that differed", "random machine", []string{"steps", "disagreements"}},
	{"faults put into calls of the store, one at a time", "faults in every store call*", []string{"faults"}},
	{"calls in concurrent histories; histories that no order of the calls explains", "concurrent histories*", []string{"calls", "illegal"}},
	{"kills in the middle of a write; acknowledged operations lost", "self-kill", []string{"kills", "acknowledged lost"}},
	{"power cuts; acknowledged operations lost", "power cuts", []string{"cuts", "acknowledged lost"}},
	{"states of a file that a crash could leave; states in which something was lost", "crash states", []string{"states", "lost"}},
	{"connections cut under 2,000 intents on PostgreSQL; errors that callers saw", "lost replies*", []string{"connections cut", "errors that callers saw"}},
	{"damaged files; files that passed for another history", "damaged files", []string{"files", "silent"}},
	{"rules got wrong on purpose; noticed by the tests", "mutants*", []string{"mutants", "killed"}},
	{"statements of the rules that their tests reach", "coverage of the rules", []string{"statements"}},
}
