//go:build race

package opsfile

// bytesPerByte is what reading a byte may allocate. The race detector's own come on top.
const bytesPerByte = 160
