package httpapi_test

import (
	"bytes"
	"io"
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
)

var description = sync.OnceValues(func() (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromFile("../../docs/openapi.yaml")
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
	for _, text := range []string{"text/html", "application/samlmetadata+xml"} {
		openapi3filter.RegisterBodyDecoder(text, openapi3filter.PlainBodyDecoder)
	}
	return gorillamux.NewRouter(doc)
})

func TestTheDescriptionHasEveryRouteAndNoOther(t *testing.T) {
	doc, err := description()
	if err != nil {
		t.Fatal(err)
	}
	var served, described []string
	for _, route := range newFixture(t, options{}).routes() {
		method, path, _ := strings.Cut(route, " ")
		if path != "/" {
			path = strings.TrimSuffix(path, "/")
		}
		if strings.HasPrefix(path, appendedPaths) {
			path = strings.Replace(path, "*", "{path}", 1)
		}
		if path != "/device" && path != "/device/*" {
			served = append(served, method+" "+path)
		}
	}
	for path, item := range doc.Paths.Map() {
		for method := range maps.Keys(item.Operations()) {
			described = append(described, method+" "+path)
		}
	}
	slices.Sort(described)
	slices.Sort(served)
	if !slices.Equal(served, described) {
		t.Errorf("got the routes:\n%s\n\nwant those of docs/openapi.yaml:\n%s", strings.Join(served, "\n"), strings.Join(described, "\n"))
	}
}

// appendedPaths is where a proxy appends the path of a request, which the
// description writes as one part.
const appendedPaths = "/oauth2/forward-auth/scope/"

// addressOf is the path that the description knows, whatever the public URL's.
func addressOf(r *http.Request) string {
	path := strings.TrimPrefix(r.URL.Path, "/gate")
	for _, metadata := range []string{"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"} {
		if path == metadata+"/" || path == metadata+"/gate" {
			return metadata
		}
	}
	if path == "" {
		return "/"
	}
	if rest, ok := strings.CutPrefix(path, appendedPaths); ok {
		if scope, _, appended := strings.Cut(rest, "/"); appended {
			return appendedPaths + scope + "/path"
		}
	}
	return path
}

// leadsToThePage reports whether a browser that reads is sent to our first page,
// as from every address that can only mean it.
func leadsToThePage(r *http.Request, w *httptest.ResponseRecorder) bool {
	to, err := url.Parse(w.Header().Get("Location"))
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	return err == nil && reads && w.Code == http.StatusFound && strings.TrimPrefix(to.Path, "/gate") == "/device"
}

// described: an answer is one that docs/openapi.yaml describes. What it does not
// describe is not there.
func (s *fixture) described(r *http.Request, w *httptest.ResponseRecorder) {
	s.t.Helper()
	router, err := describedRoutes()
	if err != nil {
		s.t.Fatal(err)
	}
	asked := r.Clone(r.Context())
	if strings.HasPrefix(addressOf(r), "/oauth2/forward-auth") {
		asked.Method = http.MethodGet // it describes the answer to every method
	}
	asked.URL = &url.URL{Path: addressOf(r), RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	route, params, err := router.FindRoute(asked)
	if err != nil {
		nothing := []int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone}
		if r.Method == http.MethodOptions {
			nothing = append(nothing, http.StatusNoContent)
		}
		if !slices.Contains(nothing, w.Code) && !leadsToThePage(r, w) {
			s.t.Errorf("%s %s: got %d for a route that docs/openapi.yaml lacks (%v), want one of %v", r.Method, r.URL.Path, w.Code, err, nothing)
		}
		return
	}
	wrong := openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: asked, PathParams: params, Route: route},
		Status:                 w.Code, Header: w.Header(), Body: io.NopCloser(bytes.NewReader(w.Body.Bytes())),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	})
	if wrong != nil {
		s.t.Errorf("%s %s: got %v, want an answer as docs/openapi.yaml describes it", r.Method, r.URL.Path, wrong)
	}
}
