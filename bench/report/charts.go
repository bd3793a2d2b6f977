package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// chart is what a plot shows: for each line, a figure for every value of x.
type chart struct {
	File, Title, X, Y string
	lines             []line
	xs                []int
	per               float64 // what a figure is divided by
}

// line is a name, and the name of a benchmark with a place for x.
type line struct{ name, benchmark string }

var (
	histories = []int{1_000, 10_000, 100_000, 1_000_000}
	openOnes  = []int{1, 10, 100, 1_000, 10_000, 100_000}
	writing   = []int{1, 2, 4, 8, 16, 32, 64}
)

var charts = []chart{
	{
		File: "history.svg", Title: "Cost against history", X: "past entries of the account", Y: "µs", xs: histories, per: 1e3,
		lines: []line{
			{"decrement, bolt", "History/store=bolt/op=decrement/history=%d"},
			{"decrement, memory", "History/store=memory/op=decrement/history=%d"},
			{"balance, bolt", "History/store=bolt/op=balance/history=%d"},
			{"balance, memory", "History/store=memory/op=balance/history=%d"},
		},
	},
	{
		File: "blocks.svg", Title: "Cost against open blocks", X: "open blocks of the account", Y: "µs", xs: openOnes, per: 1e3,
		lines: []line{
			{"decrement, bolt", "Blocks/store=bolt/op=decrement/blocks=%d"},
			{"decrement, memory", "Blocks/store=memory/op=decrement/blocks=%d"},
			{"balance, bolt", "Blocks/store=bolt/op=balance/blocks=%d"},
			{"balance, memory", "Blocks/store=memory/op=balance/blocks=%d"},
		},
	},
	{
		File: "writers.svg", Title: "Cost against writers", X: "writers", Y: "µs between two durable results", xs: writing, per: 1e3,
		lines: []line{
			{"decrement, one account", "Decrement/accounts=1/store=bolt/key=ledger/writers=%d"},
			{"decrement, 10,000 accounts, random keys", "Decrement/accounts=10000/store=bolt/key=caller/writers=%d"},
			{"the same bytes by bbolt alone, grouped", "RawSame/accounts=10000/key=caller/writers=%d"},
			{"one put by bbolt alone, not grouped", "RawBolt/keys=increasing/grouped=false/writers=%d"},
		},
	},
}

// point and plotted are what bench/peers/plot reads.
type (
	point   struct{ X, Y float64 }
	plotted struct {
		Name   string
		Points []point
	}
)

// drawCharts has bench/peers/plot draw the charts as SVG.
func drawCharts(r *results, dir string) error {
	type full struct {
		File, Title, X, Y string
		Lines             []plotted
	}
	var all []full
	for _, c := range charts {
		f := full{c.File, c.Title, c.X, c.Y, nil}
		for _, l := range c.lines {
			p := plotted{Name: l.name}
			for _, x := range c.xs {
				if y, ok := r.median(fmt.Sprintf(l.benchmark, x), "ns/op"); ok {
					p.Points = append(p.Points, point{float64(x), y / c.per})
				}
			}
			if len(p.Points) > 0 {
				f.Lines = append(f.Lines, p)
			}
		}
		if len(f.Lines) > 0 {
			all = append(all, f)
		}
	}
	data, err := json.Marshal(all)
	if err != nil {
		return err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	plot := command(os.Stderr, peersDir, "go", "run", "./plot", "-dir", dir)
	plot.Stdin = bytes.NewReader(data)
	if err := plot.Run(); err != nil {
		return fmt.Errorf("draw the charts: %w", err)
	}
	return nil
}
