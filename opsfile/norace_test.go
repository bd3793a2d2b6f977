//go:build !race

package opsfile

// bytesPerByte is what reading a byte may allocate.
const bytesPerByte = 80
