package testmemory

import "testing"

// TestFree: what cannot be written to has no room.
func TestFree(t *testing.T) {
	if n := free(t.TempDir()); n == 0 && free(place) > 0 {
		t.Error("there is no room in a directory of the test's own")
	}
	if n := free("/there/is/none"); n != 0 {
		t.Errorf("%d bytes are free where there is nothing", n)
	}
}
