package bootstrap

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/devicegate/devicegate/adapters/files"
	"github.com/devicegate/devicegate/adapters/geoip"
	"github.com/devicegate/devicegate/adapters/redis"
	"github.com/devicegate/devicegate/adapters/saml"
)

// metrics counts requests by route, never by anything a client can make up.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	kinds    resolved[requestKind, prometheus.Observer]
}

// requestKind stands for the labels of a request.
type requestKind struct {
	method, mount, route string
	status               int
}

func newMetrics(shared sharedState, tokens tokenCacheState, file *files.Connections, connections *joinedConnections, broker *saml.Broker, keys *files.Keys, clients *files.Clients, policy *files.Policy, places *geoip.Database) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "devicegate_http_request_duration_seconds", Help: "Requests by method, mount, route and status.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5},
		}, []string{"method", "mount", "route", "status"}),
	}
	m.registry.MustRegister(m.requests, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.registry.MustRegister(tokens.collectors()...)
	if shared != nil {
		m.registry.MustRegister(redisGauge(shared, redis.Up), redisGauge(shared, redis.Down), redisGauge(shared, redis.Refusing))
	}
	if file != nil {
		m.registry.MustRegister(currentGauge("devicegate_connections_file_current", "what the connections file holds", file.Current))
	}
	m.registry.MustRegister(currentGauge("devicegate_connections_current", "what the database holds of connections", connections.Current))
	if broker != nil {
		m.registry.MustRegister(idpMetrics{broker})
	}
	if keys != nil {
		m.registry.MustRegister(currentGauge("devicegate_saml_key_files_current", "what the SAML key files hold", keys.Current))
	}
	if clients != nil {
		m.registry.MustRegister(currentGauge("devicegate_clients_file_current", "what the clients file holds", clients.Current))
	}
	if places != nil {
		m.registry.MustRegister(currentGauge("devicegate_geoip_files_current", "what the files of GEOIP_FILE hold", places.Current))
	}
	if policy != nil {
		m.registry.MustRegister(currentGauge("devicegate_policy_file_current", "what the policy file holds", policy.Current))
	}
	return m
}

// currentGauge is 1 while what files hold is served, else 0.
func currentGauge(name, what string, current func() bool) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: name, Help: "1 if " + what + " is served, 0 if it was refused or something had to be left out.",
	}, func() float64 {
		if current() {
			return 1
		}
		return 0
	})
}

// redisGauge is 1 while Redis is in the given state, else 0.
func redisGauge(shared sharedState, state redis.State) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "devicegate_redis_state", Help: "1 for the state in which Redis is: ok, unreachable, or refusing commands.",
		ConstLabels: prometheus.Labels{"state": string(state)},
	}, func() float64 {
		if now, _ := shared(); now == state {
			return 1
		}
		return 0
	})
}

func (m *metrics) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		seen := statusWriter{ResponseWriter: w}
		next.ServeHTTP(&seen, r)
		m.observer(r, seen.status).Observe(time.Since(began).Seconds())
	})
}

// statusWriter notes the status of a response.
type statusWriter struct {
	http.ResponseWriter
	status int // 0: nothing was written
}

// WriteHeader implements [http.ResponseWriter]. What comes before the last status
// is informational.
func (w *statusWriter) WriteHeader(status int) {
	if w.status < http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (w *statusWriter) Write(body []byte) (int, error) {
	if w.status < http.StatusOK {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(body)
}

// Unwrap lets [http.ResponseController] flush.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (m *metrics) observer(r *http.Request, status int) prometheus.Observer {
	route := chi.RouteContext(r.Context())
	kind := requestKind{method: known(r.Method), status: status}
	patterns := route.RoutePatterns
	switch len(patterns) {
	case 2:
		kind.mount, kind.route = patterns[0], patterns[1]
	case 1:
		kind.route = patterns[0]
	default:
		return m.requests.WithLabelValues(kind.method, mountOf(route.RoutePattern()), route.RoutePattern(), strconv.Itoa(status))
	}
	return m.kinds.of(kind, func() prometheus.Observer {
		return m.requests.WithLabelValues(kind.method, mountOf(route.RoutePattern()), route.RoutePattern(), strconv.Itoa(status))
	})
}

// mounts are the first segments of routes.
var mounts = map[string]string{
	"openapi": "canonical", "v1": "legacy", "oauth2": "standard", ".well-known": "standard",
	"device": "pages", "saml": "saml", "admin": "admin",
}

// mountOf is the mount of a route pattern.
func mountOf(route string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(route, "/"), "/")
	return cmp.Or(mounts[first], "other")
}

func known(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
