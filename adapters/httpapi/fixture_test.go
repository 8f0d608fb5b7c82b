package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/adapters/httpapi"
	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/resource"
	"github.com/devicegate/devicegate/ports"
)

// fixture is all routes over the use cases of an applicationtest.Fixture, and their clients.
type fixture struct {
	*applicationtest.Fixture
	t          *testing.T
	handler    http.Handler
	operations *httpapi.Operations
	observed   atomic.Value // a string: the pattern of the last request's route
	log        bytes.Buffer
	jars       map[string]map[string]string // by browser: cookies
	named      map[string]string            // generated values by what stands for them
	standIn    map[string]string            // and the other way round
}

type options struct {
	applicationtest.Options
	public, web      string
	allowOrigins     []string
	cookieDomain     string
	editionOff       bool
	legacyOff        bool
	introspectionOff bool
	withoutSunset    bool
}

type edition bool

// SSO implements [ports.Edition].
func (e edition) SSO(context.Context) error {
	if e {
		return nil
	}
	return errors.New("not licensed")
}

func newFixture(t *testing.T, o options) *fixture {
	t.Helper()
	w := applicationtest.New(t, o.Options)
	if o.introspectionOff {
		w.Servers = resource.Servers{}
		w.Introspect = application.NewIntrospectToken(w.Verify, w.Servers, w.Limiter, quota.Configure(6000, 60))
	}
	s := &fixture{Fixture: w, t: t, jars: map[string]map[string]string{}, named: map[string]string{}, standIn: map[string]string{}}
	if o.public == "" {
		o.public = "https://sso.example.com"
	}
	if o.web == "" {
		o.web = o.public
	}
	sunset := time.Date(2027, 6, 30, 0, 0, 0, 0, time.UTC)
	if o.withoutSunset {
		sunset = time.Time{}
	}
	s.serve(o, httpapi.Config{
		LegacyRoutes: !o.legacyOff, LegacyDeprecatedAt: time.Date(2026, 4, 26, 0, 0, 0, 0, time.UTC), LegacySunset: sunset,
		AllowOrigins: o.allowOrigins, CompatVersion: "1.14.2",
	})
	return s
}

func (s *fixture) serve(o options, cfg httpapi.Config) {
	s.t.Helper()
	at := httpserver.Config{PublicURL: parse(s.t, o.public), WebURL: parse(s.t, o.web), CookieDomain: o.cookieDomain}
	addresses, client, cookies := httpserver.NewAddresses(at), httpserver.NewClientAddress(at), httpserver.NewCookies(at)
	crossOrigin, err := httpserver.NewCrossOrigin(addresses)
	if err != nil {
		s.t.Fatal(err)
	}
	log := slog.New(slog.NewJSONHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	respond, licence := httpapi.NewResponder(log, addresses), edition(!o.editionOff)
	clients := s.Clients
	flow := httpapi.NewDeviceFlow(respond, addresses, client, s.Clock.Now, s.Start, s.Poll, s.RevokeUndelivered, s.LookUp)
	navigation := httpapi.NewNavigation(respond, addresses, cookies, client, licence)
	acs := httpapi.NewACS(navigation, s.Accept, s.RefuseClosed)
	s.operations = httpapi.NewOperations(respond, cfg, s.Store, s.Connections, metadata)
	headers := httpserver.NewSecurityHeaders(at)
	s.handler = httpapi.NewRouter(httpapi.Routes{
		Config: cfg, Addresses: addresses, Responder: respond,
		Middleware:    httpserver.NewMiddleware(client, headers),
		Device:        flow,
		SSOInitiation: httpapi.NewSSOInitiation(navigation, pages, s.Initiate),
		ACS:           acs,
		SSOCompletion: httpapi.NewSSOCompletion(navigation, acs, s.Complete, s.ByAssertion, s.Fail),
		Approval:      httpapi.NewApproval(respond, cookies, client, crossOrigin, licence, s.Describe, s.Approve, s.Deny),
		Account:       httpapi.NewAccount(respond, client, s.Verify, s.ListSessions, s.EndSessions),
		OAuth:         httpapi.NewOAuth(respond, clients, flow),
		Revocation:    httpapi.NewRevocation(respond, client, s.RevokeToken),
		Introspection: httpapi.NewIntrospection(respond, addresses, client, s.Introspect), Discovery: httpapi.NewDiscovery(respond, addresses, s.Servers),
		Description: described(s.t, at),
		ForwardAuth: httpapi.NewForwardAuth(respond, client, log, s.Authorize),
		Operations:  s.operations, Pages: pages,
		Observe: s.observe,
	})
}

func (s *fixture) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		s.observed.Store(chi.RouteContext(r.Context()).RoutePattern())
	})
}

// descriptions are kept for all fixtures of an address: making one takes longer than
// most tests.
var descriptions sync.Map

