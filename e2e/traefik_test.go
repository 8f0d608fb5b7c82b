package e2e

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

// traefikConfig is what the documented configuration of Traefik says. Reading it
// refuses a setting that has no field here.
type traefikConfig struct {
	HTTP struct {
		Middlewares map[string]struct {
			ForwardAuth traefikForwardAuth `yaml:"forwardAuth"`
		} `yaml:"middlewares"`
		Routers map[string]struct {
			Rule        string   `yaml:"rule"`
			Middlewares []string `yaml:"middlewares"`
			Service     string   `yaml:"service"`
		} `yaml:"routers"`
		Services map[string]struct {
			LoadBalancer struct {
				Servers []struct {
					URL string `yaml:"url"`
				} `yaml:"servers"`
			} `yaml:"loadBalancer"`
		} `yaml:"services"`
	} `yaml:"http"`
}

type traefikForwardAuth struct {
	Address         string   `yaml:"address"`
	RequestHeaders  []string `yaml:"authRequestHeaders"`
	ResponseHeaders string   `yaml:"authResponseHeadersRegex"`
	Trust           bool     `yaml:"trustForwardHeader"`
}

// traefik imitates the middleware ForwardAuth: it asks by GET, with the listed
// headers of the request and X-Forwarded-… of its own. A 2xx lets the request
// through with the headers of the answer that match in place of its own, any other
// answer goes to the client, and none is 500.
type traefik struct {
	t        *testing.T
	auth     traefikForwardAuth
	response *regexp.Regexp
	api      *httputil.ReverseProxy
	client   http.Client
}

// newTraefik starts the imitation with the configuration of docs/integrators.md.
func newTraefik(t *testing.T, service, api, scope string) (address string) {
	t.Helper()
	var cfg traefikConfig
	text := strings.NewReplacer("apps:run", scope, "http://devicegate:8080", service, "http://api:9000", "http://"+api).Replace(documented(t, "Traefik", "yaml"))
	if err := yaml.UnmarshalWithOptions([]byte(text), &cfg, yaml.DisallowUnknownField()); err != nil {
		t.Fatal(err)
	}
	router := cfg.HTTP.Routers["api"]
	if len(router.Middlewares) != 1 || len(cfg.HTTP.Services[router.Service].LoadBalancer.Servers) != 1 {
		t.Fatalf("got the router %+v in the document, want one middleware and one server", router)
	}
	p := &traefik{t: t, auth: cfg.HTTP.Middlewares[router.Middlewares[0]].ForwardAuth, client: asProxy(30 * time.Second)}
	p.response = regexp.MustCompile(p.auth.ResponseHeaders)
	p.api = httputil.NewSingleHostReverseProxy(parsed(t, cfg.HTTP.Services[router.Service].LoadBalancer.Servers[0].URL))
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	return server.URL
}

func (p *traefik) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	dropNominated(r.Header)
	answer, body, err := p.ask(r)
	switch {
	case err != nil:
		w.WriteHeader(http.StatusInternalServerError)
	case answer.StatusCode < 200 || answer.StatusCode > 299:
		maps.Copy(w.Header(), answer.Header)
		w.WriteHeader(answer.StatusCode)
		_, _ = w.Write(body)
	default:
		matches := func(name string, _ []string) bool { return p.response.MatchString(name) }
		maps.DeleteFunc(r.Header, matches)
		maps.DeleteFunc(answer.Header, func(name string, values []string) bool { return !matches(name, values) })
		maps.Copy(r.Header, answer.Header)
		p.api.ServeHTTP(w, r)
	}
}

func (p *traefik) ask(r *http.Request) (*http.Response, []byte, error) {
	question, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.auth.Address, nil)
	if err != nil {
		return nil, nil, err
	}
	for name, values := range r.Header {
		if slices.Contains(p.auth.RequestHeaders, name) {
			question.Header[name] = values
		}
	}
	if p.auth.Trust {
		p.t.Error("got a document that trusts X-Forwarded-… of clients, want one that this imitation knows")
	}
	peer, _, _ := net.SplitHostPort(r.RemoteAddr)
	for name, value := range map[string]string{
		"For": peer, "Method": r.Method, "Proto": "http", "Host": r.Host, "Uri": r.URL.RequestURI(),
	} {
		question.Header.Set("X-Forwarded-"+name, value)
	}
	answer, err := p.client.Do(question)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	var body bytes.Buffer
	_, err = io.Copy(&body, answer.Body)
	return answer, body.Bytes(), err
}

// TestTraefikProtectsAnAPI holds the configuration of docs/integrators.md against
// an imitation of Traefik, which takes its settings from it.
func TestTraefikProtectsAnAPI(t *testing.T) {
	t.Parallel()
	w := embeddedWorld(t)
	w.Env["TRUSTED_PROXIES"] = proxyAddress
	stop := w.serve()
	service, toy := fmt.Sprintf("http://localhost:%d", w.port), toyAPI(t)
	api, full := newTraefik(t, service, toy, "apps:run")+"/items?scope=admin", newTraefik(t, service, toy, "full")+"/items"
	token, bearer := w.protectsAnAPI(t, api, full)
	w.refusesWhatEnded(t, api, token, bearer, stop, http.StatusInternalServerError)
}
