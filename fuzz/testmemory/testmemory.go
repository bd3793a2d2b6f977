// Package testmemory has the tests of a package that imports it keep their files in memory,
// where the system has a place for that: a flush costs nothing there, and thousands of
// ledgers are made. What is about the disk itself, such as package fuzz/crash, does not
// import it. TMPDIR, if it is set, says otherwise.
package testmemory

import "os"

const (
	place = "/dev/shm"
	room  = 4 << 30 // bytes that have to be free
)

func init() {
	if os.Getenv("TMPDIR") == "" && free(place) >= room {
		os.Setenv("TMPDIR", place)
	}
}
