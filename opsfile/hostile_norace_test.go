//go:build !race

package opsfile

// hostileStride: all of the tables of hostile input.
const hostileStride = 1
