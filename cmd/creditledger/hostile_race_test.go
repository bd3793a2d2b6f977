//go:build race

package main

// hostileStride thins the tables of hostile input out: the race detector is slow, and the
// inputs are not what it looks at.
const hostileStride = 7
