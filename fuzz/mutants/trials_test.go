package mutants

import (
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"creditledger/fuzz/testseed"
)

func (m *mutant) trial() trial {
	t := trial{m.name, m.rule, []edit{{m.file, m.old, m.new}}, stages}
	if strings.HasPrefix(m.file, storeDir) {
		t.stages = storeStages
	}
	return t
}

func (f *finding) trial() trial { return trial{f.name, f.rule, f.edits, [][]string{f.by}} }

// sets are the trials by what they break.
var sets = []struct {
	name   string
	trials []trial
}{
	{"blocks", trials(blocks)}, {"operations", trials(operations)}, {"records", trials(records)},
	{"engine", trials(engine)}, {"reading", trials(reading)}, {"files", trials(files)}, {"late", soon(trials(late))}, {"holds", soon(trials(holds))},
	{"schedules", sooner(trials(schedules))}, {"acts", sooner(trials(acts))},
	{"findings", trialsOf(findings)},
}

func trials(mutants []mutant) (list []trial) {
	for i := range mutants {
		list = append(list, mutants[i].trial())
	}
	return list
}

// soon sets the tables of late usage, reversals and holds, their scenarios and the random
// machine on trials, before all that others have to get past.
func soon(list []trial) []trial {
	first := [][]string{
		{".", "-run=^Test(Hold|Debts|ManyHolds|Revers|LateUsage|WhatLapsed|PastConserves)", "-rapid.nofailfile"},
		{"./opsfile", "-run=^TestScenarios$"},
		{"./fuzz", "-short", "-run=^TestModelAgrees$", "-rapid.nofailfile"},
	}
	for i := range list {
		list[i].stages = slices.Concat(first, list[i].stages)
	}
	return list
}

// sooner is soon for schedules and acts.
func sooner(list []trial) []trial {
	first := [][]string{
		{".", "-run=^Test(.*Schedule|.*Grant|.*Period|.*Carr|.*Due|Roll|TopUp|Act|.*Act.*|.*Transfer|Verify|EveryInterleaving)", "-rapid.nofailfile"},
		{"./opsfile", "-run=^TestScenarios$"},
		{"./fuzz", "-short", "-run=^TestModelAgrees$", "-rapid.nofailfile"},
	}
	for i := range list {
		list[i].stages = slices.Concat(first, list[i].stages)
	}
	return list
}

func trialsOf(findings []finding) (list []trial) {
	for i := range findings {
		list = append(list, findings[i].trial())
	}
	return list
}

var all = func() (list []trial) {
	for _, s := range sets {
		list = append(list, s.trials...)
	}
	return list
}()

// long are tests of the rules that take seconds each, and notice least.
const long = "^Test(HostileOperations|OpenBlocksAreBounded|EveryInterleaving|FirstInstantOfAnyDay|EmptiedPoolsAreDropped|" +
	"VerifyAllMissesCustomers|BatchEntriesAreBounded|WhatIsInTheAirIsBounded)$"

// stages are the tests that a mutant has to get past, quickest first: those of the
// rules, or for a mutant of the file store its own.
var stages = [][]string{
	{".", "-run=^Test", "-skip=" + long + "|^Test(OneOfManyBlocksExpiresFirst|ManySmallDrawsAddUpExactly|House.*)$", "-rapid.nofailfile"},
	{".", "-run=^Example"}, // which -failfast does not keep from running
	{".", "-run=" + long, "-rapid.nofailfile"},
	{"./opsfile"},
	{"./fuzz", "-short", "-run=^Test(ModelAgrees|BackendsAgree|Key_.*|Refusal_.*|Read_.*|Commit_.*)$", "-rapid.nofailfile"},
}

var storeStages = [][]string{
	{"./store/bolt", "-short"},
	{"./fuzz/crash"},
}

const storeDir = "store/bolt/"

// choose reads what is asked for, by name, and skips the test when nothing is.
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
		rand.New(rand.NewPCG(testseed.Of(t), 0)).Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		names = names[:min(n, len(names))]
	}
	chosen := map[string]bool{}
	for _, name := range names {
		chosen[name] = true
	}
	return chosen
}
