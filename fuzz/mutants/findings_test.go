package mutants

// generator are the flags of one random test.
func generator(pkg, test string, more ...string) []string {
	return append([]string{pkg, "-run=^" + test + "$"}, more...)
}

// What was once wrong here and passed all tests of its time. Each is made again, and has
// to be found by a test that draws its cases at random.
var findings = []finding{
	{
		"calendar-without-progress",
		[]edit{{"when.go", "if !end.After(at) || end.After(yearEnd) {", "if false {"}, {"when.go", "for range maxChanges {", "for {"}},
		generator("./fuzz", "TestDaysOfNinetyYears"),
		"the first instant of every day is found",
	},
	{
		"fold-in-any-order",
		[]edit{{"store/bolt/rows.go", "if !slices.IsSortedFunc(t.rows, byKey) {", "if false {"}},
		generator("./store/bolt", "TestFoldsOfAnyNames"),
		"the cost of a fold does not depend on names",
	},
}
