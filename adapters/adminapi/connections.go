package adminapi

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/fault"
)

// Connections serves the identity providers.
type Connections struct {
	respond *Responder
	uses    ConnectionUses
}

// ConnectionUses are what administrators do with identity providers.
type ConnectionUses struct {
	List    *application.ListConnections
	Add     *application.AddConnection
	Edit    *application.EditConnection
	Remove  *application.RemoveConnection
	Test    *application.TestConnection
	Refresh *application.RefreshMetadata
	Apply   *application.ApplyConnections
	Shadow  *application.ShadowConnection
}

// NewConnections makes the handlers.
func NewConnections(respond *Responder, uses ConnectionUses) *Connections {
	return &Connections{respond, uses}
}

// Mount adds the routes.
func (c *Connections) Mount(r chi.Router) {
	r.Get("/connections", c.respond.json(c.list, pageParameters...))
	r.Post("/connections", c.respond.json(c.add, "dry_run"))
	r.Post("/connections/apply", c.respond.json(c.apply))
	r.Get("/connections/{slug}", c.respond.json(c.show))
	r.Patch("/connections/{slug}", c.respond.json(c.edit, "dry_run"))
	r.Delete("/connections/{slug}", c.respond.json(c.remove, "dry_run"))
	r.Post("/connections/{slug}/test", c.respond.json(c.test))
	r.Post("/connections/{slug}/refresh", c.respond.json(c.refresh))
	r.Get("/connections/{slug}/shadow", c.respond.json(c.showShadow))
	r.Put("/connections/{slug}/shadow", c.respond.json(c.tryShadow))
	r.Delete("/connections/{slug}/shadow", c.respond.json(c.dropShadow))
	r.Post("/connections/{slug}/shadow/promote", c.respond.json(c.promoteShadow))
}

// connectionsMax bounds bodies with metadata in them.
const connectionsMax = 8 << 20

func byOf(by Caller) connection.Author { return connection.Author{Actor: by.Actor, Origin: by.Origin} }

// list answers GET connections.
func (c *Connections) list(w http.ResponseWriter, r *http.Request, _ Caller) error {
	page, err := pageOf(r.URL.Query())
	if err != nil {
		return err
	}
	all, err := c.uses.List.Execute(r.Context())
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, listOf(page, all, connectionBodyOf))
}

// show answers GET connections/{slug}.
func (c *Connections) show(w http.ResponseWriter, r *http.Request, _ Caller) error {
	return c.answerState(w, r, http.StatusOK, chi.URLParam(r, "slug"))
}

func (c *Connections) answerState(w http.ResponseWriter, r *http.Request, status int, slug string) error {
	found, err := c.uses.List.Find(r.Context(), slug)
	if err != nil {
		return err
	}
	setRevision(w, found.Stored.Revision)
	return answer(w, status, connectionBodyOf(found))
}

// add answers POST connections.
func (c *Connections) add(w http.ResponseWriter, r *http.Request, by Caller) error {
	dry, err := flag(r, "dry_run")
	if err != nil {
		return err
	}
	var body struct {
		Slug string `json:"slug"`
		settingsBody
	}
	if err := readJSON(w, r, connectionsMax, &body); err != nil {
		return err
	}
	settings := connection.Settings{Slug: body.Slug}
	if err := body.change(&settings); err != nil {
		return err
	}
	report, err := c.uses.Add.Execute(r.Context(), settings, dry, byOf(by))
	switch {
	case err != nil:
		return err
	case dry:
		return answer(w, http.StatusOK, reportBodyOf(report))
	}
	return c.answerState(w, r, http.StatusCreated, body.Slug)
}

// edit answers PATCH connections/{slug}: what is not given stays.
func (c *Connections) edit(w http.ResponseWriter, r *http.Request, by Caller) error {
	dry, err := flag(r, "dry_run")
	if err != nil {
		return err
	}
	revision, err := ifMatch(r)
	if err != nil {
		return err
	}
	var body settingsBody
	if err := readJSON(w, r, connectionsMax, &body); err != nil {
		return err
	}
	edited, err := c.uses.Edit.Execute(r.Context(), chi.URLParam(r, "slug"), revision, body.change, dry, byOf(by))
	if err != nil {
		return err
	}
	return answerEdited(w, edited, dry)
}

func answerEdited(w http.ResponseWriter, edited application.Edited, dry bool) error {
	setRevision(w, edited.Revision)
	return answer(w, http.StatusOK, editedBody{
		Revision: edited.Revision, Changes: changesOf(edited.Changes), Metadata: listed(edited.Metadata), Warnings: listed(edited.Report.Warnings), DryRun: dry,
	})
}

// remove answers DELETE connections/{slug}.
func (c *Connections) remove(w http.ResponseWriter, r *http.Request, by Caller) error {
	dry, err := flag(r, "dry_run")
	if err != nil {
		return err
	}
	revision, err := ifMatch(r)
	if err != nil {
		return err
	}
	was, err := c.uses.Remove.Execute(r.Context(), chi.URLParam(r, "slug"), revision, dry, byOf(by))
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, removedBody{was.Connection().Slug(), was.Connection().Settings().Domains, dry})
}

// test answers POST connections/{slug}/test.
func (c *Connections) test(w http.ResponseWriter, r *http.Request, _ Caller) error {
	report, err := c.uses.Test.Execute(r.Context(), chi.URLParam(r, "slug"))
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, reportBodyOf(report))
}

// refresh answers POST connections/{slug}/refresh.
func (c *Connections) refresh(w http.ResponseWriter, r *http.Request, by Caller) error {
	got, err := c.uses.Refresh.Execute(r.Context(), chi.URLParam(r, "slug"), byOf(by))
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, refreshedBody{
		Fetched: got.Failure == "", Failure: got.Failure, Changes: listed(got.Changes), Metadata: metadataBodyOf(got.Copy.Good, got.Copy),
	})
}

// apply answers POST connections/apply. It is a dry run unless dry_run is false.
func (c *Connections) apply(w http.ResponseWriter, r *http.Request, by Caller) error {
	var body struct {
		Connections []struct {
			Slug string `json:"slug"`
			settingsBody
		} `json:"connections"`
		Prune  bool  `json:"prune"`
		DryRun *bool `json:"dry_run"`
	}
	if err := readJSON(w, r, connectionsMax, &body); err != nil {
		return err
	}
	var all []connection.Connection
	for _, one := range body.Connections {
		settings := connection.Settings{Slug: one.Slug}
		if err := one.change(&settings); err != nil {
			return err
		}
		via, err := connection.New(settings)
		if err != nil {
			return &application.InvalidConnectionError{Slug: one.Slug, Problems: strings.Split(err.Error(), "\n")}
		}
		all = append(all, via)
	}
	wanted, err := connection.NewDirectory(all...)
	if err != nil {
		return fault.InvalidRequest("Two of the connections have one slug. Give each its own.")
	}
	dry := body.DryRun == nil || *body.DryRun
	plan, err := c.uses.Apply.Execute(r.Context(), wanted, body.Prune, dry, byOf(by))
	if err != nil {
		return err
	}
	out := planBody{DryRun: dry, Unchanged: plan.Unchanged, Unlisted: listed(plan.Unlisted), Steps: []stepBody{}}
	for _, step := range plan.Steps {
		out.Steps = append(out.Steps, stepBody{step.Slug, string(step.Do), changesOf(step.Changes), listed(step.Metadata), listed(step.Warnings)})
	}
	return answer(w, http.StatusOK, out)
}
