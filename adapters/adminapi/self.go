package adminapi

import (
	"net/http"

	"github.com/go-chi/chi/v5"
)

// Self tells an administrator about their own token.
type Self struct{ respond *Responder }

// NewSelf makes the handlers.
func NewSelf(respond *Responder) *Self { return &Self{respond} }

// Mount adds the routes.
func (s *Self) Mount(r chi.Router) { r.Get("/whoami", s.respond.json(s.whoami)) }

type selfBody struct {
	Name string `json:"name"`
}

// whoami answers GET whoami.
func (s *Self) whoami(w http.ResponseWriter, r *http.Request, by Caller) error {
	return answer(w, http.StatusOK, selfBody{by.Actor.Name})
}
