package adminapi

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/scope"
	"github.com/devicegate/devicegate/ports"
)

// Clients serves the OAuth clients.
type Clients struct {
	respond   *Responder
	all       *application.ListClients
	configure *application.ConfigureClient
}

// NewClients makes the handlers.
func NewClients(respond *Responder, all *application.ListClients, configure *application.ConfigureClient) *Clients {
	return &Clients{respond, all, configure}
}

// Mount adds the routes.
func (c *Clients) Mount(r chi.Router) {
	r.Get("/clients", c.respond.json(c.list, pageParameters...))
	r.Post("/clients", c.respond.json(c.add))
	r.Get("/clients/{id}", c.respond.json(c.show))
	r.Patch("/clients/{id}", c.respond.json(c.edit))
	r.Delete("/clients/{id}", c.respond.json(c.remove, "revoke"))
}

// clientBody leaves out what is not set.
type clientBody struct {
	ID          string                       `json:"id"`
	Name        string                       `json:"name"`
	Publisher   string                       `json:"publisher,omitempty"`
	Icon        []byte                       `json:"icon,omitempty"` // base64
	HomePage    string                       `json:"home_page,omitempty"`
	Grants      []client.Grant               `json:"grants"`
	Scopes      []string                     `json:"scopes"`
	ScopeTexts  map[string]map[string]string `json:"scope_texts,omitempty"`
	TokenTTL    string                       `json:"token_ttl,omitempty"`
	Label       string                       `json:"device_label,omitempty"`
	Connections []string                     `json:"connections"`
	Suspended   bool                         `json:"suspended"`
	Source      client.Source                `json:"source"`
	Conflict    bool                         `json:"conflict,omitempty"`
	Unreadable  string                       `json:"unreadable,omitempty"` // why nothing else can be read
	Version     int64                        `json:"version,omitempty"`
	ChangedAt   string                       `json:"changed_at,omitempty"`
}

// ClientJSON is a client as the API answers it, for encoding/json.
func ClientJSON(one application.ListedClient) any { return clientBodyOf(one) }

// ClientsJSON is the list of clients, for encoding/json.
func ClientsJSON(all []application.ListedClient) any { return bodiesOf(all, clientBodyOf) }

func clientBodyOf(one application.ListedClient) clientBody {
	s := one.Client.Settings()
	b := clientBody{
		ID: s.ID, Name: s.Name, Publisher: s.Publisher, Icon: s.Icon.Bytes(), HomePage: s.HomePage, Grants: s.Grants, Scopes: s.Scopes.Names(),
		ScopeTexts: s.ScopeTexts, Label: s.Label, Connections: s.Connections, Suspended: s.Suspended,
		Source: s.Source, Conflict: one.Conflict, Unreadable: one.Unreadable, Version: one.Version, ChangedAt: jsonTime(one.ChangedAt),
	}
	if s.TokenLife != 0 {
		b.TokenTTL = s.TokenLife.String()
	}
	if b.Connections == nil {
		b.Connections = []string{} // all
	}
	return b
}

// clientChange is the body of a change; nil: as it was.
type clientChange struct {
	ID          string                        `json:"id"`
	Name        *string                       `json:"name"`
	Publisher   *string                       `json:"publisher"`
	Icon        *[]byte                       `json:"icon"`
	HomePage    *string                       `json:"home_page"`
	Grants      *[]client.Grant               `json:"grants"`
	Scopes      *[]string                     `json:"scopes"`
	ScopeTexts  *map[string]map[string]string `json:"scope_texts"`
	TokenTTL    *string                       `json:"token_ttl"`
	Label       *string                       `json:"device_label"`
	Connections *[]string                     `json:"connections"`
	Suspended   *bool                         `json:"suspended"`
	Revoke      bool                          `json:"revoke"`
}

// edit is the change that the body asks for.
func (c clientChange) edit() (func(*client.Settings), error) {
	var life time.Duration
	var icon client.Icon
	var err error
	if c.TokenTTL != nil && *c.TokenTTL != "" {
		if life, err = time.ParseDuration(*c.TokenTTL); err != nil || life == 0 {
			return nil, fault.New(fault.Invalid, "invalid_client", "token_ttl: write a duration like 336h or 45m.")
		}
	}
	if c.Scopes != nil {
		for _, name := range *c.Scopes {
			if !scope.Valid(name) {
				return nil, fault.New(fault.Invalid, "invalid_client", fmt.Sprintf("scopes: %q cannot be a scope. List each one by itself, without blanks.", name))
			}
		}
	}
	if c.Icon != nil && len(*c.Icon) > 0 {
		if icon, err = client.ParseIcon(*c.Icon); err != nil {
			return nil, fault.New(fault.Invalid, "invalid_client", "icon: "+err.Error()+".")
		}
	}
	return func(s *client.Settings) {
		set(&s.Name, c.Name)
		set(&s.Publisher, c.Publisher)
		set(&s.HomePage, c.HomePage)
		set(&s.Label, c.Label)
		set(&s.Grants, c.Grants)
		set(&s.Connections, c.Connections)
		set(&s.Suspended, c.Suspended)
		if c.Scopes != nil {
			s.Scopes = scope.Restore(strings.Join(*c.Scopes, " "))
		}
		if c.ScopeTexts != nil {
			s.ScopeTexts = *c.ScopeTexts
		}
		if c.TokenTTL != nil {
			s.TokenLife = life
		}
		if c.Icon != nil {
			s.Icon = icon
		}
	}, nil
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// list answers GET clients.
func (c *Clients) list(w http.ResponseWriter, r *http.Request, _ Caller) error {
	page, err := pageOf(r.URL.Query())
	if err != nil {
		return err
	}
	all, err := c.all.Execute(r.Context())
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, listOf(page, all, clientBodyOf))
}

