//go:build !race

package creditledger_test

// hostileStride: all of the tables of hostile input.
const hostileStride = 1
