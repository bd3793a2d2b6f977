package bolt

import (
	"fmt"
	"runtime/debug"
)

// guarded calls f, which works on a bbolt file. bbolt trusts its file: on a damaged one
// it panics, or faults in the memory map. guarded turns both into a CorruptError, and
// sets panicked, because bbolt may still hold its locks then.
func guarded(where string, f func() error) (err error, panicked bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err, panicked = corrupt(where, fmt.Sprintf("bbolt gave up: %v", p)), true
		}
	}()
	return f(), false
}