// clientID reads the id of a path, in which a slash is escaped.
func clientID(r *http.Request) (string, error) {
	id, err := url.PathUnescape(chi.URLParam(r, "id"))
	if err != nil {
		return "", ports.ErrUnknownClient
	}
	return id, nil
}

// show answers GET clients/{id}.
func (c *Clients) show(w http.ResponseWriter, r *http.Request, _ Caller) error {
	id, err := clientID(r)
	if err != nil {
		return err
	}
	all, err := c.all.Execute(r.Context())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(one application.ListedClient) bool { return one.Client.ID() == id })
	if i < 0 {
		return ports.ErrUnknownClient
	}
	return answerClient(w, http.StatusOK, all[i], application.Revoked{}, false)
}

func answerClient(w http.ResponseWriter, status int, one application.ListedClient, revoked application.Revoked, ended bool) error {
	setRevision(w, one.Version)
	body := struct {
		clientBody
		Revoked *revokedClientBody `json:"revoked,omitempty"`
	}{clientBody: clientBodyOf(one)}
	if ended {
		body.Revoked = &revokedClientBody{revoked.Tokens, revoked.Devices}
	}
	return answer(w, status, body)
}

type revokedClientBody struct {
	Tokens  int `json:"tokens"`
	Devices int `json:"devices"`
}

// clientBodyMax leaves room for an icon in base64.
const clientBodyMax = 2 * client.IconMax

// add answers POST clients.
func (c *Clients) add(w http.ResponseWriter, r *http.Request, by Caller) error {
	var body clientChange
	if err := readJSON(w, r, clientBodyMax, &body); err != nil {
		return err
	}
	return c.change(w, r, by, http.StatusCreated, body, application.ClientChange{ID: body.ID, Add: true})
}

// edit answers PATCH clients/{id}: what the body names changes, the rest stays.
func (c *Clients) edit(w http.ResponseWriter, r *http.Request, by Caller) error {
	id, err := clientID(r)
	if err != nil {
		return err
	}
	var body clientChange
	if err := readJSON(w, r, clientBodyMax, &body); err != nil {
		return err
	}
	if body.ID != "" && body.ID != id {
		return fault.InvalidRequest("The id of a client does not change. Leave it out, or add a client of that id.")
	}
	version, err := ifMatch(r)
	if err != nil {
		return err
	}
	return c.change(w, r, by, http.StatusOK, body, application.ClientChange{ID: id, Version: version})
}

func (c *Clients) change(w http.ResponseWriter, r *http.Request, by Caller, status int, body clientChange, wanted application.ClientChange) (err error) {
	if wanted.Edit, err = body.edit(); err != nil {
		return err
	}
	if wanted.Revoke = body.Revoke; wanted.Revoke {
		allowBulkTime(w)
	}
	changed, err := c.configure.Execute(r.Context(), wanted, by.Actor, by.Origin)
	if err != nil {
		return err
	}
	return answerClient(w, status, application.ListedClient{ClientRecord: changed.Record}, changed.Revoked, wanted.Revoke)
}

// remove answers DELETE clients/{id}.
func (c *Clients) remove(w http.ResponseWriter, r *http.Request, by Caller) error {
	id, err := clientID(r)
	if err != nil {
		return err
	}
	revoke, err := flag(r, "revoke")
	if err != nil {
		return err
	}
	version, err := ifMatch(r)
	if err != nil {
		return err
	}
	allowBulkTime(w)
	changed, err := c.configure.Execute(r.Context(), application.ClientChange{
		ID: id, Remove: true, Version: version, Revoke: revoke,
	}, by.Actor, by.Origin)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, struct {
		Status  string            `json:"status"`
		Revoked revokedClientBody `json:"revoked"`
	}{"removed", revokedClientBody{changed.Revoked.Tokens, changed.Revoked.Devices}})
}
