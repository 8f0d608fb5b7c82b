package adminapi_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/adapters/adminapi"
	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/acsmove"
	"github.com/devicegate/devicegate/domain/administrator"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/secret"
)

// fixture is the administrators' API over the use cases of an
// applicationtest.Fixture. ann is an administrator.
type fixture struct {
	*applicationtest.Fixture
	t      *testing.T
	router *adminapi.Router
	ann    secret.Text
	known  administrator.Credentials // ann's
	log    bytes.Buffer
	idps   applicationtest.Published // the metadata of identity providers
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	name, err := administrator.ParseName("ann")
	if err != nil {
		t.Fatal(err)
	}
	made, token := administrator.NewCredential(name)
	s := &fixture{Fixture: applicationtest.New(t, applicationtest.Options{}), t: t, ann: token, known: administrator.NewCredentials(made)}
	s.serveAnn()
	return s
}

// serveAnn makes the router anew, after a use case was replaced.
func (s *fixture) serveAnn() { s.serve(s.known) }

func (s *fixture) serve(known administrator.Credentials) {
	public := &url.URL{Scheme: "https", Host: "sso.example.com"}
	client := httpserver.NewClientAddress(httpserver.Config{PublicURL: public, WebURL: public})
	respond := adminapi.NewResponder(slog.New(slog.NewJSONHandler(&s.log, nil)), client, known, s.Limiter)
	s.router = adminapi.NewRouter(adminapi.Routes{
		Client: client, Responder: respond,
		Self:        adminapi.NewSelf(respond),
		Tokens:      adminapi.NewTokens(respond, s.ListTokens, s.ShowToken, s.RevokeTokens, s.EndToken),
		Connections: adminapi.NewConnections(respond, s.connectionUses()),
		Audit:       adminapi.NewAudit(respond, s.ReadAudit),
		Jobs:        adminapi.NewJobs(respond, s.ListJobs, s.RetryJob),
		Clients:     adminapi.NewClients(respond, s.ListClients, s.ConfigureClient),
		Incidents:   adminapi.NewIncidents(respond, s.ListIncidents, s.ShowIncident, s.ContainIncident, s.ReleaseIncident),
		Keys:        adminapi.NewKeys(respond, s.RotateKeys),
		Migration: adminapi.NewMigration(respond, adminapi.MigrationUses{
			Status: s.ACSStatus, Instructions: s.ACSInstructions, Test: s.TestACS, Advance: s.AdvanceACS, Close: s.CloseLegacy,
			LinkURL: func(link acsmove.Link) string { return "https://sso.example.com/saml/test?link=" + link.Reveal() },
		}),
		Profiles: adminapi.NewProfiles(respond),
		Observe:  func(next http.Handler) http.Handler { return next },
	})
}

func (s *fixture) connectionUses() adminapi.ConnectionUses {
	rules := func(connection.Connection) error { return nil }
	checks := application.NewConnectionChecks(s.Store, s.Connections, &s.idps, rules, s.Clock.Now)
	edit := application.NewEditConnection(checks)
	return adminapi.ConnectionUses{
		List: application.NewListConnections(checks), Add: application.NewAddConnection(checks), Edit: edit,
		Shadow: application.NewShadowConnection(checks, edit),
		Remove: application.NewRemoveConnection(checks), Test: application.NewTestConnection(checks), Apply: application.NewApplyConnections(checks),
		Refresh: application.NewRefreshMetadata(s.Store, s.Connections, &s.idps, s.Clock.Now),
	}
}

// as sends a request of ann; line is method and target.
func (s *fixture) as(line, body string) *httptest.ResponseRecorder {
	s.t.Helper()
	return s.send(line, body, http.Header{"Authorization": {"Bearer " + s.ann.Reveal()}})
}

// send sends a request and checks what holds for every answer.
func (s *fixture) send(line, body string, header http.Header) *httptest.ResponseRecorder {
	s.t.Helper()
	method, target, _ := strings.Cut(line, " ")
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.RemoteAddr = "192.0.2.7:1234"
	r.Header = header.Clone()
	w := httptest.NewRecorder()
	s.router.ServeHTTP(w, r)
	for name, want := range map[string]string{
		"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
		"Content-Type": "application/json", "Strict-Transport-Security": "",
	} {
		if got := w.Header().Get(name); got != want {
			s.t.Errorf("%s: got %s %q, want %q", line, name, got, want)
		}
	}
	if strings.Contains(w.Body.String(), s.ann.Reveal()) || strings.Contains(s.log.String(), s.ann.Reveal()) {
		s.t.Errorf("%s: got the administrator's token in the answer or in the log, want it in neither", line)
	}
	s.described(r, w)
	return w
}

var description = sync.OnceValues(func() (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromFile("../../docs/openapi-admin.yaml")
	if err == nil {
		doc.Servers = nil // whatever the host
	}
	return doc, err
})

var describedRoutes = sync.OnceValues(func() (routers.Router, error) {
	doc, err := description()
	if err != nil {
		return nil, err
	}
	return gorillamux.NewRouter(doc)
})

// described checks an answer against docs/openapi-admin.yaml. What is not
// described is not served.
func (s *fixture) described(r *http.Request, w *httptest.ResponseRecorder) {
	s.t.Helper()
	router, err := describedRoutes()
	if err != nil {
		s.t.Fatal(err)
	}
	route, params, err := router.FindRoute(r)
	if err != nil {
		if !slices.Contains([]int{http.StatusUnauthorized, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusTooManyRequests}, w.Code) {
			s.t.Errorf("%s %s: got %d for a route that docs/openapi-admin.yaml lacks (%v), want 401, 404, 405 or 429", r.Method, r.URL.Path, w.Code, err)
		}
		return
	}
	wrong := openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route},
		Status:                 w.Code, Header: w.Header(), Body: io.NopCloser(bytes.NewReader(w.Body.Bytes())),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	})
	if wrong != nil {
		s.t.Errorf("%s %s: got %v, want an answer as docs/openapi-admin.yaml describes it", r.Method, r.URL.Path, wrong)
	}
}

// refused checks status and code of an error.
func (s *fixture) refused(w *httptest.ResponseRecorder, status int, code string) {
	s.t.Helper()
	var body struct {
		Error, Message string
		Status         int
		RequestID      string `json:"request_id"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		s.t.Fatal(err)
	}
	if w.Code != status || body.Error != code || body.Status != status || body.Message == "" || body.RequestID != w.Header().Get("X-Request-Id") {
		s.t.Errorf("got %d: %s, want %d %s", w.Code, w.Body, status, code)
	}
}

func TestTheDescriptionHasEveryRouteAndNoOther(t *testing.T) {
	doc, err := description()
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	var served, told []string
	err = chi.Walk(newFixture(t).router, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		served = append(served, method+" "+route)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths.Map() {
		for method := range maps.Keys(item.Operations()) {
			told = append(told, method+" "+path)
		}
	}
	slices.Sort(served)
	slices.Sort(told)
	if !slices.Equal(served, told) {
		t.Errorf("routes:\n got %q\nwant %q", served, told)
	}
}
