//go:build !race

package main

// hostileStride: all of the tables of hostile input.
const hostileStride = 1
