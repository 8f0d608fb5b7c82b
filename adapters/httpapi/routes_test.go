package httpapi_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/adapters/httpapi"
	"github.com/devicegate/devicegate/application/applicationtest"
)

// routes walks the route table: "GET /v1/oauth/device/sso-initiate" and so on.
func (s *fixture) routes() []string {
	s.t.Helper()
	table, ok := s.handler.(chi.Routes)
	if !ok {
		s.t.Fatalf("got a handler of type %T, want one with a route table", s.handler)
	}
	var all []string
	err := chi.Walk(table, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		all = append(all, method+" "+route)
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

func below(routes []string, prefix string) []string {
	return slices.DeleteFunc(slices.Clone(routes), func(route string) bool { return !strings.Contains(route, " "+prefix+"/") })
}

func TestTheLegacyMountHasItsFiveRoutesAndNeverGrows(t *testing.T) {
	want := []string{
		"GET /v1/device/sso-complete",
		"GET /v1/oauth/device/approval-context",
		"GET /v1/oauth/device/sso-initiate",
		"POST /v1/device/sso-complete",
		"POST /v1/oauth/device/approve-external",
	}
	if got := below(newFixture(t, options{}).routes(), "/v1"); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestEveryAnswerOfEveryAddressIsGuarded(t *testing.T) {
	for name, o := range map[string]struct {
		options
		under string
	}{
		"as usual": {}, "legacy off": {options: options{legacyOff: true}}, "edition off": {options: options{editionOff: true}},
		"under a path":                {options{public: "https://sso.example.com/gate"}, "/gate"},
		"under a path, encoded anew":  {options{public: "https://sso.example.com/gate"}, "/%67ate"},
		"under a path that is cut":    {options{public: "https://sso.example.com/gate"}, ""},
		"under a path, and a slash":   {options{public: "https://sso.example.com/gate"}, "/gate/"},
		"under a path that is no one": {options{public: "https://sso.example.com/gate"}, "/gate%2f"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t, o.options)
			var paths []string
			for _, route := range s.routes() {
				_, path, _ := strings.Cut(route, " ")
				paths = append(paths, strings.NewReplacer("*", "x", "{", "", "}", "").Replace(path))
			}
			for _, prefix := range []string{"/openapi/v1", "/v1"} {
				paths = append(paths, prefix, prefix+"/", prefix+"//", prefix+"/nothing", prefix+"/oauth/device/", prefix+"/%2e%2e/x")
			}
			for _, path := range paths {
				for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "BREW"} {
					// What holds for every answer is looked at by send.
					w := s.send(ask{line: method + " " + o.under + path})
					if page := strings.HasSuffix(path, "/device") && leadsToThePage(httptest.NewRequest(method, "/", nil), w); w.Code >= 301 && w.Code <= 308 && !page {
						t.Errorf("%s %s: got a redirect to %s, want none but to the page", method, path, w.Header().Get("Location"))
					}
				}
			}
		})
	}
}

// A route without parameters is found at once, and named in metrics, spans and the
// log, as chi would after a search.
func TestARouteIsTheSameHoweverItIsFound(t *testing.T) {
	for name, o := range map[string]options{
		"as usual": {}, "legacy off": {legacyOff: true}, "under a path": {public: "https://sso.example.com/gate"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t, o)
			tree := s.handler.(*httpapi.Router).Mux
			for _, route := range append(s.routes(), "PUT /openapi/v1/account", "BREW /openapi/v1/account", "GET /openapi/v1/account/", "GET //openapi/v1/account") {
				method, path, _ := strings.Cut(strings.NewReplacer("*", "x", "{", "", "}", "").Replace(route), " ")
				for _, path := range []string{path, strings.Replace(path, "/o", "/%6f", 1)} {
					searched, want := chi.NewRouteContext(), httptest.NewRecorder()
					r := httptest.NewRequest(method, path, nil)
					tree.ServeHTTP(want, r.WithContext(context.WithValue(r.Context(), chi.RouteCtxKey, searched)))
					got := httptest.NewRecorder()
					s.handler.ServeHTTP(got, httptest.NewRequest(method, path, nil))
					observed, _ := s.observed.Load().(string)
					if observed != searched.RoutePattern() || got.Code != want.Code {
						t.Errorf("%s %s: got the route %q and status %d, want %q and %d", method, path, observed, got.Code, searched.RoutePattern(), want.Code)
					}
				}
			}
		})
	}
}

