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

// A name that ends in * stands for all that begin like it.
var sections = []section{
	{"Decided by the rules", `Random machines take every operation, retries, clock moves, sweeps, pages and reopening, with mistakes
among them, and compare every answer with a model that works everything out anew from the list of
operations, in fractions; and the backends with each other, byte for byte. Every type of entry has to
be one in a hundred of the entries, every kind of refusal one in a thousand of the steps.`,
		[]string{"random machine", "differential: the naive model", "backends agree*", "stored files of every layout"}},
	{"Once, and all or nothing", `A fault is put into the first store call of every kind of call, then into the second, and so on: an
error, a panic, a context that ends, a commit whose outcome is unknown. Fifty goroutines send one
operation under one key. Readers add up what others move about.`,
		[]string{"faults in every store call*", "control of faults: a store that lies, a commit without its key",
			"storms*", "bank*", "giving up at any moment", "lost replies*", "control of lost replies*"}},
	{"In order", `Clients grant, spend, refuse to overdraw, read and give up at once. The history of their calls has to
be one that some order of the calls, one after another, could have given; porcupine looks for it.`,
		[]string{"concurrent histories*", "control of concurrent histories: planted bugs"}},
	{"Time", `Customers of twenty time zones live through ten simulated years with a sweeper that wakes now and
then. Every expiry is written down once, at the first instant of a local day.`,
		[]string{"ten simulated years in twenty time zones"}},
	{"Killed processes", `A process is killed at every write that bbolt makes: before it, in its middle and after it. What was
acknowledged has to be there, with the same answer; nothing may be there that was not begun; and
repeating the rest with the same keys has to end where a run without a kill ends.`,
		[]string{"self-kill", "kill from outside at random", "control of self-kill: acknowledged before the commit"}},
	{"Power cuts", `An ext4 on a loop device is shut down in the middle of work without its journal being flushed. And
every write is recorded, and files are made of all that came before a barrier and any part (whole
writes, sectors, torn ones) of what came after it.`,
		[]string{"power cuts", "control of power cuts: nothing is synced", "crash states", "control of crash states: barriers merged"}},
	{"Errors of the system", `Every write fails in turn, before it is made, in its middle, after it, and by a panic; and every
fdatasync, with EIO from the system itself. The outcome is then unknown, the store refuses work until
it is opened again, and repeating with the same key has one effect.`,
		[]string{"failed writes", "control of failed writes: repeated without a key", "failed syncs: EIO from fdatasync", "failed syncs of a new ledger",
			"disk full", "file system full", "creation cut off"}},
	{"Damaged files", `Files are damaged in thirteen ways and opened in child processes. *Refused*: not opened. *Found*: opened,
and verification names the damage. *Warned*: whole, with a
damaged meta page that was the older one. *Harmless*: the history
is what it was, the damage lies where nothing is. *Silent*, a verified history that is another one,
may not happen, and does without a checkpoint kept elsewhere: bbolt falls back by one commit when a
meta page is damaged. Recovery saves what is intact, and says of which accounts nothing in the file
proves the last record: of a file that was not closed, one that decodes may be an altered one, and
verification calls it whole unless it is given a checkpoint kept elsewhere.
Customers and records of invoices that are lost or set back are found by counts of them, unless the
count is lost or set back too; a recovery begins counting anew.

Before it opens a file the store reads and judges all of it that is in use, however large it is: the
meta pages, every page of the trees, and the freelist, which must name exactly the other pages. That
takes memory for a bit a page. Files made to end the process by its stack or its memory
(` + "`TestHostileFilesEndNoProcess`" + `) are refused within 1 GiB.`,
		[]string{"damaged files", "damaged files recovered", "control of damaged files: bbolt alone, no checkpoints"}},
	{"The tests themselves", `Mutants are the rules got wrong on purpose, one at a time: the tests have to notice every one.
` + "`make reliability`" + ` tries all of them, ` + "`.ci/run`" + ` a sample of ten.`,
		[]string{"mutants*", "coverage of the rules"}},
}

