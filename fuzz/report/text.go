package main

// head opens the page.
const head = `# Reliability

What the ledger promises about loss, repetition and damage, and what its tests measured last. The
figures come from the tests themselves; ` + "`make reliability`" + ` runs them and writes this page. Every
random test prints its seed, and repeats a run when it is given one (` + "`go test ./fuzz/crash -seed 7`" + `).

Each destructive test has a control: the same test of something that is known to lose, which has to
find the loss. A test that is skipped, failed or missing is told in bold.
`

// section is a table of the page.
type section struct {
	title, text string
	names       []string
}

var sections = []section{
	{"Killed processes", `A process is killed at every write that bbolt makes: before it, in its middle and after it. What was
acknowledged has to be there, with the same answer; nothing may be there that was not begun; and
repeating the rest with the same keys has to end where a run without a kill ends.`,
		[]string{"self-kill", "kill from outside at random", "control of self-kill: acknowledged before the commit"}},
	{"Power cuts", `An ext4 on a loop device is shut down in the middle of work without its journal being flushed. And
every write is recorded, and files are made of all that came before a barrier and any part (whole
writes, sectors, torn ones) of what came after it.`,
		[]string{"power cuts", "control of power cuts: nothing is synced", "crash states", "control of crash states: barriers merged"}},
	{"Errors of the system", `Every write fails in turn, before it is made, in its middle, after it, and by a panic. The outcome
is then unknown, the store refuses work until it is opened again, and repeating with the same key
has one effect.`,
		[]string{"failed writes", "control of failed writes: repeated without a key", "disk full", "creation cut off"}},
	{"Damaged files", `Files are damaged in eleven ways and opened in child processes. *Refused*: not opened. *Found*: opened,
and verification names the damage. *Warned*: whole, with a damaged meta page. *Harmless*: the history
is what it was, the damage lies where nothing is. *Silent*, a verified history that is another one,
may not happen, and does without a checkpoint kept elsewhere: bbolt falls back by one commit when a
meta page is damaged. Recovery saves what is intact.`,
		[]string{"damaged files", "damaged files recovered", "control of damaged files: bbolt alone, no checkpoints"}},
}

const fieldHead = `## Failures of embedded stores known from the field
`

// fieldTest is a failure that other projects met, and the test that would find it here.
type fieldTest struct{ what, test string }

var field = []fieldTest{
	{"fdatasync returned and the data was not there", "`fuzz/crash` TestCrashStatesControl: found, never a crash"},
	{"pages in a cycle, used twice or of a wrong type crash at opening", "`fuzz/crash` TestDamagedFiles, `store/bolt` TestWalkNamesTheDamagedPage"},
	{"a torn first write leaves a file that cannot be opened", "`fuzz/crash` TestCreation"},
	{"opening a file that was cut short kills the process", "`fuzz/crash` TestTruncated, TestDamagedFiles"},
	{"rollback crashes after growth failed", "`fuzz/crash` TestField_05_GrowthFails, TestDiskFull"},
	{"allocations of a failed commit are not taken back", "`fuzz/crash` TestFailedWrites"},
	{"a backup is corrupt when the path was overwritten", "`fuzz/crash` TestBackupWhileReplaced"},
	{"a key changed by its caller sorts wrongly", "`store/storetest` (what is given stays the caller's)"},
	{"bytes are used after their transaction", "`fuzz/crash` TestField_09_ReadsAreCopies, `store/storetest`"},
	{"readers and growth wait for each other", "`fuzz/crash` TestField_10_NothingWaitsForAReader"},
	{"huge values crash", "`fuzz/crash` TestField_11_HugeValues"},
	{"the last key is not found after deletions", "`store/bolt` TestFoldedOrNotTheFileHoldsTheSame: journals read backwards"},
	{"pages have no checksums", "`fuzz/crash` TestDamagedFiles: seals find what changed"},
	{"a commit failed and is there", "`fuzz/crash` TestFailedWrites, after the write of the meta page"},
	{"a deleted or renamed file comes back after a power cut", "`fuzz/crash` TestPowerCut: the ledger is created on the file system that is cut"},
	{"writes are acknowledged before they are synced", "`fuzz/crash` TestPowerCut, TestCrashStates"},
	{"a crash between two commits that belong together", "`fuzz/crash` TestSelfKill: one operation is one transaction"},
	{"restore loses its place", "`store/bolt` TestRestoreAndCompact, `fuzz/crash` TestBackupWhileReplaced"},
	{"a repeated sync reports success and the data is gone", "`fuzz/crash` TestFailedWrites: poisoned until opened again"},
}
