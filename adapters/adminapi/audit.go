package adminapi

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/uid"
)

// Audit serves the events that are kept for auditors.
type Audit struct {
	respond *Responder
	read    *application.ReadAudit
}

// NewAudit makes the handlers.
func NewAudit(respond *Responder, read *application.ReadAudit) *Audit { return &Audit{respond, read} }

// Mount adds the routes.
func (a *Audit) Mount(r chi.Router) { r.Get("/audit", a.respond.json(a.list, auditParameters...)) }

var auditParameters = slices.Concat(application.AuditFilterFields, []string{"after", "limit"})

// auditBody is a part of the trail. It has no page number and no total: events
// arrive and are deleted while it is read, and a trail is long.
type auditBody struct {
	Limit   int               `json:"limit"`
	HasMore bool              `json:"has_more"`
	Data    []json.RawMessage `json:"data"`
}

// list answers GET audit.
func (a *Audit) list(w http.ResponseWriter, r *http.Request, _ Caller) error {
	q := r.URL.Query()
	given := application.AuditFilterText{}
	for _, name := range application.AuditFilterFields {
		if q.Has(name) {
			given[name] = q.Get(name)
		}
	}
	wanted, err := given.Parse()
	if err != nil {
		return err
	}
	var after uid.ID
	if q.Has("after") {
		if after, err = uid.Parse(q.Get("after")); err != nil || after.IsZero() {
			return audit.ErrUnknown
		}
	}
	limit := defaultLimit
	if q.Has("limit") {
		if limit, err = strconv.Atoi(q.Get("limit")); err != nil {
			return application.ErrAuditLimit
		}
	}
	page, err := a.read.Execute(r.Context(), wanted, after, limit)
	if err != nil {
		return err
	}
	body := auditBody{limit, page.More, make([]json.RawMessage, len(page.Events))}
	for i, e := range page.Events {
		body.Data[i] = e.AppendJSON(nil)
	}
	return answer(w, http.StatusOK, body)
}