// canonicalOf is the canonical twin of a legacy path.
func canonicalOf(path string) string {
	below := strings.TrimPrefix(path, "/v1")
	if below == "/device/sso-complete" {
		below = "/oauth/device/sso-complete"
	}
	return "/openapi/v1" + below
}

// inputs are sent to each route, in its own method. Before each one, a person
// has signed in for {user_code} and not decided; {RelayState 2} names a transaction
// that is under way, and {ticket 2} one that waits to be finished.
var inputs = map[string]ask{
	"nothing":                          {},
	"a code":                           {line: "?user_code={user_code}", body: `{"user_code":"{user_code}"}`},
	"a code and where to go":           {line: "?user_code={user_code}&connection=acme"},
	"a code and a hint":                {line: "?user_code={user_code}&login_hint=ben@beta.example"},
	"a code and nowhere to go":         {line: "?user_code={user_code}&connection=unheard-of"},
	"an identity provider's outage":    {line: "?user_code={user_code}&connection=down"},
	"a defect":                         {line: "?user_code={user_code}&connection=panics"},
	"an unknown code":                  {line: "?user_code=AAAA-AAAA", body: `{"user_code":"AAAA-AAAA"}`},
	"a code that is none":              {line: "?user_code=HELLO", body: "user_code=HELLO"},
	"a code twice":                     {line: "?user_code=A&user_code=B", body: "user_code=A&user_code=B"},
	"a ticket":                         {line: "?ticket={ticket 2}"},
	"an unknown ticket":                {line: "?ticket=x"},
	"a ticket, another browser":        {line: "?ticket={ticket 2}", browser: "eve"},
	"a ticket and an assertion":        {line: "?ticket=x&sso_assertion=x"},
	"an assertion":                     {line: "?sso_assertion=ok+n1+ann@dify.example+{user_code}"},
	"an outside error":                 {line: "?sso_error=sso_cancelled"},
	"a response by GET":                {line: "?SAMLResponse=x&RelayState={RelayState 3}"},
	"a response":                       {body: "SAMLResponse=ok+a3+ann@acme.example&RelayState={RelayState 3}"},
	"a forged response":                {body: "SAMLResponse=forged&RelayState={RelayState 3}"},
	"a denial":                         {body: "SAMLResponse=denied&RelayState={RelayState 3}"},
	"a response without a transaction": {body: "SAMLResponse=x&RelayState=x"},
	"a decision":                       {body: `{"user_code":"{user_code}"}`, header: http.Header{"X-Csrf-Token": {"{csrf_token}"}}},
	"a decision by a form":             {body: "user_code={user_code}", header: http.Header{"X-Csrf-Token": {"{csrf_token}"}}},
	"a decision without proof":         {body: `{"user_code":"{user_code}"}`},
	"a decision from elsewhere":        {body: `{"user_code":"{user_code}"}`, header: http.Header{"X-Csrf-Token": {"{csrf_token}"}, "Origin": {"https://evil.example"}}},
	"a decision without a sign-in":     {body: `{"user_code":"{user_code}"}`, browser: "eve"},
	"a tampered cookie":                {body: `{"user_code":"{user_code}"}`, header: http.Header{"Cookie": {"__Host-device_approval_grant=x; __Host-device_sso_browser=x"}}},
	"JSON that ends too soon":          {body: `{"user_code":`},
	"JSON null":                        {body: "null", header: http.Header{"Content-Type": {"application/json"}}},
	"no known type of content":         {body: "x", header: http.Header{"Content-Type": {"text/plain"}}},
	"not UTF-8":                        {line: "?user_code=%ff&ticket=%ff", body: "user_code=%ff&SAMLResponse=%ff&RelayState=x"},
	"an ill-formed address":            {line: "?user_code=%zz"},
	"too much":                         {body: "SAMLResponse={x*1048576}&RelayState=x&user_code=x"},
	"our own page's origin":            {line: "?user_code={user_code}", header: http.Header{"Origin": {"https://sso.example.com"}}},
}

