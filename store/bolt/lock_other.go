//go:build !darwin && !dragonfly && !freebsd && !(linux && !android) && !netbsd && !openbsd

package bolt

import (
	"context"
	"os"
	"time"
)

const openFlags = 0

// lock leaves locking to bbolt, which locks these systems' files in ways that the
// same process cannot repeat.
func lock(context.Context, *os.File, bool, time.Duration) (bool, error) { return true, nil }

func unlock(*os.File) {}
