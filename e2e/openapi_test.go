package e2e

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// described checks each answer that passes through it against the description
// of the API.
type described struct{ t testing.TB }

var routes = sync.OnceValues(func() (routers.Router, error) {
	doc, err := openapi3.NewLoader().LoadFromFile("../docs/openapi.yaml")
	if err != nil {
		return nil, err
	}
	doc.Servers = nil // whatever the host
	openapi3filter.RegisterBodyDecoder("text/html", openapi3filter.PlainBodyDecoder)
	openapi3filter.RegisterBodyDecoder("application/samlmetadata+xml", openapi3filter.PlainBodyDecoder)
	return gorillamux.NewRouter(doc)
})

func (d described) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	router, err := routes()
	if err != nil {
		d.t.Fatal(err)
	}
	route, params, err := router.FindRoute(req)
	if err != nil {
		if ofTheAPI(req.URL.Path) && resp.StatusCode != http.StatusNotFound && resp.StatusCode != http.StatusMethodNotAllowed {
			d.t.Errorf("%s %s: got %s for a route that docs/openapi.yaml lacks (%v), want 404 or 405", req.Method, req.URL.Path, resp.Status, err)
		}
		return resp, nil
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil {
		return resp, err
	}
	wrong := openapi3filter.ValidateResponse(req.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route},
		Status:                 resp.StatusCode, Header: resp.Header, Body: io.NopCloser(bytes.NewReader(body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	})
	if wrong != nil {
		d.t.Errorf("%s %s: got %v, want an answer as docs/openapi.yaml describes it", req.Method, req.URL.Path, wrong)
	}
	return resp, nil
}

// ofTheAPI separates devicegate's routes from its pages, and from what belongs to
// the identity provider.
func ofTheAPI(path string) bool {
	for _, mount := range []string{"/openapi/", "/v1/", "/oauth2/", "/.well-known/", "/saml/", "/healthz", "/readyz"} {
		if strings.HasPrefix(path, mount) {
			return true
		}
	}
	return false
}

func TestTheDescriptionIsValidOpenAPI(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromFile("../docs/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
}
