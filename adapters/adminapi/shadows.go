package adminapi

import (
	"net/http"

	"github.com/go-chi/chi/v5"
)

// shadowBody is a change of a connection that is tried.
type shadowBody struct {
	Revision    int64                  `json:"revision"`
	MadeAt      string                 `json:"made_at"`
	MadeBy      string                 `json:"made_by"`
	Outdated    bool                   `json:"outdated"` // the connection was changed since
	Changes     []changeBody           `json:"changes"`
	Compared    int64                  `json:"compared"`
	Same        int64                  `json:"same"`
	Differences []shadowDifferenceBody `json:"differences"`
}

type shadowDifferenceBody struct {
	At        string `json:"at"`
	RequestID string `json:"request_id"`
	What      string `json:"what"`
	Now       string `json:"now"`
	Shadow    string `json:"shadow"`
}

// showShadow answers GET connections/{slug}/shadow.
func (c *Connections) showShadow(w http.ResponseWriter, r *http.Request, _ Caller) error {
	s, err := c.uses.Shadow.Show(r.Context(), chi.URLParam(r, "slug"))
	if err != nil {
		return err
	}
	out := shadowBody{
		Revision: s.Revision, MadeAt: jsonTime(s.MadeAt), MadeBy: s.MadeBy, Outdated: s.Outdated, Changes: changesOf(s.Changes),
		Compared: s.Compared, Same: s.Same, Differences: []shadowDifferenceBody{},
	}
	for _, d := range s.Differences {
		out.Differences = append(out.Differences, shadowDifferenceBody{jsonTime(d.At), d.RequestID, d.What, d.Now, d.Shadow})
	}
	setRevision(w, s.Revision)
	return answer(w, http.StatusOK, out)
}

// tryShadow answers PUT connections/{slug}/shadow: what is not given is as in the
// connection.
func (c *Connections) tryShadow(w http.ResponseWriter, r *http.Request, by Caller) error {
	revision, err := ifMatch(r)
	if err != nil {
		return err
	}
	var body settingsBody
	if err := readJSON(w, r, connectionsMax, &body); err != nil {
		return err
	}
	tried, err := c.uses.Shadow.Try(r.Context(), chi.URLParam(r, "slug"), revision, body.change, byOf(by))
	if err != nil {
		return err
	}
	return answerEdited(w, tried, false)
}

// promoteShadow answers POST connections/{slug}/shadow/promote.
func (c *Connections) promoteShadow(w http.ResponseWriter, r *http.Request, by Caller) error {
	revision, err := ifMatch(r)
	if err != nil {
		return err
	}
	edited, err := c.uses.Shadow.Promote(r.Context(), chi.URLParam(r, "slug"), revision, byOf(by))
	if err != nil {
		return err
	}
	return answerEdited(w, edited, false)
}

// dropShadow answers DELETE connections/{slug}/shadow.
func (c *Connections) dropShadow(w http.ResponseWriter, r *http.Request, by Caller) error {
	revision, err := ifMatch(r)
	if err != nil {
		return err
	}
	slug := chi.URLParam(r, "slug")
	if err := c.uses.Shadow.Drop(r.Context(), slug, revision, byOf(by)); err != nil {
		return err
	}
	return answer(w, http.StatusOK, droppedBody{slug})
}

type droppedBody struct {
	Slug string `json:"slug"`
}
