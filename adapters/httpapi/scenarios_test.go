package httpapi_test

import (
	"bufio"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/devicegate/devicegate/domain/connection"
)

var update = flag.Bool("update", false, "rewrite the answers in testdata")

// A scenario lists what a sequence of requests gets from each mount. Its first
// lines say what it is about; those that begin with @ how its fixture differs
// (see setting). Each request may be preceded by:
//
//	@after 5s     time passes first
//	@times 60     it is sent so often; the last answer counts
//	@from 2001:db8::7
//	@browser ben  with the cookies of another browser
//	@chunked      its length is not announced
//	@store closed the database is away from here on; or broken: it answers nonsense
//
// {mount} and {complete} are the mount's prefix and the path of sso-complete.
// Values that are generated stand in braces.
type scenario struct {
	path    string
	archive *txtar.Archive
	mounts  []string
	options options
}

func TestScenarios(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) < 20 {
		t.Fatalf("got %d scenarios, %v, want at least 20", len(paths), err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			readScenario(t, path).play(t)
		})
	}
}

func readScenario(t *testing.T, path string) *scenario {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := &scenario{path: path, archive: archive, mounts: []string{"canonical"}}
	for line := range strings.Lines(string(archive.Comment)) {
		if words := strings.Fields(line); len(words) > 0 && strings.HasPrefix(words[0], "@") {
			s.setting(t, words[0], words[1:])
		}
	}
	return s
}

func (s *scenario) setting(t *testing.T, name string, values []string) {
	t.Helper()
	switch name {
	case "@on":
		s.mounts = values
	case "@edition":
		s.options.editionOff = values[0] == "off"
	case "@introspection":
		s.options.introspectionOff = values[0] == "off"
	case "@legacy":
		s.options.legacyOff = values[0] == "off"
	case "@connections":
		s.options.Connections = []connection.Settings{}
		for _, slug := range values {
			s.options.Connections = append(s.options.Connections, connection.Settings{Slug: slug, Domains: []string{slug + ".example"}})
		}
	case "@accounts":
		s.options.Accounts = values
	case "@public":
		s.options.public = values[0]
	case "@web":
		s.options.web = values[0]
	case "@cookie-domain":
		s.options.cookieDomain = values[0]
	case "@allow-origins":
		s.options.allowOrigins = values
	case "@sunset":
		s.options.withoutSunset = values[0] == "none"
	default:
		t.Fatalf("%s: got the setting %s, want a known one", s.path, name)
	}
}

// play sends all requests on each mount, each time in a fixture of its own.
func (s *scenario) play(t *testing.T) {
	told := &txtar.Archive{Comment: s.archive.Comment}
	var answers [][]string // by request, then by mount
	for m, mount := range s.mounts {
		fixture := newFixture(t, s.options)
		fixture.named["mount"], fixture.named["complete"] = "/openapi/v1", "/oauth/device/sso-complete"
		if mount == "legacy" {
			fixture.named["mount"], fixture.named["complete"] = "/v1", "/device/sso-complete"
		}
		n := 0
		for _, f := range s.archive.Files {
			if !strings.HasPrefix(f.Name, "request") {
				continue
			}
			if m == 0 {
				answers = append(answers, nil)
			}
			answers[n] = append(answers[n], fixture.step(string(f.Data)))
			n++
		}
	}
	n := 0
	for _, f := range s.archive.Files {
		if !strings.HasPrefix(f.Name, "request") {
			continue
		}
		told.Files = append(told.Files, f)
		for m, mount := range s.mounts {
			told.Files = append(told.Files, txtar.File{Name: mount, Data: []byte(briefly(answers[n][m], answers[n][0], m))})
		}
		n++
	}
	s.compare(t, told)
}

// briefly says so where an answer is the first mount's but for the headers that
// announce the end of the legacy one.
func briefly(answer, first string, mount int) string {
	if mount == 0 || asCanonical(answer) != asCanonical(first) {
		return answer
	}
	var also []string
	for _, name := range []string{"Deprecation", "Link", "Sunset"} {
		if strings.Contains(answer, "\n"+name+": ") {
			also = append(also, name)
		}
	}
	if len(also) == 0 {
		return "(the same)\n"
	}
	return "(as canonical, with " + strings.Join(also, ", ") + ")\n"
}

