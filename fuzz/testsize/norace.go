//go:build !race

package testsize

// Race tells whether the race detector is on.
const Race = false
