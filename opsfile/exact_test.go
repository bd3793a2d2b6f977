package opsfile_test

import (
	"os"
	"testing"
)

// TestExactOutput holds the bytes of every kind of answer: the keys, their order, and
// what an absent value looks like. With a fixed clock and randomness the ids are fixed too.
func TestExactOutput(t *testing.T) {
	for _, name := range []string{"scenarios/example", "forms"} {
		input, err := os.ReadFile("testdata/" + name + ".jsonl")
		if err != nil {
			t.Fatal(err)
		}
		for where, w := range map[string]*world{"memory": newWorld(t, inMemory), "file": newWorld(t, onFile(t))} {
			t.Run(name+" "+where, func(t *testing.T) {
				got, _ := w.run(1, input)
				golden(t, "testdata/"+name+".out", got)
			})
		}
	}
}
