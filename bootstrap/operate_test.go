package bootstrap_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var metricWord = regexp.MustCompile(`\bdevicegate_[a-z0-9_]+`)

// TestDashboardAndAlertsShowWhatExists compares docs/operate with the metrics of
// the code, both ways: each metric is on the dashboard, or README.md there says
// what it answers.
func TestDashboardAndAlertsShowWhatExists(t *testing.T) {
	reference := metricReference(parseModule(t))
	named := map[string]map[string]bool{}
	for _, file := range []string{"dashboard.json", "alerts.yaml", "alerts.test.yaml", "README.md"} {
		text, err := os.ReadFile("../docs/operate/" + file)
		if err != nil {
			t.Fatal(err)
		}
		named[file] = map[string]bool{}
		for _, name := range metricWord.FindAllString(string(text), -1) {
			name = histogramPart.ReplaceAllString(name, "")
			named[file][name] = true
			if !strings.Contains(reference, "`"+name+"`") {
				t.Errorf("%s: got the metric %s, want one that there is", file, name)
			}
		}
	}
	for _, found := range regexp.MustCompile("(?m)^\\| `([^`]+)`").FindAllStringSubmatch(reference, -1) {
		if !named["dashboard.json"][found[1]] && !named["README.md"][found[1]] {
			t.Errorf("got no %s in docs/operate/dashboard.json or README.md, want every metric", found[1])
		}
	}
	for name := range named["alerts.test.yaml"] {
		if !named["alerts.yaml"][name] {
			t.Errorf("alerts.test.yaml: got %s, want only metrics that an alert reads", name)
		}
	}
}

func TestTheDashboardIsComplete(t *testing.T) {
	text, err := os.ReadFile("../docs/operate/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Title  string
		UID    string
		Panels []struct {
			ID      int
			Title   string
			Type    string
			GridPos struct{ H, W, X, Y int }
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	ids := map[int]bool{}
	for _, p := range board.Panels {
		if ids[p.ID] || p.Title == "" || p.GridPos.W+p.GridPos.X > 24 {
			t.Errorf("got the panel %+v, want an id of its own, a title and a place", p)
		}
		ids[p.ID] = true
		if (p.Type == "row") != (len(p.Targets) == 0) {
			t.Errorf("%s: got %d queries in a %s, want none in a row and one elsewhere", p.Title, len(p.Targets), p.Type)
		}
	}
	if board.UID != "devicegate" || len(board.Panels) < 20 {
		t.Errorf("got %s with %d panels, want devicegate with 20 or more", board.UID, len(board.Panels))
	}
}

// Each alert leads to what to do, and is tested.
func TestAlertsHaveRunbooks(t *testing.T) {
	rules, err := os.ReadFile("../docs/operate/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	tests, err := os.ReadFile("../docs/operate/alerts.test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, alert := range regexp.MustCompile(`- alert: (\S+)`).FindAllStringSubmatch(string(rules), -1) {
		if !regexp.MustCompile(`alertname: ` + alert[1] + `\n +exp_alerts:\n`).Match(tests) {
			t.Errorf("alerts.test.yaml: got no test in which %s fires, want one", alert[1])
		}
	}
	alerts := strings.Count(string(rules), "- alert: ")
	runbooks := regexp.MustCompile(`runbook: (\S+)`).FindAllStringSubmatch(string(rules), -1)
	if alerts < 10 || len(runbooks) != alerts {
		t.Errorf("got %d alerts with %d runbooks, want one each", alerts, len(runbooks))
	}
	for _, r := range runbooks {
		file, anchor, _ := strings.Cut(r[1], "#")
		text, err := os.ReadFile(filepath.Join("../docs/operate", file))
		if err != nil {
			t.Fatal(err)
		}
		if !headings(string(text))[anchor] {
			t.Errorf("got the runbook %s, want a heading of %s", r[1], file)
		}
	}
}

var heading = regexp.MustCompile(`(?m)^#{1,6} (.+)$`)

// headings are the anchors of a document, as Markdown renderers make them.
func headings(text string) map[string]bool {
	all := map[string]bool{}
	for _, found := range heading.FindAllStringSubmatch(text, -1) {
		anchor := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(found[1]), "")
		all[strings.ReplaceAll(anchor, " ", "-")] = true
	}
	return all
}

func TestPrometheusUnderstandsTheAlerts(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("got no promtool, want it installed (package prometheus): CI=true allows no skipping")
		}
		t.Skip("promtool is not on this machine; Debian has it in the package prometheus")
	}
	for _, arguments := range [][]string{{"check", "rules", "alerts.yaml"}, {"test", "rules", "alerts.test.yaml"}} {
		run := exec.CommandContext(t.Context(), promtool, arguments...)
		run.Dir = "../docs/operate"
		if out, err := run.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: got %v, want no error\n%s", strings.Join(arguments, " "), err, out)
		}
	}
}
