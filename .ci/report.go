//go:build ignore

// Report reads what "go test -json" says and prints what a person wants to
// know: a line for each package, the output of what failed, the reasons for
// what was skipped, and the totals as the last line.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

func main() {
	var passed, failed, skipped int
	output := map[string][]string{}
	failing := map[string]bool{}
	var failures, reasons []string
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Println(lines.Text()) // not from a test
			continue
		}
		of := e.Package + " " + e.Test
		switch {
		case e.Action == "build-output":
			fmt.Print(e.Output)
		case e.Action == "output":
			output[of] = append(output[of], e.Output)
		case e.Test != "" && e.Action == "pass":
			passed++
		case e.Test != "" && e.Action == "fail":
			failed++
			failing[e.Package] = true
			failures = append(failures, "--- "+of+"\n"+strings.Join(output[of], ""))
		case e.Test != "" && e.Action == "skip":
			skipped++
			reasons = append(reasons, of+"\n"+strings.Join(reason(output[of]), ""))
		case e.Action == "pass":
			fmt.Printf("ok    %6.1fs  %s\n", e.Elapsed, e.Package)
		case e.Action == "fail":
			fmt.Printf("FAIL  %6.1fs  %s\n%s", e.Elapsed, e.Package, strings.Join(output[e.Package+" "], ""))
			if !failing[e.Package] {
				failed++ // it did not build, or did not end
			}
		}
	}
	if len(reasons) > 0 {
		fmt.Printf("\nskipped:\n%s", strings.Join(reasons, ""))
	}
	if len(failures) > 0 {
		fmt.Printf("\nfailed:\n%s", strings.Join(failures, "\n"))
	}
	fmt.Printf("\n%d passed, %d failed, %d skipped\n", passed, failed, skipped)
	if failed > 0 || passed == 0 {
		os.Exit(1)
	}
}

// reason is a skipped test's output without the lines that frame it.
func reason(lines []string) (out []string) {
	for _, line := range lines {
		if text := strings.TrimSpace(line); !strings.HasPrefix(text, "===") && !strings.HasPrefix(text, "---") {
			out = append(out, "  "+text+"\n")
		}
	}
	return out
}
