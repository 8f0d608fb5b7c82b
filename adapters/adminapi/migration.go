package adminapi

import (
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/acsmove"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/fault"
)

// Migration serves the move of identity providers to the canonical callback.
type Migration struct {
	respond *Responder
	uses    MigrationUses
}

// MigrationUses are what administrators do with callbacks.
type MigrationUses struct {
	Status       *application.ACSStatus
	Instructions *application.ACSInstructions
	Test         *application.TestACS
	Advance      *application.AdvanceACS
	Close        *application.CloseLegacyACS
	LinkURL      TestLinkURL
}

// TestLinkURL is the address at which a test link is opened.
type TestLinkURL func(acsmove.Link) string

// NewMigration makes the handlers.
func NewMigration(respond *Responder, uses MigrationUses) *Migration {
	return &Migration{respond, uses}
}

// Mount adds the routes.
func (m *Migration) Mount(r chi.Router) {
	r.Get("/migration", m.respond.json(m.list, pageParameters...))
	r.Post("/migration/advance", m.respond.json(m.advance))
	r.Post("/migration/revert", m.respond.json(m.revert))
	r.Post("/migration/close", m.respond.json(m.close))
	r.Get("/migration/{slug}", m.respond.json(m.show))
	r.Get("/migration/{slug}/text", m.respond.json(m.text, "idp"))
	r.Post("/migration/{slug}/test", m.respond.json(m.test))
}

// moveBody leaves out what is not known.
type moveBody struct {
	Connection  string      `json:"connection"`
	Registered  string      `json:"registered"`
	Advertised  string      `json:"advertised"`
	MovedAt     string      `json:"moved_at,omitempty"`
	MovedBy     string      `json:"moved_by,omitempty"`
	State       string      `json:"state"`
	Days        int         `json:"days,omitempty"`
	Verdict     string      `json:"verdict"`
	Proven      bool        `json:"proven"`
	NeedsLegacy string      `json:"needs_legacy,omitempty"`
	Legacy      trafficBody `json:"legacy"`
	Canonical   trafficBody `json:"canonical"`
	Test        string      `json:"test,omitempty"`
	TestReason  string      `json:"test_reason,omitempty"`
	TestDetail  string      `json:"test_detail,omitempty"`
}

type trafficBody struct {
	Requests          int64  `json:"requests"`
	LastRequestAt     string `json:"last_request_at,omitempty"`
	Good              int64  `json:"good"`
	LastGoodAt        string `json:"last_good_at,omitempty"`
	Refused           int64  `json:"refused"`
	LastRefusedAt     string `json:"last_refused_at,omitempty"`
	LastRefusedReason string `json:"last_refused_reason,omitempty"`
}

// MovesJSON is the list of moves, for encoding/json.
func MovesJSON(all []application.ACSState) any { return bodiesOf(all, moveBodyOf) }

func moveBodyOf(s application.ACSState) moveBody {
	move := s.Ledger.Move
	return moveBody{
		Connection: s.Connection.Slug(), Registered: string(s.Connection.Settings().ACSMount), Advertised: string(s.Advertised),
		MovedAt: jsonTime(move.MovedAt), MovedBy: move.MovedBy,
		State: string(s.Verdict.State), Days: s.Verdict.Days, Verdict: s.Verdict.String(), Proven: s.Proven, NeedsLegacy: s.Needs,
		Legacy: trafficBodyOf(s.Ledger.Legacy), Canonical: trafficBodyOf(s.Ledger.Canonical),
		Test: string(s.Test), TestReason: move.Test.Reason, TestDetail: move.Test.Detail,
	}
}

func trafficBodyOf(t acsmove.Traffic) trafficBody {
	return trafficBody{
		t.Requests, jsonTime(t.LastRequestAt), t.Succeeded, jsonTime(t.LastSuccessAt), t.Failed, jsonTime(t.LastFailureAt), t.LastFailureReason,
	}
}

// list answers GET migration.
func (m *Migration) list(w http.ResponseWriter, r *http.Request, _ Caller) error {
	page, err := pageOf(r.URL.Query())
	if err != nil {
		return err
	}
	all, err := m.uses.Status.Execute(r.Context())
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, listOf(page, all, moveBodyOf))
}

