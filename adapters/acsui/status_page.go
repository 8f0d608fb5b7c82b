package acsui

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/devicegate/devicegate/application"
)

// StatusPage shows operators how far each connection is. It reads only.
type StatusPage struct {
	status *application.ACSStatus
	now    func() time.Time
	log    *slog.Logger
}

// NewStatusPage makes the page.
func NewStatusPage(status *application.ACSStatus, now func() time.Time, log *slog.Logger) *StatusPage {
	return &StatusPage{status, now, log}
}

// ServeHTTP serves the page.
func (p *StatusPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy+"; form-action 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	rows, err := p.status.Execute(r.Context())
	if err == nil {
		err = show(w, http.StatusOK, "status", struct {
			Title string
			Rows  []application.ACSState
			At    time.Time
		}{"Move of the callbacks", rows, p.now()})
	}
	if err != nil {
		p.log.ErrorContext(r.Context(), "status page failed", "error", err)
		http.Error(w, "The state of the connections cannot be read just now.", http.StatusServiceUnavailable)
	}
}
