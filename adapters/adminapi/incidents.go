package adminapi

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/uid"
)

// Incidents serves the sources that are held or noticed because phishing is suspected.
type Incidents struct {
	respond     *Responder
	listAll     *application.ListIncidents
	showOne     *application.ShowIncident
	containOne  *application.ContainIncident
	releaseHeld *application.ReleaseIncident
}

// NewIncidents makes the handlers.
func NewIncidents(respond *Responder, list *application.ListIncidents, show *application.ShowIncident, contain *application.ContainIncident, release *application.ReleaseIncident) *Incidents {
	return &Incidents{respond, list, show, contain, release}
}

// Mount adds the routes.
func (s *Incidents) Mount(r chi.Router) {
	r.Get("/incidents", s.respond.json(s.list, pageParameters...))
	r.Get("/incidents/{id}", s.respond.json(s.show))
	r.Post("/incidents/{id}/contain", s.respond.json(s.contain))
	r.Post("/incidents/{id}/release", s.respond.json(s.release))
}

// incidentBody leaves out what is not known.
type incidentBody struct {
	ID          string     `json:"id"`
	Source      sourceBody `json:"source"`
	State       string     `json:"state"`
	Held        bool       `json:"held"`
	NoticedAt   string     `json:"noticed_at"`
	HeldUntil   string     `json:"held_until"`
	Reported    bool       `json:"reported"`
	Why         string     `json:"why"`
	ContainedAt string     `json:"contained_at,omitempty"`
	ContainedBy string     `json:"contained_by,omitempty"`
	Partly      bool       `json:"contained_partly,omitempty"`
	ReleasedAt  string     `json:"released_at,omitempty"`
	ReleasedBy  string     `json:"released_by,omitempty"`
}

// unreadableIncidentBody is one of which nothing else can be read.
type unreadableIncidentBody struct {
	ID         string `json:"id"`
	Unreadable string `json:"unreadable"`
}

type sourceBody struct {
	Kind      string `json:"kind"`
	Network   string `json:"network,omitempty"`
	Address   string `json:"address,omitempty"`
	ClientID  string `json:"client_id,omitempty"`
	Label     string `json:"device_label,omitempty"`
	UserAgent string `json:"user_agent,omitempty"`
}

type incidentDetailBody struct {
	incidentBody
	Since   string               `json:"since"`
	Devices []incidentDeviceBody `json:"devices"`
}

type incidentDeviceBody struct {
	AuthorizationID string `json:"authorization_id"`
	Status          string `json:"status"`
	Email           string `json:"subject_email,omitempty"`
	Issuer          string `json:"subject_issuer,omitempty"`
	ClientID        string `json:"client_id"`
	Label           string `json:"device_label"`
	RequestedAt     string `json:"requested_at"`
	RequestedFrom   string `json:"requested_from,omitempty"`
	DecidedAt       string `json:"decided_at,omitempty"`
	ExpiresAt       string `json:"expires_at"`
	Near            bool   `json:"near"`
	Network         string `json:"network,omitempty"`
	TokenID         string `json:"token_id,omitempty"`
	TokenLive       bool   `json:"token_live"`
}

func incidentBodyOf(i application.DescribedIncident) incidentBody {
	b := incidentBody{
		ID: i.ID.String(), State: string(i.State), Held: i.State == incident.Held, NoticedAt: jsonTime(i.NoticedAt), HeldUntil: jsonTime(i.HeldUntil), Reported: i.Reported, Why: i.Why,
		ContainedAt: jsonTime(i.ContainedAt), ContainedBy: i.ContainedBy, Partly: i.Partly, ReleasedAt: jsonTime(i.ReleasedAt), ReleasedBy: i.ReleasedBy,
		Source: sourceBody{Kind: string(i.Source.Kind), ClientID: i.Source.ClientID, Label: i.Source.Label, UserAgent: i.Source.UserAgent},
	}
	switch i.Source.Kind {
	case incident.Network:
		b.Source.Network = i.Source.Network.String()
	case incident.Address, incident.DevicesAtAddress:
		b.Source.Address = i.Source.Network.Addr().String()
	}
	return b
}

