package httpapi

import (
	"net/http"
	"sync/atomic"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/ports"
)

// Operations serves what monitors, clients and identity providers ask about the
// service itself.
type Operations struct {
	respond     *Responder
	version     string
	store       ports.Store
	connections ports.Connections
	metadata    Metadata
	draining    atomic.Bool
	details     map[string]func() string // of readyz, by name
}

// NewOperations makes the handlers.
func NewOperations(respond *Responder, cfg Config, store ports.Store, connections ports.Connections, metadata Metadata) *Operations {
	return &Operations{respond: respond, version: cfg.CompatVersion, store: store, connections: connections, metadata: metadata}
}

// Mount adds the routes that belong to no mount.
func (o *Operations) Mount(r chi.Router) {
	r.Get("/", o.respond.json(o.root))
	getOrHead(r, "/saml/metadata", o.respond.json(o.samlMetadata))
	getOrHead(r, "/saml/metadata/{connection}", o.respond.json(o.samlMetadata))
	getOrHead(r, "/healthz", o.respond.json(o.healthy))
	getOrHead(r, "/readyz", o.respond.json(o.ready))
}

// MountCanonical adds those of the canonical mount.
func (o *Operations) MountCanonical(r chi.Router) {
	r.Get("/_version", o.respond.json(o.apiVersion))
	r.Get("/_health", o.respond.json(o.health))
}

// getOrHead serves HEAD as well, with which monitors and proxies ask.
func getOrHead(r chi.Router, path string, h http.HandlerFunc) {
	r.Get(path, h)
	r.Head(path, h)
}

// Drain makes /readyz refuse, so that load balancers send nothing new while what
// is in flight finishes.
func (o *Operations) Drain() { o.draining.Store(true) }

// ReportAlso adds a detail to the answer of readyz. It is called before the
// server starts. A detail never makes the process unready.
func (o *Operations) ReportAlso(name string, state func() string) {
	if o.details == nil {
		o.details = map[string]func() string{}
	}
	o.details[name] = state
}

// root leads people who shortened the address to the page.
func (o *Operations) root(w http.ResponseWriter, r *http.Request) error {
	if !wantsPage(r) {
		return fault.ErrNotFound
	}
	http.Redirect(w, r, o.respond.addresses.WebPage(nil), http.StatusFound)
	return nil
}

// health answers _health, whose "ok" the reference's clients read.
func (o *Operations) health(w http.ResponseWriter, _ *http.Request) error {
	return answer(w, http.StatusOK, map[string]any{"ok": true, "status": "ok"})
}

// healthy answers healthz: the process lives. It asks no store, so that an
// outage there does not get every replica restarted.
func (o *Operations) healthy(w http.ResponseWriter, _ *http.Request) error {
	return answer(w, http.StatusOK, map[string]string{"status": "ok"})
}

// errDraining says that the process stops and wants no new requests. Load
// balancers ask for it; it is no failure.
var errDraining = fault.New(fault.Unavailable, fault.ErrUnavailable.Code, "This replica is stopping. Ask another one.")

// ready answers readyz: the process can serve, and wants more work.
func (o *Operations) ready(w http.ResponseWriter, r *http.Request) error {
	if o.draining.Load() {
		return errDraining
	}
	if err := o.store.Ready(r.Context()); err != nil {
		return err
	}
	body := map[string]string{"status": "ok"}
	for name, state := range o.details {
		body[name] = state()
	}
	return answer(w, http.StatusOK, body)
}

// apiVersion answers _version, by which the reference's clients decide whether
// they can talk to us.
func (o *Operations) apiVersion(w http.ResponseWriter, _ *http.Request) error {
	return answer(w, http.StatusOK, map[string]string{"version": o.version, "edition": "SELF_HOSTED"})
}

// samlMetadata answers our SP metadata, for any connection or a certain one.
func (o *Operations) samlMetadata(w http.ResponseWriter, r *http.Request) error {
	slug := chi.URLParam(r, "connection")
	if slug != "" {
		connections, err := o.connections.Connections(r.Context())
		if err != nil {
			return err
		}
		if _, err := connections.Find(slug); err != nil {
			return err
		}
	}
	text, err := o.metadata(r.Context(), slug)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/samlmetadata+xml")
	w.Header().Set("Cache-Control", "max-age=300")
	_, err = w.Write(text)
	return err
}
