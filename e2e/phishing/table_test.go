package phishing

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// presets are those of the policy, the weakest first.
var presets = []string{"parity", "default", "strict"}

// noticedAt is how a table says when something was noticed.
func noticedAt(n int) string {
	if n == 0 {
		return "never"
	}
	return fmt.Sprint(n)
}

func printCampaigns(w io.Writer, preset string, all []campaign, results []result) {
	fmt.Fprintf(w, "\n| %s | victims | noticed | tokens | alive | asked |\n| --- | --: | --: | --: | --: | --: |\n", preset)
	for i, r := range results {
		if r.victims == 0 { // not played
			continue
		}
		fmt.Fprintf(w, "| %s | %d | %s | %d | %d | %d |\n", all[i].name, r.victims, noticedAt(r.noticed), r.tokens, r.alive, r.asked)
	}
}

func printHonest(w io.Writer, preset string, all map[string]tally) {
	fmt.Fprintf(w, "\n| honest logins with %s | logins | refused | one more step | what | ended |\n| --- | --: | --: | --: | --- | --: |\n", preset)
	for _, kind := range kinds() {
		t := all[kind]
		fmt.Fprintf(w, "| %s | %d | %d | %d | %s | %d |\n", kind, t.logins, t.refused, t.hindered, t.what(), t.ended)
	}
}

func kinds() (out []string) {
	for _, kind := range mixes {
		if !slices.Contains(out, kind) {
			out = append(out, kind)
		}
	}
	return out
}

func (a tally) what() string {
	var parts []string
	for _, part := range []struct {
		name string
		n    int
	}{{"typed", a.typed}, {"signed in again", a.again}, {"in the device's network", a.moved}, {"waited", a.late}} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%s: %d", part.name, part.n))
		}
	}
	return strings.Join(parts, ", ")
}