// IncidentJSON is an incident as the API answers it, for encoding/json.
func IncidentJSON(i application.IncidentDetails) any {
	b := incidentDetailBody{incidentBodyOf(i.DescribedIncident), jsonTime(i.Since), make([]incidentDeviceBody, len(i.Devices))}
	for n, d := range i.Devices {
		one := incidentDeviceBody{
			AuthorizationID: d.ID.String(), Status: string(d.Status), Email: d.Subject.Email().String(), Issuer: d.Subject.Issuer(),
			ClientID: d.ClientID, Label: d.Label, RequestedAt: jsonTime(d.RequestedAt), DecidedAt: jsonTime(d.DecidedAt), ExpiresAt: jsonTime(d.ExpiresAt),
			Near: d.Where == incident.Near, Network: string(d.Where), TokenLive: d.Live,
		}
		if d.RequestedFrom.IsValid() {
			one.RequestedFrom = d.RequestedFrom.String()
		}
		if d.Token != nil {
			one.TokenID = d.Token.ID.String()
		}
		b.Devices[n] = one
	}
	return b
}

// IncidentsJSON is a page of incidents as the API answers it, for encoding/json.
func IncidentsJSON(page application.Page, found application.IncidentList) any {
	return pageBody(page, found.Total, bodiesOf(found.Incidents, listedIncidentOf))
}

func listedIncidentOf(i application.DescribedIncident) any {
	if i.Unreadable != "" {
		return unreadableIncidentBody{i.ID.String(), i.Unreadable}
	}
	return incidentBodyOf(i)
}

// ContainedJSON is what a containment did as the API answers it, for
// encoding/json.
func ContainedJSON(dryRun bool, c application.Contained) any {
	people := c.People
	if people == nil {
		people = []string{}
	}
	return containedBody{dryRun, c.Tokens, c.Approvals, c.Codes, people}
}

type containedBody struct {
	DryRun    bool     `json:"dry_run"`
	Tokens    int      `json:"tokens"`
	Approvals int      `json:"approvals"`
	Codes     int      `json:"codes"`
	People    []string `json:"people"`
}

// list answers GET incidents.
func (s *Incidents) list(w http.ResponseWriter, r *http.Request, _ Caller) error {
	page, err := pageOf(r.URL.Query())
	if err != nil {
		return err
	}
	found, err := s.listAll.Execute(r.Context(), page)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, IncidentsJSON(page, found))
}

// incidentID reads the id of a path. What is no id names no incident.
func incidentID(r *http.Request) (uid.ID, error) {
	id, err := uid.Parse(chi.URLParam(r, "id"))
	if err != nil {
		return uid.ID{}, application.ErrNoSuchIncident
	}
	return id, nil
}

// show answers GET incidents/{id}.
func (s *Incidents) show(w http.ResponseWriter, r *http.Request, _ Caller) error {
	id, err := incidentID(r)
	if err != nil {
		return err
	}
	found, err := s.showOne.Execute(r.Context(), id)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, IncidentJSON(found))
}

// errNoPeople refuses an empty list, which could be taken for all people.
var errNoPeople = fault.New(fault.Invalid, "invalid_request", "people is empty. Name some, or leave it out to mean all.")

// containmentBody asks for a dry run unless it says otherwise.
type containmentBody struct {
	Near   bool     `json:"near"`
	People []string `json:"people"`
	DryRun *bool    `json:"dry_run"`
}

// contain answers POST incidents/{id}/contain.
func (s *Incidents) contain(w http.ResponseWriter, r *http.Request, by Caller) error {
	id, err := incidentID(r)
	if err != nil {
		return err
	}
	var asked containmentBody
	if err := readJSON(w, r, bodyMax, &asked); err != nil {
		return err
	}
	wanted := application.Containment{Incident: id, Near: asked.Near, DryRun: asked.DryRun == nil || *asked.DryRun}
	for _, address := range asked.People {
		email, err := identity.ParseEmail(address)
		if err != nil {
			return err
		}
		wanted.People = append(wanted.People, email)
	}
	if asked.People != nil && wanted.People == nil {
		return errNoPeople
	}
	out, err := s.containOne.Execute(r.Context(), wanted, by.Actor, by.Origin)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, ContainedJSON(wanted.DryRun, out))
}

// release answers POST incidents/{id}/release.
func (s *Incidents) release(w http.ResponseWriter, r *http.Request, by Caller) error {
	id, err := incidentID(r)
	if err != nil {
		return err
	}
	if err := s.releaseHeld.Execute(r.Context(), id, by.Actor, by.Origin); err != nil {
		return err
	}
	return answer(w, http.StatusOK, map[string]string{"status": "released"})
}
