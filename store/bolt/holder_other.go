//go:build !linux

package bolt

import "os"

// holder is the process that holds the lock of a file, 0 if the system does not say it.
func holder(*os.File) int { return 0 }
