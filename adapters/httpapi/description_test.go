package httpapi_test

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

func TestTheServedDescriptionIsThatOfTheDocs(t *testing.T) {
	s := newFixture(t, options{public: "https://sso.example.com/gate"})
	w := s.send(ask{line: "GET /openapi/v1/openapi.json"})
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("got %d %s, want JSON", w.Code, w.Header().Get("Content-Type"))
	}
	served, err := openapi3.NewLoader().LoadFromData(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := served.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	if len(served.Servers) != 1 || served.Servers[0].URL != "https://sso.example.com/gate" {
		t.Errorf("got the servers %+v, want PUBLIC_URL", served.Servers)
	}
	told, err := openapi3.NewLoader().LoadFromFile("../../docs/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	served.Servers = told.Servers
	got, err := served.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	want, err := told.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("got the description\n%s\nwant docs/openapi.yaml\n%s", got, want)
	}
}

var (
	links = regexp.MustCompile(`(?:href|src|action|srcset|poster)="([^"]*)"`)
	ids   = regexp.MustCompile(`id="([^"]*)"`)
)

func TestTheDescriptionsPageLoadsNothing(t *testing.T) {
	s := newFixture(t, options{})
	w := s.send(ask{line: "GET /openapi/v1/docs"})
	page := w.Body.String()
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("got %d %s, want a page", w.Code, w.Header().Get("Content-Type"))
	}
	there := map[string]bool{}
	for _, id := range ids.FindAllStringSubmatch(page, -1) {
		there[id[1]] = true
	}
	for _, link := range links.FindAllStringSubmatch(page, -1) {
		if anchor, inside := strings.CutPrefix(link[1], "#"); link[1] != "openapi.json" && (!inside || !there[html.UnescapeString(anchor)]) {
			t.Errorf("got a link to %s, want one to a place on the page", link[1])
		}
	}
	for _, loads := range []string{"<script", "<link", "<img", "<iframe", "@import", "url(", " style=", " on"} {
		if strings.Contains(strings.SplitN(page, "<body>", 2)[0], loads) || strings.HasPrefix(loads, "<") && strings.Contains(page, loads) {
			t.Errorf("got %q in the page, want it left out", loads)
		}
	}
	style := page[strings.Index(page, "<style>")+len("<style>") : strings.Index(page, "</style>")]
	hash := sha256.Sum256([]byte(style))
	policy := w.Header().Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'", "frame-ancestors 'none'", "form-action 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("got the policy %s, want %s in it", policy, want)
		}
	}
	if strings.Contains(policy, "script-src") || strings.Contains(policy, "unsafe") {
		t.Errorf("got the policy %s, want no scripts", policy)
	}
	doc, err := description()
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			if !strings.Contains(page, "<code>"+method+" "+html.EscapeString(path)+"</code>") {
				t.Errorf("got no %s %s on the page, want it", method, path)
			}
		}
	}
}
