package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/rivo/uniseg"
)

// table is text in columns that fits the screen. Marks in front of a heading say how its
// column is shown: ">" to the right; "." as decimal numbers, with their points in one
// line; "+" that it may move to a line below the row when the table is too wide.
type table struct {
	columns []column
	rows    [][]string
	width   int // 0: unlimited
}

type column struct {
	head           string
	right, decimal bool
	movable        bool

	width int // 0: every cell is empty and the column is left out
	below bool
}

func (a *app) newTable(heads ...string) *table {
	t := &table{width: screen}
	if a.precise {
		t.width = 0
	}
	for _, head := range heads {
		name := strings.TrimLeft(head, ">.+")
		marks := head[:len(head)-len(name)]
		t.columns = append(t.columns, column{head: name, right: strings.ContainsAny(marks, ">."), decimal: strings.Contains(marks, "."), movable: strings.Contains(marks, "+")})
	}
	return t
}

func (t *table) add(cells ...string) {
	for i := range cells {
		cells[i] = oneLine(cells[i])
	}
	t.rows = append(t.rows, cells)
}

// write prints the table; columns that are empty in every row are left out.
func (t *table) write(out io.Writer) {
	for i := range t.columns {
		if t.columns[i].decimal {
			t.alignPoints(i)
		}
	}
	t.measure()
	t.fit()
	head := make([]string, len(t.columns))
	for i, c := range t.columns {
		head[i] = c.head
	}
	fmt.Fprintln(out, t.line(head))
	for _, row := range t.rows {
		fmt.Fprintln(out, t.line(row))
		for _, line := range t.below(row) {
			fmt.Fprintln(out, line)
		}
	}
}

// alignPoints gives the cells of a column the same number of places, as spaces.
func (t *table) alignPoints(column int) {
	places := func(cell string) int {
		_, fraction, ok := strings.Cut(cell, ".")
		if !ok {
			return 0
		}
		return 1 + len(fraction)
	}
	most := 0
	for _, row := range t.rows {
		most = max(most, places(row[column]))
	}
	for _, row := range t.rows {
		if row[column] != "" {
			row[column] += strings.Repeat(" ", most-places(row[column]))
		}
	}
}

func (t *table) measure() {
	for i := range t.columns {
		c := &t.columns[i]
		for _, row := range t.rows {
			c.width = max(c.width, uniseg.StringWidth(row[i]))
		}
		if c.width > 0 {
			c.width = max(c.width, uniseg.StringWidth(c.head))
		}
	}
}

// fit moves columns below, the last first, until the table fits.
func (t *table) fit() {
	total := 0
	for _, c := range t.columns {
		if c.width > 0 {
			total += 2 + c.width
		}
	}
	for i := len(t.columns) - 1; i >= 0 && t.width > 0 && total > t.width; i-- {
		if c := &t.columns[i]; c.movable && c.width > 0 {
			c.below = true
			total -= 2 + c.width
		}
	}
}

func (t *table) line(cells []string) string {
	var line strings.Builder
	for i, cell := range cells {
		c := &t.columns[i]
		if c.width == 0 || c.below {
			continue
		}
		line.WriteString("  ")
		space := strings.Repeat(" ", c.width-uniseg.StringWidth(cell))
		if c.right {
			line.WriteString(space + cell)
		} else {
			line.WriteString(cell + space)
		}
	}
	return strings.TrimRight(line.String(), " ")
}

// below is the part of a row that stands under it, each cell after the heading of its
// column. The heading of a note is left out.
func (t *table) below(row []string) []string {
	const indent = "      "
	var parts []string
	for i, cell := range row {
		c := &t.columns[i]
		if cell = strings.TrimSpace(cell); !c.below || cell == "" {
			continue
		}
		if c.head != noteHead {
			cell = strings.ToLower(c.head) + " " + cell
		}
		parts = append(parts, cell)
	}
	lines := wrapWords(strings.Fields(strings.Join(parts, "; ")), t.width-len(indent))
	for i := range lines {
		lines[i] = indent + lines[i]
	}
	return lines
}

// noteHead is the heading of the column with whatever else a row has.
const noteHead = "NOTE"

// oneLine makes line breaks and tabs spaces.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' || r == '\t' {
			return ' '
		}
		return r
	}, s)
}
