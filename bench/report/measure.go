package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// part is something that is measured in one go: the benchmarks of a package that a
// pattern names.
type part struct {
	name, dir, pattern, time string

	env   []string
	once  bool // what it measures is the same each time
	pairs int  // how many turns it takes with an earlier commit; 0: none
	heavy bool // not in a quick run
}

const peersDir = "bench/peers"

var parts = []part{
	{name: "durable", dir: "bench", pattern: "OneWriter$", time: "1x"},
	{name: "durable", dir: "bench", pattern: "RawWrite$", time: "300ms"},
	{name: "durable", dir: "bench", pattern: "RawBolt$/keys=increasing", time: "300ms"},
	{name: "durable", dir: "bench", pattern: "RawSame$/./key=ledger/writers=1$", time: "300ms"},
	{name: "durable", dir: "bench", pattern: "RawSame$/./key=caller/writers=(1|2|4|8|16|32)$", time: "300ms"},
	{name: "durable", dir: "bench", pattern: "Decrement$/./store=bolt/./writers=(1|2|4|8|16|32)$", time: "300ms"},
	// Now and then the store writes the tables from the log, which takes long. In 131,200
	// decrements that happens four times, which is their fair share, and RawSame has
	// recorded as many.
	{name: "many", dir: "bench", pattern: "RawBolt$/keys=random/grouped=true/writers=64$", time: "1s"},
	{name: "many", dir: "bench", pattern: "RawSame$/./key=caller/writers=64$", time: "131200x"},
	{name: "many", dir: "bench", pattern: "Decrement$/./store=bolt/./writers=64$", time: "131200x"},
	{name: "slow", dir: "bench", pattern: "SlowDisk$", time: "300ms", env: []string{"LEDGER_SYNC_DELAY=2ms"}},
	{name: "slow", dir: "bench", pattern: "SlowDisk$", time: "300ms", env: []string{"LEDGER_SYNC_DELAY=0s"}},
	{name: "memory", dir: "bench", pattern: "Decrement$/./store=memory", time: "200ms"},
	{name: "memory", dir: "bench", pattern: "(Balance|Entries|Apply)$", time: "200ms"},
	{name: "memory", dir: ".", pattern: "Step$", time: "100ms"},
	{name: "memory", dir: peersDir, pattern: "Decimal$", time: "50ms"},
	{name: "growth", dir: "bench", pattern: "(History|Blocks)$", time: "1x", once: true, heavy: true},
	{name: "growth", dir: "bench", pattern: "Expiry$", time: "10x"},
	{name: "growth", dir: "store/bolt", pattern: "Open$", time: "5x"},
	{name: "later", dir: "bench", pattern: "(Later|SweepGrants|Held)$", time: "1x"},
	{name: "later", dir: "bench", pattern: "CatchUp$", time: "15x"},
	{name: "invoices", dir: "bench", pattern: "Purchase$", time: "300ms"},
	{name: "replay", dir: "bench", pattern: "(Verify|Sweep)$", time: "1x", once: true, heavy: true},
	{name: "size", dir: "bench", pattern: "(Disk|Cache)$", time: "1x", once: true, heavy: true},
	{name: "peers", dir: peersDir, pattern: "SQLite$", time: "300ms"},
	{name: "peers", dir: peersDir, pattern: "OneFlush$", time: "1x"},
	{name: "peers", dir: "bench", pattern: "Postgres$", time: "500ms"},
	{name: "peers", dir: "bench", pattern: "PostgresJoin$", time: "1x", once: true, heavy: true},
	{name: "against", dir: "bench", pattern: "Decrement$/accounts=1$/store=memory/key=ledger/writers=(1|64)$", time: "200ms", pairs: 15},
	{name: "against", dir: "bench", pattern: "Balance$/./store=memory", time: "100ms", pairs: 15},
	{name: "against", dir: "bench", pattern: "Decrement$/./store=bolt/key=caller/writers=64$", time: "131200x", pairs: 3},
}

