package adminapi

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
)

// Tokens serves the access tokens.
type Tokens struct {
	respond      *Responder
	listTokens   *application.ListTokens
	showToken    *application.ShowToken
	revokeTokens *application.RevokeTokens
	endToken     *application.EndToken
}

// NewTokens makes the handlers.
func NewTokens(respond *Responder, list *application.ListTokens, show *application.ShowToken, revoke *application.RevokeTokens, end *application.EndToken) *Tokens {
	return &Tokens{respond, list, show, revoke, end}
}

// Mount adds the routes.
func (t *Tokens) Mount(r chi.Router) {
	r.Get("/tokens", t.respond.json(t.list, listParameters...))
	r.Post("/tokens/revoke", t.respond.json(t.revoke))
	r.Get("/tokens/{id}", t.respond.json(t.show))
	r.Delete("/tokens/{id}", t.respond.json(t.end))
}

// filterOf reads the filter of a list.
func filterOf(q url.Values) (token.Filter, error) {
	given := token.FilterText{}
	for _, name := range token.FilterFields {
		if q.Has(name) {
			given[name] = q.Get(name)
		}
	}
	return token.ParseFilter(given)
}

var listParameters = slices.Concat(token.FilterFields, []string{"ended"}, pageParameters)

// tokenBody leaves out what is not known.
type tokenBody struct {
	ID          string   `json:"id"`
	SubjectType string   `json:"subject_type"`
	Email       string   `json:"subject_email,omitempty"`
	Issuer      string   `json:"subject_issuer,omitempty"`
	Connection  string   `json:"connection,omitempty"`
	ClientID    string   `json:"client_id"`
	Label       string   `json:"device_label"`
	Scopes      []string `json:"scopes"`
	FetchedFrom string   `json:"fetched_from,omitempty"`
	Live        bool     `json:"live"`
	CreatedAt   string   `json:"created_at"`
	ExpiresAt   string   `json:"expires_at"`
	LastUsedAt  string   `json:"last_used_at,omitempty"`
	RevokedAt   string   `json:"revoked_at,omitempty"`
}

// TokenJSON is a token as the API answers it, for encoding/json.
func TokenJSON(t application.DescribedToken) any { return tokenBodyOf(t) }

// TokensJSON is a page of tokens as the API answers it, for encoding/json.
func TokensJSON(page application.Page, found application.TokenList) any {
	return tokensBodyOf(page, found)
}

func tokensBodyOf(page application.Page, found application.TokenList) listBody[tokenBody] {
	return pageBody(page, found.Total, bodiesOf(found.Tokens, tokenBodyOf))
}

func tokenBodyOf(t application.DescribedToken) tokenBody {
	b := tokenBody{
		ID: t.ID.String(), SubjectType: string(t.SubjectType), Email: t.Device.Email.String(), Issuer: t.Device.Issuer, Connection: t.Connection,
		ClientID: t.Device.ClientID, Label: t.Device.Label, Scopes: t.Scopes.Names(), Live: t.Live,
		CreatedAt: jsonTime(t.CreatedAt), ExpiresAt: jsonTime(t.ExpiresAt), LastUsedAt: jsonTime(t.LastUsedAt), RevokedAt: jsonTime(t.RevokedAt),
	}
	if t.FetchedFrom.IsValid() {
		b.FetchedFrom = t.FetchedFrom.String()
	}
	return b
}

// list answers GET tokens.
func (t *Tokens) list(w http.ResponseWriter, r *http.Request, _ Caller) error {
	q := r.URL.Query()
	page, err := pageOf(q)
	if err != nil {
		return err
	}
	wanted, err := filterOf(q)
	if err != nil {
		return err
	}
	ended, err := flag(r, "ended")
	if err != nil {
		return err
	}
	found, err := t.listTokens.Execute(r.Context(), wanted, ended, page)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, tokensBodyOf(page, found))
}

// tokenID reads the id of a path. What is no id names no token.
func tokenID(r *http.Request) (uid.ID, error) {
	id, err := uid.Parse(chi.URLParam(r, "id"))
	if err != nil {
		return uid.ID{}, application.ErrNoSuchToken
	}
	return id, nil
}

// show answers GET tokens/{id}.
func (t *Tokens) show(w http.ResponseWriter, r *http.Request, _ Caller) error {
	id, err := tokenID(r)
	if err != nil {
		return err
	}
	found, err := t.showToken.Execute(r.Context(), id)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, tokenBodyOf(found))
}

// end answers DELETE tokens/{id}. A token that ended before stays as it is.
func (t *Tokens) end(w http.ResponseWriter, r *http.Request, by Caller) error {
	id, err := tokenID(r)
	if err != nil {
		return err
	}
	if _, err := t.endToken.Execute(r.Context(), id, by.Actor, by.Origin); err != nil {
		return err
	}
	return answer(w, http.StatusOK, map[string]string{"status": "revoked"})
}

// revocationBody asks for a dry run unless it says otherwise.
type revocationBody struct {
	Filter token.FilterText `json:"filter"`
	All    bool             `json:"all"`
	DryRun *bool            `json:"dry_run"`
}

// RevokedJSON is what a revocation did as the API answers it, for encoding/json.
func RevokedJSON(dryRun bool, r application.Revoked) any {
	return revokedBody{dryRun, r.Tokens, r.Devices}
}

type revokedBody struct {
	DryRun  bool `json:"dry_run"`
	Tokens  int  `json:"tokens"`
	Devices int  `json:"devices"`
}

// revoke answers POST tokens/revoke.
func (t *Tokens) revoke(w http.ResponseWriter, r *http.Request, by Caller) error {
	var asked revocationBody
	if err := readJSON(w, r, bodyMax, &asked); err != nil {
		return err
	}
	filter, err := token.ParseFilter(asked.Filter)
	if err != nil {
		return err
	}
	wanted := application.Revocation{Filter: filter, All: asked.All, DryRun: asked.DryRun == nil || *asked.DryRun}
	allowBulkTime(w)
	out, err := t.revokeTokens.Execute(r.Context(), wanted, by.Actor, by.Origin)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, RevokedJSON(wanted.DryRun, out))
}
