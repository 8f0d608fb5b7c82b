package httpapi

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/adapters/httpapi/description"
	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/docs"
)

// Description serves the description of the API, for programs and for people.
type Description struct {
	respond   *Responder
	headers   httpserver.SecurityHeaders
	documents description.Documents
}

// NewDescription makes the handlers from docs/openapi.yaml.
func NewDescription(respond *Responder, addresses *httpserver.Addresses, headers httpserver.SecurityHeaders) (*Description, error) {
	made, err := description.Make(docs.OpenAPI, addresses.Public(""))
	return &Description{respond, headers, made}, err
}

// Mount adds the routes of the canonical mount.
func (d *Description) Mount(r chi.Router) {
	getOrHead(r, "/openapi.json", d.respond.json(d.json))
	getOrHead(r, "/docs", d.respond.json(d.page))
}

// json answers openapi.json.
func (d *Description) json(w http.ResponseWriter, _ *http.Request) error {
	return answerEncoded(w, http.StatusOK, d.documents.JSON)
}

// page answers docs, the same for people.
func (d *Description) page(w http.ResponseWriter, _ *http.Request) error {
	d.headers.SetPage(w.Header(), d.documents.Policy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, err := w.Write(d.documents.Page)
	return err
}
