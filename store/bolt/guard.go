package bolt

import (
	"fmt"
	"runtime/debug"
)

// guarded calls f, which works on a bbolt file. bbolt trusts its file: on a damaged
// one it panics, or faults in the memory map. Both come back as a CorruptError, and
// panicked tells, for then bbolt may have left its locks held.
func guarded(where string, f func() error) (err error, panicked bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err, panicked = corrupt(where, fmt.Sprintf("bbolt gave up: %v", p)), true
		}
	}()
	return f(), false
}
