package bolt

import (
	"context"
	"os"
	"time"
)

// lock locks an open file, for one who writes to it or for several who read it. It reports
// false when another holds the lock until wait is over, and ctx's error if that ends before.
// The lock ends when the file is closed, and with the process.
func lock(ctx context.Context, f *os.File, exclusive bool, wait time.Duration) (bool, error) {
	const pause = 10 * time.Millisecond
	for deadline := time.Now().Add(wait); ; time.Sleep(pause) {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		locked, err := tryLock(f, exclusive)
		if locked || err != nil {
			return locked, err
		}
		if time.Now().Add(pause).After(deadline) {
			return false, nil
		}
	}
}