// asCanonical leaves out in what the legacy mount may differ.
func asCanonical(answer string) string {
	answer = strings.ReplaceAll(answer, "/v1/device/sso-complete", "/openapi/v1/oauth/device/sso-complete")
	var kept []string
	for line := range strings.Lines(answer) {
		if !strings.HasPrefix(line, "Link: ") && !strings.HasPrefix(line, "Deprecation: ") && !strings.HasPrefix(line, "Sunset: ") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

func (s *scenario) compare(t *testing.T, told *txtar.Archive) {
	t.Helper()
	if *update {
		if err := os.WriteFile(s.path, txtar.Format(told), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if len(told.Files) != len(s.archive.Files) {
		t.Errorf("%d sections, want %d: run the tests with -update and read the difference", len(told.Files), len(s.archive.Files))
		return
	}
	request := ""
	for i, got := range told.Files {
		if want := s.archive.Files[i]; got.Name != want.Name || string(got.Data) != string(want.Data) {
			t.Errorf("%s\n%s%s:\n%s\nwant %s:\n%s", s.path, request, got.Name, got.Data, want.Name, want.Data)
		}
		if strings.HasPrefix(got.Name, "request") {
			request = got.Name + "\n" + string(got.Data)
		}
	}
}

// step sends one request and writes its answer down.
func (s *fixture) step(text string) string {
	s.t.Helper()
	times, a := 1, ask{header: http.Header{}}
	for strings.HasPrefix(text, "@") {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		name, value, _ := strings.Cut(line, " ")
		switch name {
		case "@after":
			d, err := time.ParseDuration(value)
			if err != nil {
				s.t.Fatal(err)
			}
			s.Clock.Advance(d)
		case "@times":
			times, _ = strconv.Atoi(value)
		case "@from":
			a.from = value
			if strings.Contains(value, ":") {
				a.from = "[" + value + "]"
			}
		case "@browser":
			a.browser = value
		case "@chunked":
			a.chunked = true
		case "@store":
			s.harm(value)
		default:
			s.t.Fatalf("got the direction %s, want a known one", line)
		}
	}
	var rest string
	a.line, rest, _ = strings.Cut(text, "\n")
	head, body, _ := strings.Cut("\n"+rest, "\n\n")
	header, err := textproto.NewReader(bufio.NewReader(strings.NewReader(strings.TrimPrefix(head, "\n") + "\n\n"))).ReadMIMEHeader()
	if err != nil {
		s.t.Fatalf("got %v, want headers in\n%s", err, text)
	}
	a.header, a.body = http.Header(header), strings.TrimSuffix(body, "\n")
	if quoted, err := strconv.Unquote(a.body); err == nil {
		a.body = quoted
	}
	var answer *httptest.ResponseRecorder
	for range times {
		answer = s.send(a)
	}
	return s.tell(answer)
}

// harm closes the store, or breaks it in a way that no code expects. What
// was verified before is verified anew.
func (s *fixture) harm(how string) {
	s.t.Helper()
	if err := s.Cache.InvalidateAll(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	var err error
	switch how {
	case "closed":
		err = s.DB.Close()
	case "broken":
		_, err = s.DB.ExecContext(s.t.Context(), "PRAGMA foreign_keys = off; DROP TABLE device_authorizations; DROP TABLE approval_grants")
	default:
		s.t.Fatalf("got the harm %s, want closed or broken", how)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// usual are headers that every answer has, with these values, or whose values
// say nothing; fixture.common looks after them.
var usual = map[string]string{
	"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
	"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Cache-Control": "no-store",
	"Content-Type": "application/json", "Vary": "Origin", "X-Request-Id": "", "Content-Length": "",
}

// tell writes an answer down: what is not as usual, and no value that would
// differ the next time.
func (s *fixture) tell(w *httptest.ResponseRecorder) string {
	var lines []string
	for name, values := range w.Header() {
		for _, v := range values {
			if value, known := usual[name]; !known || value != "" && value != v {
				lines = append(lines, s.hide(name+": "+v))
			}
		}
	}
	slices.Sort(lines)
	out := fmt.Sprintf("%d %s\n", w.Code, http.StatusText(w.Code))
	for _, line := range lines {
		out += line + "\n"
	}
	if body := s.hide(w.Body.String()); strings.TrimSpace(body) != "" {
		out += "\n" + strings.TrimRight(body, "\n") + "\n"
	}
	return out
}
