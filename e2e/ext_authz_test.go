package e2e

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

// envoyConfig is what the documented configuration of Envoy says. Reading it
// refuses a setting that has no field here, so that none goes without imitation.
type envoyConfig struct {
	UseRemoteAddress bool `yaml:"use_remote_address"`
	NormalizePath    bool `yaml:"normalize_path"`
	MergeSlashes     bool `yaml:"merge_slashes"`
	Protocol         struct {
		Underscores string `yaml:"headers_with_underscores_action"`
	} `yaml:"common_http_protocol_options"`
	Filters []struct {
		Name   string      `yaml:"name"`
		Config envoyFilter `yaml:"typed_config"`
	} `yaml:"http_filters"`
}

type envoyFilter struct {
	Type string `yaml:"@type"`
	Lua  struct {
		Script string `yaml:"inline_string"`
	} `yaml:"default_source_code"`
	Version       string `yaml:"transport_api_version"`
	StatusOnError struct {
		Code string `yaml:"code"`
	} `yaml:"status_on_error"`
	AllowedHeaders envoyPatterns `yaml:"allowed_headers"`
	Service        struct {
		Server struct {
			URI     string `yaml:"uri"`
			Cluster string `yaml:"cluster"`
			Timeout string `yaml:"timeout"`
		} `yaml:"server_uri"`
		PathPrefix string `yaml:"path_prefix"`
		Response   struct {
			Upstream envoyPatterns `yaml:"allowed_upstream_headers"`
		} `yaml:"authorization_response"`
	} `yaml:"http_service"`
}

type envoyPatterns struct {
	Patterns []struct {
		Exact      string `yaml:"exact"`
		Prefix     string `yaml:"prefix"`
		IgnoreCase bool   `yaml:"ignore_case"`
	} `yaml:"patterns"`
}

// match compares as Envoy does, whose header names are in lower case.
func (p envoyPatterns) match(name string) bool {
	name = strings.ToLower(name)
	for _, pattern := range p.Patterns {
		if pattern.Exact != "" && name == pattern.Exact || pattern.Prefix != "" && strings.HasPrefix(name, pattern.Prefix) {
			return true
		}
	}
	return false
}

// envoy imitates the HTTP connection manager with the documented filters, from
// Envoy's documentation of ext_authz (HttpService): the question has the method
// of the request, path_prefix before its path and query, its Host, Authorization
// and the allowed headers, and no body. 200 lets the request through with the
// allowed headers of the answer in place of its own; a 5xx, or none, is
// status_on_error; any other answer goes to the client.
type envoy struct {
	t       *testing.T
	cfg     envoyConfig
	authz   envoyFilter
	forged  *regexp.Regexp
	service *url.URL
	api     *httputil.ReverseProxy
	client  http.Client
}

// newEnvoy starts the imitation with the configuration of docs/integrators.md.
func newEnvoy(t *testing.T, service, api, scope string) (address string) {
	t.Helper()
	e := &envoy{t: t}
	text := strings.Replace(documented(t, "Envoy", "yaml"), "apps:run", scope, 1)
	if err := yaml.UnmarshalWithOptions([]byte(text), &e.cfg, yaml.DisallowUnknownField()); err != nil {
		t.Fatal(err)
	}
	if n := len(e.cfg.Filters); n != 3 || e.cfg.Filters[1].Name != "envoy.filters.http.ext_authz" {
		t.Fatalf("got %d filters in the document, want lua, ext_authz, router", n)
	}
	e.authz = e.cfg.Filters[1].Config
	// The script is Lua; %W is its class of what is no letter and no digit.
	pattern := regexp.MustCompile(`name:find\("([^"]+)"\)`).FindStringSubmatch(e.cfg.Filters[0].Config.Lua.Script)
	if pattern == nil {
		t.Fatal("got a script that looks for no name, want one")
	}
	e.forged = regexp.MustCompile(strings.ReplaceAll(pattern[1], "%W", "[^A-Za-z0-9]"))
	timeout, err := time.ParseDuration(e.authz.Service.Server.Timeout)
	if err != nil {
		t.Fatal(err)
	}
	e.client = asProxy(timeout)
	e.service = parsed(t, strings.Replace(e.authz.Service.Server.URI, "http://devicegate:8080", service, 1))
	e.api = httputil.NewSingleHostReverseProxy(parsed(t, "http://"+api))
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	return server.URL
}

func parsed(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func (e *envoy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for name := range r.Header {
		if strings.Contains(name, "_") && e.cfg.Protocol.Underscores == "REJECT_REQUEST" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
	}
	dropNominated(r.Header)
	peer, _, _ := net.SplitHostPort(r.RemoteAddr)
	if e.cfg.UseRemoteAddress {
		addForwardedFor(r.Header, peer)
	}
	if e.cfg.NormalizePath && e.cfg.MergeSlashes {
		cleaned := path.Clean(r.URL.Path)
		if strings.HasSuffix(r.URL.Path, "/") && cleaned != "/" {
			cleaned += "/"
		}
		r.URL.Path, r.URL.RawPath = cleaned, ""
	}
	for name := range r.Header {
		if e.forged.MatchString(strings.ToLower(name)) {
			delete(r.Header, name)
		}
	}
	answer, body, err := e.ask(r)
	switch {
	case err != nil || answer.StatusCode >= http.StatusInternalServerError:
		if e.authz.StatusOnError.Code != "ServiceUnavailable" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	case answer.StatusCode != http.StatusOK:
		for name, values := range answer.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.StatusCode)
		_, _ = w.Write(body)
	default:
		for name, values := range answer.Header {
			if e.authz.Service.Response.Upstream.match(name) {
				r.Header[name] = values
			}
		}
		e.api.ServeHTTP(w, r)
	}
}

// ask sends the question. Envoy's client for such questions adds the address of
// Envoy itself to X-Forwarded-For.
func (e *envoy) ask(r *http.Request) (*http.Response, []byte, error) {
	question := (&http.Request{
		Method: r.Method, Host: r.Host, Header: http.Header{"User-Agent": nil}, ContentLength: 0,
		URL: &url.URL{Scheme: e.service.Scheme, Host: e.service.Host, Opaque: e.authz.Service.PathPrefix + r.URL.RequestURI()},
	}).WithContext(e.t.Context())
	for name, values := range r.Header {
		if name == "Authorization" || e.authz.AllowedHeaders.match(name) {
			question.Header[name] = values
		}
	}
	addForwardedFor(question.Header, proxyAddress)
	answer, err := e.client.Do(question)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	var body bytes.Buffer
	_, err = io.Copy(&body, answer.Body)
	return answer, body.Bytes(), err
}