func described(t *testing.T, at httpserver.Config) *httpapi.Description {
	t.Helper()
	key := fmt.Sprint(at.PublicURL, at.WebURL, at.CookieDomain)
	if made, is := descriptions.Load(key); is {
		return made.(*httpapi.Description)
	}
	addresses := httpserver.NewAddresses(at)
	made, err := httpapi.NewDescription(httpapi.NewResponder(slog.New(slog.DiscardHandler), addresses), addresses, httpserver.NewSecurityHeaders(at))
	if err != nil {
		t.Fatal(err)
	}
	descriptions.Store(key, made)
	return made
}

func metadata(_ context.Context, slug string) ([]byte, error) {
	return []byte("<EntityDescriptor for=\"" + slug + "\"/>"), nil
}

// pages stand in for those of webui.
var pages = httpapi.Pages{
	Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("the page\n")) }),
	Test: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("the page of a test\n"))
	}),
	NotFound: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte("the page that says so\n"))
	}),
	Post: func(w http.ResponseWriter, _ *http.Request, to ports.Redirect) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "a form to %s of %d fields", to.URL, len(to.Fields))
	},
}

func parse(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// ask is one request, with names for what was generated before.
type ask struct {
	line    string // method and target
	header  http.Header
	body    string
	from    string // address
	browser string // the browser that sends and keeps the cookies
	chunked bool
}

// send asks, and checks what holds for every answer.
func (s *fixture) send(a ask) *httptest.ResponseRecorder {
	s.t.Helper()
	method, target, _ := strings.Cut(s.fill(a.line), " ")
	body := s.fill(a.body)
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.RemoteAddr = "192.0.2.7:1234"
	if a.from != "" {
		r.RemoteAddr = a.from + ":1234"
	}
	for name, values := range a.header {
		for _, v := range values {
			r.Header.Add(name, s.fill(v))
		}
	}
	if r.Header.Get("Host") != "" {
		r.Host = r.Header.Get("Host")
		r.Header.Del("Host")
	}
	if r.Header.Get("Cookie") == "" {
		for name, value := range s.jars[a.browser] {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
	}
	switch given := r.Header.Get("Content-Type"); {
	case given == "none":
		r.Header.Del("Content-Type")
	case given == "" && strings.HasPrefix(body, "{"):
		r.Header.Set("Content-Type", "application/json")
	case given == "" && body != "":
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if a.chunked {
		r.ContentLength, r.TransferEncoding = -1, []string{"chunked"}
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	s.keepCookies(a.browser, w)
	s.learn(w)
	s.common(r, w)
	return w
}

func (s *fixture) keepCookies(browser string, w *httptest.ResponseRecorder) {
	jar := s.jars[browser]
	if jar == nil {
		jar = map[string]string{}
		s.jars[browser] = jar
	}
	for _, c := range w.Result().Cookies() {
		delete(jar, c.Name)
		if c.MaxAge >= 0 {
			jar[c.Name] = c.Value
		}
	}
}

// learn gives what was generated a name: what a client needs to go on, and what
// would differ the next time.
func (s *fixture) learn(w *httptest.ResponseRecorder) {
	var body map[string]any
	if json.Unmarshal(w.Body.Bytes(), &body) == nil {
		for _, key := range []string{"device_code", "user_code", "token", "token_id", "csrf_token"} {
			if text, ok := body[key].(string); ok {
				s.name(key, text)
			}
		}
		for key, name := range map[string]string{"access_token": "token", "jti": "token_id"} { // alone on the standard mount
			if text, ok := body[key].(string); ok {
				s.name(name, text)
			}
		}
	}
	s.name("token_id", w.Header().Get("X-Auth-Request-Token-Id"))
	if to, err := url.Parse(w.Header().Get("Location")); err == nil {
		for _, key := range []string{"ticket", "RelayState", "SAMLRequest"} {
			s.name(key, to.Query().Get(key))
		}
	}
	for _, c := range w.Result().Cookies() {
		s.name(strings.TrimPrefix(strings.TrimPrefix(c.Name, "__Host-"), "device_"), c.Value)
	}
	if nonce := regexp.MustCompile(`'nonce-([^']+)'`).FindStringSubmatch(w.Header().Get("Content-Security-Policy")); nonce != nil {
		s.name("nonce", nonce[1])
	}
	if field := regexp.MustCompile(`name="RelayState" value="([^"]+)"`).FindStringSubmatch(w.Body.String()); field != nil {
		s.name("RelayState", field[1])
	}
	s.standIn[w.Header().Get("X-Request-Id")] = "{request_id}"
}

func (s *fixture) name(what, value string) {
	if _, known := s.standIn[value]; known || value == "" {
		return
	}
	name := what
	for n := 2; s.named[name] != ""; n++ {
		name = fmt.Sprintf("%s %d", what, n)
	}
	s.named[name], s.standIn[value] = value, "{"+name+"}"
}

var placeholder = regexp.MustCompile(`\{([A-Za-z_]+(?: \d+)?)\}|\{(.)\*(\d+)\}`)

// fill puts in what names stand for; {a*1000} is a thousand a's.
func (s *fixture) fill(text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		m := placeholder.FindStringSubmatch(found)
		if m[2] != "" {
			var n int
			_, _ = fmt.Sscan(m[3], &n)
			return strings.Repeat(m[2], n)
		}
		value, known := s.named[m[1]]
		if !known {
			s.t.Fatalf("got the name %s, want one that an answer has set", found)
		}
		return value
	})
}

// hide is the other way round.
func (s *fixture) hide(text string) string {
	for value, name := range s.standIn {
		text = strings.ReplaceAll(text, value, name)
	}
	return text
}

func (s *fixture) mount(r *http.Request) connection.Mount {
	path := strings.TrimPrefix(r.URL.Path, "/gate")
	switch {
	case path == "/openapi/v1", strings.HasPrefix(path, "/openapi/v1/"):
		return connection.Canonical
	case path == "/v1", strings.HasPrefix(path, "/v1/"):
		return connection.Legacy
	}
	return ""
}

// common holds for every answer of every route but those of the page.
func (s *fixture) common(r *http.Request, w *httptest.ResponseRecorder) {
	s.t.Helper()
	what, head := r.Method+" "+r.URL.Path, w.Header()
	if head.Get("X-Request-Id") == "" {
		s.t.Errorf("%s: got no request id, want one", what)
	}
	if strings.HasPrefix(strings.TrimPrefix(r.URL.Path, "/gate"), "/device") {
		return
	}
	for name, want := range map[string]string{"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"} {
		if got := head.Values(name); len(got) != 1 || got[0] != want {
			s.t.Errorf("%s: got %s %q, want %q", what, name, got, want)
		}
	}
	if !strings.Contains(head.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
		s.t.Errorf("%s: got the policy %q, want frame-ancestors 'none'", what, head.Get("Content-Security-Policy"))
	}
	if head.Get("Cache-Control") != "no-store" && head.Get("Content-Type") != "application/samlmetadata+xml" {
		s.t.Errorf("%s: got Cache-Control %q, want no-store", what, head.Get("Cache-Control"))
	}
	s.deprecation(what, s.mount(r) == connection.Legacy, head)
	s.errorBody(what, w)
	s.described(r, w)
	s.nothingLeaks(what, r, w)
}

func (s *fixture) deprecation(what string, legacy bool, head http.Header) {
	s.t.Helper()
	if legacy != (head.Get("Deprecation") == "@1777161600") {
		s.t.Errorf("%s: got Deprecation %q, want it on the legacy mount alone", what, head.Get("Deprecation"))
	}
	if !legacy && (head.Get("Sunset") != "" || head.Get("Link") != "") {
		s.t.Errorf("%s: got Sunset %q and Link %q, want neither", what, head.Get("Sunset"), head.Get("Link"))
	}
}

// errorBody: whatever is refused in the words of the canonical mount has all six
// fields, which agree with each other and with the headers.
func (s *fixture) errorBody(what string, w *httptest.ResponseRecorder) {
	s.t.Helper()
	if w.Code == http.StatusUnauthorized && w.Header().Get("WWW-Authenticate") == "" {
		s.t.Errorf("%s: got 401 without WWW-Authenticate, want one", what)
	}
	if (w.Code == http.StatusTooManyRequests || w.Code == http.StatusServiceUnavailable) && w.Header().Get("Retry-After") == "" {
		s.t.Errorf("%s: got %d without Retry-After, want one", what, w.Code)
	}
	if w.Code < 400 || w.Body.Len() == 0 || strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		return
	}
	var body map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		s.t.Errorf("%s: got %v, want JSON: %s", what, err, w.Body)
		return
	}
	if _, dify := body["code"]; !dify {
		return
	}
	code := body["error"]
	if code == "rate_limited" {
		code = "too_many_requests"
	}
	if len(body) != 6 || body["code"] != code || body["message"] != body["error_description"] || body["message"] == "" ||
		body["status"] != float64(w.Code) || body["request_id"] != w.Header().Get("X-Request-Id") {
		s.t.Errorf("%s: got %s, want six fields that agree with each other and with the headers", what, w.Body)
	}
}

// nothingLeaks: no answer to a browser has the device's secrets, and no address
// has any (D25, D35).
func (s *fixture) nothingLeaks(what string, r *http.Request, w *httptest.ResponseRecorder) {
	s.t.Helper()
	location := w.Header().Get("Location")
	for name, value := range s.named {
		kind, _, _ := strings.Cut(name, " ")
		switch kind {
		case "device_code", "token":
			if strings.Contains(location, value) {
				s.t.Errorf("%s: got {%s} in the address %s, want it left out", what, name, location)
			}
			if strings.Contains(w.Body.String(), value) && !strings.HasSuffix(r.URL.Path, "/oauth/device/code") &&
				!strings.HasSuffix(r.URL.Path, "/token") && !strings.HasSuffix(r.URL.Path, "/device_authorization") {
				s.t.Errorf("%s: got {%s} in the answer, want it left out: %s", what, name, w.Body)
			}
		case "approval_grant", "sso_browser", "csrf_token":
			if strings.Contains(location, value) {
				s.t.Errorf("%s: got {%s} in the address %s, want it left out", what, name, location)
			}
		}
	}
}
