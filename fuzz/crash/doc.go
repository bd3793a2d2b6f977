// Package crash has no code of its own. Its tests work on ledgers of store/bolt in child
// processes: they kill the process, cut the power, fill the disk, and damage files. Then
// they compare what is left with what was acknowledged. Each test has a control: run on
// something that is known to lose data, it must find the loss.
//
// LEDGER_FULL runs them in the size of the reliability report. -seed repeats a run.
package crash
