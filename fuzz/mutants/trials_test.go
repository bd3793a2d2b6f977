package mutants

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"creditledger/fuzz/testseed"
)

func (m *mutant) trial() trial {
	t := trial{name: m.name, rule: m.rule, edits: []edit{{m.file, m.old, m.new}}, suites: rules}
	if slices.ContainsFunc(fileDirs, func(dir string) bool { return strings.HasPrefix(m.file, dir) }) {
		t.suites = fileStore
	}
	return t
}

// trial of a finding: its generator has to notice, in the size of a proof.
func (f *finding) trial() trial {
	by := &suite{pkg: f.by[0], run: "^" + f.by[1] + "$", skip: none, flags: f.by[2:]}
	return trial{name: f.name, rule: f.rule, edits: f.edits, suites: []*suite{by}}
}

// sets are the trials by what they break.
var sets = []struct {
	name   string
	trials []trial
}{
	{"blocks", trials(blocks)}, {"operations", trials(operations)}, {"records", trials(records)},
	{"engine", trials(engine)}, {"reading", trials(reading)}, {"files", trials(files)}, {"late", trials(late)}, {"holds", trials(holds)},
	{"schedules", trials(schedules)}, {"acts", trials(acts)},
	{"findings", trialsOf(findings)},
}

func trials(mutants []mutant) (list []trial) {
	for i := range mutants {
		list = append(list, mutants[i].trial())
	}
	return list
}

func trialsOf(findings []finding) (list []trial) {
	for i := range findings {
		list = append(list, findings[i].trial())
	}
	return list
}

var all = func() (list []*trial) {
	for _, s := range sets {
		for i := range s.trials {
			list = append(list, &s.trials[i])
			s.trials[i].number = len(list)
		}
	}
	return list
}()

// choose reads what is asked for, by name, and skips the test when nothing is. A sample has
// no findings.
func choose(t *testing.T) map[string]bool {
	asked := os.Getenv("LEDGER_MUTANTS")
	var names []string
	for i := range all {
		names = append(names, all[i].name)
	}
	switch {
	case *only != "":
		pattern, err := regexp.Compile(*only)
		if err != nil {
			t.Fatal(err)
		}
		names = slices.DeleteFunc(names, func(name string) bool { return !pattern.MatchString(name) })
	case asked == "":
		t.Skip("LEDGER_MUTANTS is not set: all, sample or a number")
	case asked != "all":
		if asked == "sample" {
			asked = strconv.Itoa(sampleSize)
		}
		n, err := strconv.Atoi(asked)
		if err != nil || n < 1 {
			t.Fatalf("LEDGER_MUTANTS is %q, not all, sample or a number", asked)
		}
		names = slices.DeleteFunc(names, func(name string) bool { // what takes its generator long
			return slices.ContainsFunc(findings, func(f finding) bool { return f.name == name })
		})
		seed := testseed.Of(t)
		slices.SortFunc(names, func(a, b string) int { return cmp.Compare(place(seed, a), place(seed, b)) })
		names = names[:min(n, len(names))]
	}
	chosen := map[string]bool{}
	for _, name := range names {
		chosen[name] = true
	}
	return chosen
}

// place is where a mutant stands in the order that samples are taken from: a new mutant
// moves none of the others.
func place(seed uint64, name string) uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, seed, name)
	return h.Sum64()
}
