package main

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// results are what benchmarks printed: samples by name and unit.
type results struct {
	samples map[string]map[string][]float64
	order   []string          // of the names, as first seen
	config  map[string]string // the lines key: value, the last of each
}

// Names of benchmarks end in the number of processors, if there are several.
var processors = regexp.MustCompile(`-\d+$`)

func readResults(file string) (*results, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := &results{samples: map[string]map[string][]float64{}, config: map[string]string{}}
	in := bufio.NewScanner(f)
	for n := 1; in.Scan(); n++ {
		line := in.Text()
		if key, value, ok := strings.Cut(line, ": "); ok && !strings.HasPrefix(line, "Benchmark") && !strings.ContainsAny(key, " \t") {
			r.config[key] = value
			continue
		}
		if err := r.add(strings.Fields(line)); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", file, n, err)
		}
	}
	return r, in.Err()
}

// add takes a line: a name, how often it ran, and pairs of a value and its unit.
func (r *results) add(fields []string) error {
	if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
		return nil
	}
	name := processors.ReplaceAllString(strings.TrimPrefix(fields[0], "Benchmark"), "")
	if r.samples[name] == nil {
		r.samples[name] = map[string][]float64{}
		r.order = append(r.order, name)
	}
	for i := 2; i+1 < len(fields); i += 2 {
		value, err := strconv.ParseFloat(fields[i], 64)
		if err != nil {
			return err
		}
		unit := fields[i+1]
		r.samples[name][unit] = append(r.samples[name][unit], value)
	}
	return nil
}

// median returns the median over all rounds, and false when there is no sample.
func (r *results) median(name, unit string) (float64, bool) {
	list := slices.Sorted(slices.Values(r.samples[name][unit]))
	n := len(list)
	switch {
	case n == 0:
		return 0, false
	case n%2 == 0:
		return (list[n/2-1] + list[n/2]) / 2, true
	}
	return list[n/2], true
}

// rounds is how many samples there are of what was measured most often.
func (r *results) rounds() (most int) {
	for name, units := range r.samples {
		if strings.HasPrefix(name, "Paired/") {
			continue // pairs are not rounds
		}
		for _, list := range units {
			most = max(most, len(list))
		}
	}
	return most
}
