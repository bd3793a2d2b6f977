// Package fuzz sets random machines on the ledger: a naive model of the rules (package
// model) beside the real thing over every backend, concurrent histories checked for
// linearizability, storms on one key, and faults at the seam between ledger and store.
//
// What a backend's own tests reuse is exported: Machine runs the random operations
// over one or several backends and compares them with the model and with each other,
// Digest says in one line what a store holds, and Violations checks the invariants of
// an account from what the ledger reports.
package fuzz