const fieldHead = `## Failures known from the field

What went wrong in other embedded stores (1 to 19) and in other ledgers and credit systems (20 to 64),
and the test that would find it here.
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
	{"a commit failed and is there", "`fuzz/crash` TestFailedSyncs: the sync behind the meta page; TestFailedWrites"},
	{"a deleted or renamed file comes back after a power cut", "`fuzz/crash` TestPowerCut: the ledger is created on the file system that is cut"},
	{"writes are acknowledged before they are synced", "`fuzz/crash` TestPowerCut, TestCrashStates"},
	{"a crash between two commits that belong together", "`fuzz/crash` TestSelfKill: one operation is one transaction"},
	{"restore loses its place", "`store/bolt` TestRestoreAndCompact, `fuzz/crash` TestBackupWhileReplaced"},
	{"a repeated sync reports success and the data is gone", "`fuzz/crash` TestFailedWrites: poisoned until opened again"},
	{"a payment is settled twice within milliseconds", "`fuzz/field` TestField_20_SettledTwice, `fuzz` TestOneOfMany"},
	{"a notice delivered several times at once raises the balance each time", "`fuzz/field` TestField_21_SameKeyStorm, `fuzz` TestStorms"},
	{"one credit pays several invoices at once", "`fuzz/field` TestField_22_OneCreditManyInvoices"},
	{"a retry repeats the old decision", "`fuzz/field` TestField_23_RetryWithAnOldDecision"},
	{"half an operation is stored", "`fuzz/field` TestField_24_HalfAnOperation, `fuzz` TestFaultsAtTheSeam"},
	{"work of an operation that was rolled back is done", "`fuzz/field` TestField_25_WorkOfARolledBackOperation"},
	{"a lock or key stays taken after giving up", "`fuzz/field` TestField_26_GivenUp, `fuzz` TestGivingUp"},
	{"an update is lost", "`fuzz/field` TestField_27_LostUpdate, `fuzz` TestHistories"},
	{"a lock on a row that is not there locks nothing", "`fuzz/field` TestField_28_FirstSpendOfAnAccount, `fuzz` TestFreshAccount"},
	{"numbers have gaps or come twice", "`fuzz/field` TestField_29_GapFreeNumbers"},
	{"a status is looked at before the lock", "`fuzz/field` TestField_30_VoidedTwice, `fuzz` TestOneOfMany"},
	{"a stale snapshot overwrites a newer state", "`fuzz/field` TestField_31_StaleSnapshot"},
	{"looking at the balance, working, then deducting: two spend one credit", "`fuzz/field` TestField_32_CheckThenDeduct"},
	{"two writers follow the same head of the chain", "`fuzz/field` TestField_33_ForkedChain"},
	{"cache and store disagree", "`fuzz/field` TestField_34_CacheAndStore"},
	{"an endpoint takes no key", "`fuzz/field` TestField_35_EveryCallTakesAKey"},
	{"keys are optional and their index leaves them out", "`fuzz/field` TestField_36_NoKey"},
	{"missing keys are all different, and so is their scope", "`fuzz/field` TestField_37_ScopeOfAKey"},
	{"one key twice at once crashes", "`fuzz/field` TestField_38_KeyTwiceAtOnce"},
	{"a renamed header drops the keys", "there are no headers: a key is an argument; `opsfile` TestParse has its literal name"},
	{"a failed attempt uses up the key", "`fuzz/field` TestField_40_RefusalKeepsTheKeyFree"},
	{"a retry in the middle of a deduction over several blocks pays twice", "`fuzz/field` TestField_41_RetryOfASpanningDeduction"},
	{"compensation happens twice or by half", "`fuzz/field` TestField_42_CompensationOnce"},
	{"ids made from a clock overlap", "`fuzz/field` TestField_43_IdsWithoutAClock"},
	{"entries and balance are rounded differently", "`fuzz/field` TestField_44_SumOfEntriesIsTheBalance"},
	{"amounts of nothing, and below", "`fuzz/field` TestField_45_NothingAndLess"},
	{"a negative amount with a negative scale passes", "`fuzz/field` TestField_46_SignAndScale"},
	{"edges of integers overflow", "`fuzz/field` TestField_47_EdgesOfIntegers"},
	{"things of one instant happen twice or not", "`fuzz/field` TestField_48_EqualInstants"},
	{"bounds include what they should not, or the last minute is missing", "`fuzz/field` TestField_49_AroundEveryBound"},
	{"usage of a closed period eats later credits", "`fuzz/field` TestField_50_LaterGrantsDoNotReachBack"},
	{"a balance from a snapshot differs from one from the start", "`fuzz/field` TestField_51_FromAnySnapshot"},
	{"dates overflow, clocks compare unequal", "`fuzz/field` TestField_52_EndsOfTheCalendar"},
	{"days are those of UTC and not of the customer", "`fuzz/field` TestField_53_DaysOfTheCustomer, `fuzz` TestTenYears"},
	{"overdraft, void and amendment do not fit together", "`fuzz/field` TestField_54_DebtVoidAmendment"},
	{"a hash depends on how text is escaped", "`fuzz/field` TestField_55_CanonicalText"},
	{"several filters together drop rows", "`fuzz/field` TestField_56_AllFiltersTogether"},
	{"a damaged number is read as nothing", "`fuzz/field` TestField_57_DamageIsNeverZero"},
	{"an id reaches another customer's credits", "`fuzz/field` TestField_58_IdsOfAnotherCustomer"},
	{"data becomes SQL", "`store/postgres` TestNoSQLFromData"},
	{"the tenant is lost in background work", "`fuzz/field` TestField_60_BackgroundWorkKeepsAccountsApart"},
	{"a chain of hashes leaves out a field or its end", "`fuzz/field` TestField_61_ChainOfSeals"},
	{"a proof is checked in part, or is another's", "`fuzz/field` TestField_62_ProofOfAnotherAccount"},
	{"what is over can still be changed", "`fuzz/field` TestField_63_OverIsOver"},
	{"retries without end", "`fuzz/field` TestField_64_EndlessRetries"},
}
