package httpapi

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/domain/fault"
)

// root leads people who shortened the address to the page.
func (h *Handlers) root(w http.ResponseWriter, r *http.Request) error {
	if !wantsPage(r) {
		return fault.ErrNotFound
	}
	http.Redirect(w, r, h.deps.Addresses.WebPage(nil), http.StatusFound)
	return nil
}

// healthy answers healthz: the process lives. It asks no store, so that an
// outage there does not get every replica restarted.
func (h *Handlers) healthy(w http.ResponseWriter, _ *http.Request) error {
	return answer(w, http.StatusOK, map[string]string{"status": "ok"})
}

// ready answers readyz: the process can serve, and wants more work.
func (h *Handlers) ready(w http.ResponseWriter, r *http.Request) error {
	if h.draining.Load() {
		return fault.ErrUnavailable
	}
	if err := h.deps.Store.Ready(r.Context()); err != nil {
		return err
	}
	return h.healthy(w, r)
}

// version answers _version, by which the reference's clients decide whether
// they can talk to us.
func (h *Handlers) version(w http.ResponseWriter, _ *http.Request) error {
	return answer(w, http.StatusOK, map[string]string{"version": h.deps.Config.CompatVersion, "edition": "SELF_HOSTED"})
}

// samlMetadata answers our SP metadata, for any connection or a certain one.
func (h *Handlers) samlMetadata(w http.ResponseWriter, r *http.Request) error {
	slug := chi.URLParam(r, "connection")
	if slug != "" {
		if _, err := h.deps.Connections.Find(slug); err != nil {
			return err
		}
	}
	text, err := h.deps.Metadata(slug)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/samlmetadata+xml")
	w.Header().Set("Cache-Control", "max-age=300")
	_, err = w.Write(text)
	return err
}
