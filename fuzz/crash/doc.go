// Package crash has no code of its own. Its tests kill, cut off, fill up and damage
// ledgers that store/bolt keeps, in child processes, and hold what is left to what
// was acknowledged. Each has a control: the same test of something that is known to
// lose must find the loss.
//
// LEDGER_FULL runs them in the size of the reliability report. -seed repeats a run.
package crash
