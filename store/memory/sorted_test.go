package memory

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSorted compares the chunked set with a plain slice over random insertions and
// removals, enough of them to split and to empty chunks.
func TestSorted(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	set := sorted[int]{compare: cmp.Compare[int]}
	var model []int
	const values = 3 * chunkSize
	for step := range 40_000 {
		v := random.IntN(values)
		grow := step%20_000 < 10_000
		if at, found := slices.BinarySearch(model, v); grow && !found {
			model = slices.Insert(model, at, v)
		} else if !grow && found {
			model = slices.Delete(model, at, at+1)
		}
		if grow {
			set.insert(v)
		} else {
			set.remove(v)
		}
		if step%100 == 0 || len(model) < 3 {
			checkSorted(t, &set, model, v)
		}
	}
	for v := range values {
		set.remove(v)
	}
	checkSorted(t, &set, nil, 0)
}

func checkSorted(t *testing.T, set *sorted[int], model []int, v int) {
	t.Helper()
	at, found := slices.BinarySearch(model, v)
	if got := slices.Collect(set.from(v)); !slices.Equal(got, model[at:]) {
		t.Fatalf("from(%d) = %v, want %v", v, got, model[at:])
	}
	if found {
		at++
	}
	if got := slices.Collect(set.after(v)); !slices.Equal(got, model[at:]) {
		t.Fatalf("after(%d) = %v, want %v", v, got, model[at:])
	}
	for range set.from(0) { // an iteration may be left at once
		break
	}
	for _, c := range set.chunks {
		if len(c) == 0 || len(c) > chunkSize {
			t.Fatalf("a chunk of %d values", len(c))
		}
	}
}