// show answers GET migration/{slug}.
func (m *Migration) show(w http.ResponseWriter, r *http.Request, _ Caller) error {
	all, err := m.uses.Status.Execute(r.Context())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(s application.ACSState) bool { return s.Connection.Slug() == chi.URLParam(r, "slug") })
	if i < 0 {
		return connection.ErrNotListed
	}
	setTag(w, all[i].Ledger.Move.Version())
	return answer(w, http.StatusOK, moveBodyOf(all[i]))
}

// text answers GET migration/{slug}/text.
func (m *Migration) text(w http.ResponseWriter, r *http.Request, _ Caller) error {
	text, product, err := m.uses.Instructions.Execute(r.Context(), chi.URLParam(r, "slug"), r.URL.Query().Get("idp"))
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, struct {
		IdP  acsmove.Product `json:"idp"`
		Text string          `json:"text"`
	}{product, text})
}

// test answers POST migration/{slug}/test.
func (m *Migration) test(w http.ResponseWriter, r *http.Request, by Caller) error {
	made, err := m.uses.Test.Execute(r.Context(), chi.URLParam(r, "slug"), by.Actor, by.Origin)
	if err != nil {
		return err
	}
	return answer(w, http.StatusCreated, struct {
		Link      string `json:"link"`
		ExpiresAt string `json:"expires_at"`
	}{m.uses.LinkURL(made.Link), jsonTime(made.ExpiresAt)})
}

var (
	errWhichMoves = fault.InvalidRequest("Name connections, or say all_proven: true, not both.")
	errNoMoves    = fault.InvalidRequest("Name the connections that are to be moved back.")
	errOneIfMatch = fault.InvalidRequest("If-Match is the ETag of one connection. Name that one alone.")
)

// advance answers POST migration/advance.
func (m *Migration) advance(w http.ResponseWriter, r *http.Request, by Caller) error {
	var body struct {
		Connections []string `json:"connections"`
		AllProven   bool     `json:"all_proven"`
		Unproven    bool     `json:"unproven"`
		DryRun      *bool    `json:"dry_run"`
	}
	if err := readJSON(w, r, bodyMax, &body); err != nil {
		return err
	}
	if body.AllProven == (len(body.Connections) > 0) {
		return errWhichMoves
	}
	return m.move(w, r, body.DryRun, application.Advance{Connections: body.Connections, Unproven: body.Unproven, By: by.Actor, Origin: by.Origin})
}

// revert answers POST migration/revert.
func (m *Migration) revert(w http.ResponseWriter, r *http.Request, by Caller) error {
	var body struct {
		Connections []string `json:"connections"`
		DryRun      *bool    `json:"dry_run"`
	}
	if err := readJSON(w, r, bodyMax, &body); err != nil {
		return err
	}
	if len(body.Connections) == 0 {
		return errNoMoves
	}
	return m.move(w, r, body.DryRun, application.Advance{Connections: body.Connections, Back: true, By: by.Actor, Origin: by.Origin})
}

// move is a dry run unless dry is false.
func (m *Migration) move(w http.ResponseWriter, r *http.Request, dry *bool, in application.Advance) (err error) {
	if in.Version, err = ifMatchTag(r); err != nil {
		return err
	}
	if in.Version != "" && len(in.Connections) != 1 {
		return errOneIfMatch
	}
	in.DryRun = dry == nil || *dry
	slugs, err := m.uses.Advance.Execute(r.Context(), in)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, struct {
		DryRun      bool     `json:"dry_run"`
		Connections []string `json:"connections"`
	}{in.DryRun, listed(slugs)})
}

// close answers POST migration/close. It is a dry run unless dry_run is false.
func (m *Migration) close(w http.ResponseWriter, r *http.Request, by Caller) error {
	var body struct {
		DryRun *bool `json:"dry_run"`
	}
	if r.ContentLength != 0 {
		if err := readJSON(w, r, bodyMax, &body); err != nil {
			return err
		}
	}
	dry := body.DryRun == nil || *body.DryRun
	if err := m.uses.Close.Execute(r.Context(), application.Closing{DryRun: dry, By: by.Actor, Origin: by.Origin}); err != nil {
		return err
	}
	return answer(w, http.StatusOK, struct {
		DryRun bool   `json:"dry_run"`
		Status string `json:"status"`
	}{dry, "not_needed"})
}