func partNames() (names []string) {
	for _, p := range parts {
		names = append(names, p.name)
	}
	return slices.Compact(names)
}

// measure runs the parts that were asked for, round after round, and adds what they
// print to a file.
func (o *options) measure(file string) error {
	chosen, err := o.chosen()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	dir, err := os.MkdirTemp("", "report")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	dirs := map[string]string{here: "."}
	if o.against != "" {
		dirs[earlier] = filepath.Join(dir, earlier)
		done, err := checkOut(o.against, dirs[earlier])
		if err != nil {
			return err
		}
		defer done()
	}
	built, err := build(chosen, dirs, dir)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(out, machine()); err != nil {
		return err
	}
	for round := range o.rounds {
		for _, p := range chosen {
			if (p.once || p.pairs > 0) && round > 0 {
				continue
			}
			if p.pairs > 0 {
				err = p.pair(out, built, dirs)
			} else {
				fmt.Fprintf(os.Stderr, "round %d of %d: %s %s\n", round+1, o.rounds, p.dir, p.pattern)
				err = p.run(out, p.dir, built[here+p.dir])
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// build makes the binaries of the tests of all parts, named by build and directory. Only
// parts with pairs are built of an earlier commit.
func build(parts []part, dirs map[string]string, to string) (map[string]string, error) {
	built := map[string]string{}
	for _, p := range parts {
		for build, dir := range dirs {
			if built[build+p.dir] != "" || build == earlier && p.pairs == 0 {
				continue
			}
			file := filepath.Join(to, fmt.Sprint(len(built))+".test")
			if err := command(nil, filepath.Join(dir, p.dir), "go", "test", "-c", "-o", file, ".").Run(); err != nil {
				return nil, fmt.Errorf("build the tests of %s, %s: %w", p.dir, build, err)
			}
			built[build+p.dir] = file
		}
	}
	return built, nil
}

// run runs the benchmarks of a part once.
func (p *part) run(out io.Writer, dir, binary string) error {
	run := command(out, dir, binary, "-test.run=^$", "-test.bench="+p.pattern, "-test.benchtime="+p.time)
	run.Env = append(append(os.Environ(), "LEDGER_BENCH=full"), p.env...)
	if err := run.Run(); err != nil {
		return fmt.Errorf("%s in %s: %w", p.pattern, p.dir, err)
	}
	return nil
}

func (o *options) chosen() (list []part, err error) {
	asked := strings.FieldsFunc(o.only, func(r rune) bool { return r == ',' })
	for _, name := range asked {
		if !slices.Contains(partNames(), name) {
			return nil, fmt.Errorf("there is no part %q", name)
		}
	}
	for _, p := range parts {
		if (len(asked) == 0 || slices.Contains(asked, p.name)) && !(o.quick && p.heavy) && (p.pairs == 0 || o.against != "") {
			list = append(list, p)
		}
	}
	return list, nil
}

func command(out io.Writer, dir, name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Dir, c.Stdout, c.Stderr = dir, out, os.Stderr
	return c
}

// machine describes the machine of a measurement, in lines of the form key: value, which
// benchmark results may contain.
func machine() string {
	var b strings.Builder
	say := func(key, value string) { fmt.Fprintf(&b, "%s: %s\n", key, strings.TrimSpace(value)) }
	say("date", time.Now().UTC().Format(time.DateOnly))
	say("commit", output("git", "describe", "--always", "--dirty", "--abbrev=12"))
	say("go", runtime.Version()+" "+runtime.GOOS+"/"+runtime.GOARCH)
	say("cores", fmt.Sprint(runtime.NumCPU()))
	say("kernel", output("uname", "-sr"))
	say("disk", output("df", "--output=source,fstype", os.TempDir()))
	return b.String()
}

// output returns the last line that a command prints, or says that the command failed.
func output(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(lines[len(lines)-1]), " ")
}
