// Command plot draws charts on logarithmic axes as SVG. It reads their description, as
// JSON, from the standard input and writes a file for each into a directory:
//
//	go -C bench/peers run ./plot -dir ../../docs/results <charts.json
//
// It belongs to bench/report, which runs it.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"image/color"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	_ "gonum.org/v1/plot/vg/vgsvg" // the format
)

// chart is what bench/report describes.
type chart struct {
	File, Title, X, Y string
	Lines             []struct {
		Name   string
		Points plotter.XYs
	}
}

func main() {
	dir := flag.String("dir", ".", "where the files go")
	flag.Parse()
	if err := drawAll(*dir); err != nil {
		fmt.Fprintln(os.Stderr, "plot:", err)
		os.Exit(1)
	}
}

func drawAll(dir string) error {
	var charts []chart
	if err := json.NewDecoder(os.Stdin).Decode(&charts); err != nil {
		return err
	}
	for _, c := range charts {
		p, err := c.plot()
		if err != nil {
			return fmt.Errorf("%s: %w", c.File, err)
		}
		if err := p.Save(18*vg.Centimeter, 11*vg.Centimeter, filepath.Join(dir, c.File)); err != nil {
			return err
		}
	}
	return nil
}

func (c *chart) plot() (*plot.Plot, error) {
	p := plot.New()
	p.BackgroundColor = color.White
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = c.Title, c.X, c.Y
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Scale, axis.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	}
	p.Add(plotter.NewGrid())
	for i, l := range c.Lines {
		line, points, err := plotter.NewLinePoints(l.Points)
		if err != nil {
			return nil, err
		}
		line.Color, points.Color = plotutil.Color(i), plotutil.Color(i)
		line.Dashes, points.Shape = plotutil.Dashes(i), draw.CircleGlyph{}
		p.Add(line, points)
		p.Legend.Add(l.Name, line, points)
	}
	p.Legend.Top, p.Legend.Left = true, true
	p.Y.Max *= 10 // room for the legend
	return p, nil
}
