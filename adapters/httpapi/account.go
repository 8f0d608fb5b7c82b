package httpapi

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
)

// Account serves what the bearer of a token calls.
type Account struct {
	respond      *Responder
	client       *httpserver.ClientAddress
	verify       *application.VerifyToken
	listSessions *application.ListSessions
	endSessions  *application.EndSessions
}

// NewAccount makes the handlers.
func NewAccount(respond *Responder, client *httpserver.ClientAddress,
	verify *application.VerifyToken, list *application.ListSessions, end *application.EndSessions,
) *Account {
	return &Account{respond, client, verify, list, end}
}

// Mount adds the routes of the canonical mount.
func (a *Account) Mount(r chi.Router) {
	r.Get("/account", a.respond.json(a.show))
	r.Get("/account/sessions", a.respond.json(a.sessions))
	r.Delete("/account/sessions/{id}", a.respond.json(a.endSession))
	r.Get("/workspaces", a.respond.json(a.workspaces))
}

// presented is the token that a request shows (RFC 6750 §2.1). One in a query
// or a body is none: it would end up in logs and histories.
func presented(r *http.Request) (token.Secret, error) {
	headers := r.Header.Values("Authorization")
	if len(headers) == 0 || len(headers) == 1 && strings.TrimSpace(headers[0]) == "" {
		return token.Secret{}, errNoCredential
	}
	if len(headers) != 1 {
		return token.Secret{}, token.ErrInvalid
	}
	words := strings.Fields(headers[0])
	if !strings.EqualFold(words[0], "Bearer") { // RFC 6750 §3.1: of another scheme, so none for us
		return token.Secret{}, errNoCredential
	}
	switch len(words) {
	case 1: // an empty variable in a script
		return token.Secret{}, errNoCredential
	case 2:
	default:
		return token.Secret{}, token.ErrInvalid
	}
	return token.ParseSecret(words[1])
}

// bearer returns the token that the request acts with, and counts the request.
func (a *Account) bearer(w http.ResponseWriter, r *http.Request) (*token.AccessToken, error) {
	presented, err := presented(r)
	if err != nil {
		return nil, err
	}
	verified, err := a.verify.Execute(r.Context(), presented, a.client.Origin(r))
	httpserver.SetRateLimit(w.Header(), verified.Allowance)
	return verified.Token, err
}

// errNoCredential refuses a request without a token.
var errNoCredential = fault.New(fault.Unauthenticated, "unauthorized",
	"This address needs an access token. Send it in the Authorization header, as Bearer.")

type accountBody struct {
	SubjectType        string    `json:"subject_type"`
	SubjectEmail       string    `json:"subject_email"`
	SubjectIssuer      string    `json:"subject_issuer"`
	Account            *struct{} `json:"account"`
	Workspaces         []string  `json:"workspaces"`
	DefaultWorkspaceID *string   `json:"default_workspace_id"`
	Scope              string    `json:"scope"`
}

// show answers GET account.
func (a *Account) show(w http.ResponseWriter, r *http.Request) error {
	t, err := a.bearer(w, r)
	if err != nil {
		return err
	}
	of := t.Snapshot().Device
	return answer(w, http.StatusOK, accountBody{
		SubjectType: string(t.SubjectType()), SubjectEmail: of.Email.String(), SubjectIssuer: of.Issuer,
		Workspaces: []string{}, Scope: t.Scope(),
	})
}

type workspacesBody struct {
	Workspaces []string `json:"workspaces"`
	listBody
	Data []string `json:"data"`
}

// workspaces answers GET workspaces: an external subject has none. Older clients
// read workspaces, newer ones a page like that of the sessions.
func (a *Account) workspaces(w http.ResponseWriter, r *http.Request) error {
	if _, err := a.bearer(w, r); err != nil {
		return err
	}
	list := listBody{Page: 1, Limit: defaultLimit}
	if p, err := query(r); err == nil {
		if page, err := pageOf(p); err == nil {
			list.Limit = page.Limit()
		}
	}
	return answer(w, http.StatusOK, workspacesBody{Workspaces: []string{}, listBody: list, Data: []string{}})
}

type sessionBody struct {
	ID          string  `json:"id"`
	Prefix      string  `json:"prefix"`
	ClientID    string  `json:"client_id"`
	DeviceLabel string  `json:"device_label"`
	CreatedAt   string  `json:"created_at"`
	LastUsedAt  *string `json:"last_used_at"`
	ExpiresAt   string  `json:"expires_at"`
}

type sessionsBody struct {
	listBody
	Data []sessionBody `json:"data"`
}

type listBody struct {
	Page    int  `json:"page"`
	Limit   int  `json:"limit"`
	Total   int  `json:"total"`
	HasMore bool `json:"has_more"`
}

const defaultLimit = 100

// sessions answers GET account/sessions.
func (a *Account) sessions(w http.ResponseWriter, r *http.Request) error {
	t, err := a.bearer(w, r)
	if err != nil {
		return err
	}
	p, err := query(r)
	if err != nil {
		return err
	}
	if err := p.only("page", "limit"); err != nil {
		return err
	}
	page, err := pageOf(p)
	if err != nil {
		return err
	}
	found, err := a.listSessions.Execute(r.Context(), application.OwnerOf(t), page)
	if err != nil {
		return err
	}
	out := sessionsBody{listBody{page.Number(), page.Limit(), found.Total, found.More}, []sessionBody{}}
	for _, s := range found.Sessions {
		row := sessionBody{
			ID: s.ID.String(), Prefix: s.Prefix, ClientID: s.ClientID, DeviceLabel: s.Label,
			CreatedAt: zuluTime(s.CreatedAt), ExpiresAt: zuluTime(s.ExpiresAt),
		}
		if !s.LastUsedAt.IsZero() {
			used := zuluTime(s.LastUsedAt)
			row.LastUsedAt = &used
		}
		out.Data = append(out.Data, row)
	}
	return answer(w, http.StatusOK, out)
}

func pageOf(p params) (application.Page, error) {
	number, err := numberOr(p, "page", 1)
	if err != nil {
		return application.Page{}, err
	}
	limit, err := numberOr(p, "limit", defaultLimit)
	if err != nil {
		return application.Page{}, err
	}
	return application.NewPage(number, limit)
}

func numberOr(p params, name string, otherwise int) (int, error) {
	text, _ := p.text(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, application.ErrInvalidPage
	}
	return n, nil
}

// endSession answers DELETE account/sessions/{id}, of which "self" is the
// one that asks.
func (a *Account) endSession(w http.ResponseWriter, r *http.Request) error {
	presented, err := presented(r)
	if err != nil {
		return err
	}
	t, err := a.verify.Authenticate(r.Context(), presented, a.client.Origin(r))
	if err != nil {
		return err
	}
	id := t.Snapshot().ID
	if text := chi.URLParam(r, "id"); text != "self" {
		if id, err = uid.Parse(text); err != nil {
			return fault.ErrNotFound
		}
	}
	if _, err := a.endSessions.Execute(r.Context(), application.OwnerOf(t), id, a.client.Origin(r)); err != nil {
		return err
	}
	return answer(w, http.StatusOK, map[string]string{"status": "revoked"})
}

// zuluTime is RFC 3339 in UTC, in whole seconds, as the reference writes it in
// lists.
func zuluTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