func TestLegacyAnswersAreTheCanonicalOnes(t *testing.T) {
	for _, route := range below(newFixture(t, options{}).routes(), "/v1") {
		method, path, _ := strings.Cut(route, " ")
		t.Run(route, func(t *testing.T) {
			t.Parallel()
			for name, input := range inputs {
				for _, accept := range []string{"application/json", "text/html"} {
					legacy, left := outcome(t, method, path, input, accept)
					canonical, leftThere := outcome(t, method, canonicalOf(path), input, accept)
					if asCanonical(legacy) != canonical {
						t.Errorf("%s, %s: got\n%s\nwant, as on the canonical mount,\n%s", name, accept, asCanonical(legacy), canonical)
					}
					if left != leftThere {
						t.Errorf("%s, %s: got the events\n%s\nwant, as on the canonical mount,\n%s", name, accept, left, leftThere)
					}
				}
			}
		})
	}
}

// outcome is what an input gets in a fixture of its own, and what happened there.
func outcome(t *testing.T, method, path string, input ask, accept string) (answer, history string) {
	t.Helper()
	s := newFixture(t, options{})
	s.signedIn()
	input.line = method + " " + path + input.line
	if method == http.MethodGet {
		input.body = ""
	}
	input.header = input.header.Clone()
	if input.header == nil {
		input.header = http.Header{}
	}
	input.header.Set("Accept", accept)
	answer = s.tell(s.send(input))
	return answer, s.History(t)
}

// signedIn is how far things are before each of the inputs.
func (s *fixture) signedIn() {
	s.t.Helper()
	const api = "/openapi/v1/oauth/device/"
	steps := []ask{
		{line: "POST " + api + "code", body: `{"client_id":"difyctl"}`},
		{line: "GET " + api + "sso-initiate?user_code={user_code}&connection=acme"},
		{line: "POST " + api + "sso-complete", body: "SAMLResponse=ok+a1+ann@acme.example&RelayState={RelayState}"},
		{line: "GET " + api + "sso-complete?ticket={ticket}"},
		{line: "POST " + api + "code", body: `{"client_id":"tv"}`},
		{line: "GET " + api + "sso-initiate?user_code={user_code 2}&connection=acme"},
		{line: "POST " + api + "sso-complete", body: "SAMLResponse=ok+a2+ann@acme.example&RelayState={RelayState 2}"},
		{line: "GET " + api + "sso-initiate?user_code={user_code 2}&connection=acme"},
		{line: "GET " + api + "approval-context"},
	}
	for _, step := range steps {
		if w := s.send(step); w.Code >= 400 {
			s.t.Fatalf("%s: got %d %s, want it accepted", step.line, w.Code, w.Body)
		}
	}
}

func TestAFlowBegunOnOneMountCanBeFinishedOnTheOther(t *testing.T) {
	for _, c := range []struct{ initiate, acs, back, approve string }{
		{"/v1", "/openapi/v1/oauth", "/v1", "/openapi/v1"},
		{"/openapi/v1", "/v1", "/openapi/v1/oauth", "/v1"},
		{"/v1", "/v1", "/openapi/v1/oauth", "/openapi/v1"},
	} {
		s := newFixture(t, options{Options: applicationtest.Options{}})
		for _, step := range []ask{
			{line: "POST /openapi/v1/oauth/device/code", body: `{"client_id":"difyctl"}`},
			{line: "GET " + c.initiate + "/oauth/device/sso-initiate?user_code={user_code}&connection=acme"},
			{line: "POST " + c.acs + "/device/sso-complete", body: "SAMLResponse=ok+a1+ann@acme.example&RelayState={RelayState}"},
			{line: "GET " + c.back + "/device/sso-complete?ticket={ticket}"},
			{line: "GET " + c.approve + "/oauth/device/approval-context"},
			{line: "POST " + c.approve + "/oauth/device/approve-external", body: `{"user_code":"{user_code}"}`, header: http.Header{"X-Csrf-Token": {"{csrf_token}"}}},
			{line: "POST /openapi/v1/oauth/device/token", body: `{"device_code":"{device_code}"}`},
			{line: "GET /openapi/v1/account", header: http.Header{"Authorization": {"Bearer {token}"}}},
		} {
			if w := s.send(step); w.Code >= 400 {
				t.Fatalf("%+v: %s: got %d %s, want it accepted", c, step.line, w.Code, w.Body)
			}
		}
	}
}
