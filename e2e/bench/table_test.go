package bench

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// line is one operation at one number of connections.
type line struct {
	op            operation
	connections   int
	ours, ceiling []measurement // one for each round
	counts        counts
}

// grown is a line at one size of the tables.
type grown struct {
	line
	rows int
}

func printTable(w io.Writer, lines []line) {
	cells := [][]string{{"operation", "stores", "conns", "ours/s", "ceiling/s", "ratio", "cpu ratio", "p50", "p99", "cpu", "allocs", "sql", "sql trips", "redis trips"}}
	for _, l := range lines {
		cells = append(cells, []string{
			l.op.name, l.op.stores, fmt.Sprint(l.connections),
			whole(median(l.ours, perSecond)), whole(median(l.ceiling, perSecond)), l.ratio(), l.cpuRatio(),
			short(median(l.ours, p50)), short(median(l.ours, p99)),
			fmt.Sprintf("%s (%s)", short(median(l.ours, cpu)), short(median(l.ceiling, cpu))),
			fmt.Sprintf("%s (%s)", whole(median(l.ours, allocs)), whole(median(l.ceiling, allocs))),
			counted(l.counts.statements), counted(l.counts.sqlTrips), counted(l.counts.redisTrips),
		})
	}
	printCells(w, cells)
}

func printGrowth(w io.Writer, lines []grown) {
	cells := [][]string{{"operation", "stores", "rows", "ours/s", "ceiling/s", "ratio", "cpu ratio", "p50", "p99"}}
	for _, l := range lines {
		cells = append(cells, []string{
			l.op.name, l.op.stores, fmt.Sprint(l.rows),
			whole(median(l.ours, perSecond)), whole(median(l.ceiling, perSecond)), l.ratio(), l.cpuRatio(),
			short(median(l.ours, p50)), short(median(l.ours, p99)),
		})
	}
	printCells(w, cells)
}

// ratio is the median of the rounds' ratios.
func (l line) ratio() string {
	return l.ratios(func(ours, ceiling measurement) float64 { return ours.perSecond / ceiling.perSecond })
}

// cpuRatio says the same in CPU time.
func (l line) cpuRatio() string {
	return l.ratios(func(ours, ceiling measurement) float64 { return float64(ceiling.cpu) / float64(max(ours.cpu, 1)) })
}

func (l line) ratios(of func(ours, ceiling measurement) float64) string {
	var all []float64
	for i := range l.ours {
		all = append(all, of(l.ours[i], l.ceiling[i]))
	}
	return fmt.Sprintf("%.2f", middle(all))
}

func perSecond(m measurement) float64 { return m.perSecond }
func allocs(m measurement) float64    { return m.allocs }
func p50(m measurement) time.Duration { return m.p50 }
func p99(m measurement) time.Duration { return m.p99 }
func cpu(m measurement) time.Duration { return m.cpu }
func whole(f float64) string          { return fmt.Sprintf("%.0f", f) }
func short(d time.Duration) string    { return d.Round(time.Microsecond).String() }
func counted(n float64) string {
	if n < 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f", n)
}

func median[T cmp.Ordered](all []measurement, of func(measurement) T) T {
	var values []T
	for _, m := range all {
		values = append(values, of(m))
	}
	return middle(values)
}

func middle[T cmp.Ordered](values []T) (zero T) {
	if len(values) == 0 {
		return zero
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// printCells writes a Markdown table that reads well as text, too.
func printCells(w io.Writer, cells [][]string) {
	widths := make([]int, len(cells[0]))
	for _, row := range cells {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	for n, row := range cells {
		var out strings.Builder
		for i, cell := range row {
			fmt.Fprintf(&out, "| %s%s ", cell, strings.Repeat(" ", widths[i]-len([]rune(cell))))
		}
		_, _ = fmt.Fprintln(w, out.String()+"|")
		if n == 0 {
			for _, width := range widths {
				_, _ = fmt.Fprint(w, "|", strings.Repeat("-", width+2))
			}
			_, _ = fmt.Fprintln(w, "|")
		}
	}
	_, _ = fmt.Fprintln(w)
}
