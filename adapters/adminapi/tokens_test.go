package adminapi_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// minted is a token that is stored.
func (s *fixture) minted(label string, subject identity.Type) uid.ID {
	s.t.Helper()
	email, err := identity.ParseEmail("ann@acme.example")
	if err != nil {
		s.t.Fatal(err)
	}
	of := token.Device{Email: email, Issuer: "https://idp.acme.example", ClientID: "difyctl", Label: label}
	issued, _, event := token.Mint(token.Order{ID: uid.New(s.Clock.Now()), Device: of, Subject: subject, Lifetime: applicationtest.TokenLife}, s.Clock.Now(), applicationtest.From("192.0.2.7"))
	err = s.Store.Update(s.t.Context(), func(ctx context.Context, tx ports.Tx) error { return tx.Tokens().Add(ctx, issued, event) })
	if err != nil {
		s.t.Fatal(err)
	}
	return issued.Snapshot().ID
}

func decoded[T any](t *testing.T, w *httptest.ResponseRecorder) (body T) {
	t.Helper()
	if w.Code != http.StatusOK {
		t.Fatalf("got %d: %s, want 200", w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	return body
}

type listed struct {
	Total   int
	HasMore bool `json:"has_more"`
	Data    []struct {
		ID, RevokedAt string
		Label         string `json:"device_label"`
		Live          bool
	}
}

func TestAdministratorsListTokens(t *testing.T) {
	s := newFixture(t)
	for _, label := range []string{"one", "two", "three"} {
		s.minted(label, identity.ExternalSSO)
	}
	for query, want := range map[string]string{
		"":                                      "three two one",
		"?device_label=two":                     "two",
		"?device_label=four":                    "",
		"?limit=2":                              "three two",
		"?limit=2&page=2":                       "one",
		"?subject_email=ANN@acme.example":       "three two one",
		"?issued_after=2026-11-26":              "",
		"?connection=acme":                      "",
		"?ended=true&client_id=difyctl&limit=1": "three",
	} {
		got := decoded[listed](t, s.as("GET /admin/v1/tokens"+query, ""))
		var labels []string
		for _, one := range got.Data {
			labels = append(labels, one.Label)
		}
		more := query == "?limit=2" || strings.HasSuffix(query, "limit=1")
		if strings.Join(labels, " ") != want || got.HasMore != more {
			t.Errorf("%s: got %v, want %s", query, got, want)
		}
	}
}

func TestAdministratorsRevokeTokens(t *testing.T) {
	s := newFixture(t)
	one := s.minted("one", identity.ExternalSSO)
	s.minted("two", identity.ExternalSSO)
	for _, c := range []struct {
		body       string
		dry        bool
		tokens     int
		live, acts int
	}{
		{`{"filter":{"subject_issuer":"https://idp.acme.example"}}`, true, 2, 2, 0},
		{`{"filter":{"subject_issuer":"https://idp.acme.example"},"dry_run":true}`, true, 2, 2, 0},
		{`{"all":true}`, true, 2, 2, 0},
		{`{"filter":{"device_label":"one"},"dry_run":false}`, false, 1, 1, 1},
		{`{"filter":{"device_label":"one"},"dry_run":false}`, false, 0, 1, 2},
		{`{"all":true,"dry_run":false}`, false, 1, 0, 3},
	} {
		got := decoded[struct {
			DryRun bool `json:"dry_run"`
			Tokens int
		}](t, s.as("POST /admin/v1/tokens/revoke", c.body))
		if got.DryRun != c.dry || got.Tokens != c.tokens || s.LiveTokens(t) != c.live || s.Count(t, audit.TokensRevoked) != c.acts {
			t.Errorf("%s: got %+v, %d live, %d events; want %+v", c.body, got, s.LiveTokens(t), s.Count(t, audit.TokensRevoked), c)
		}
	}
	for _, e := range s.AuditEvents(t) {
		if e.Kind == audit.TokensRevoked && (e.Actor != audit.AdminOf("ann") || e.Origin.ID == "" || !e.Origin.IP.IsValid()) {
			t.Errorf("got the event %+v, want ann, the request and its address", e)
		}
	}
	shown := decoded[struct {
		Live      bool
		RevokedAt string `json:"revoked_at"`
	}](t, s.as("GET /admin/v1/tokens/"+one.String(), ""))
	if shown.Live || !strings.HasSuffix(shown.RevokedAt, ".000000+00:00") {
		t.Errorf("got %+v, want when it ended", shown)
	}
}

func TestAdministratorsEndOneToken(t *testing.T) {
	s := newFixture(t)
	one, account := s.minted("one", identity.ExternalSSO), s.minted("account", identity.Account)
	for range 2 { // one that ended stays ended
		decoded[struct{}](t, s.as("DELETE /admin/v1/tokens/"+strings.ToUpper(one.String()), ""))
	}
	if n := s.Count(t, audit.TokenRevoked); n != 1 {
		t.Errorf("got %d events, want one", n)
	}
	s.refused(s.as("DELETE /admin/v1/tokens/"+account.String(), ""), http.StatusConflict, "token_of_account")
	for _, id := range []string{uid.New(s.Clock.Now()).String(), "revoke", "self", "00000000-0000-0000-0000-000000000000", "x"} {
		s.refused(s.as("DELETE /admin/v1/tokens/"+id, ""), http.StatusNotFound, "unknown_token")
		s.refused(s.as("GET /admin/v1/tokens/"+id, ""), http.StatusNotFound, "unknown_token")
	}
}

func TestInvalidRequestsAboutTokensAreRefused(t *testing.T) {
	s := newFixture(t)
	s.minted("one", identity.ExternalSSO)
	for body, want := range map[string]string{
		`{}`:                              "empty_filter",
		`{"dry_run":false}`:               "empty_filter",
		`{"filter":{},"dry_run":false}`:   "empty_filter",
		`{"filter":null,"dry_run":false}`: "empty_filter",
		`{"all":false,"dry_run":false}`:   "empty_filter",
		`{"all":true,"filter":{"client_id":"difyctl"},"dry_run":false}`:         "empty_filter",
		`{"filter":{"client_id":"difyctl","subject_email":""},"dry_run":false}`: "invalid_filter",
		`{"filter":{"issuer":"x"},"dry_run":false}`:                             "invalid_filter",
		`{"filter":{"issued_after":"soon"},"dry_run":false}`:                    "invalid_filter",
		`{"filter":{"fetched_from":"10.0.0.0/40"},"dry_run":false}`:             "invalid_filter",
		`{"filter":{"used_after":"2026-11-02","used_before":"2026-11-01"}}`:     "invalid_filter",
		`{"filter":{"client_id":5},"dry_run":false}`:                            "invalid_request",
		`{"filter":"all","dry_run":false}`:                                      "invalid_request",
		`{"client_id":"difyctl","all":true,"dry_run":false}`:                    "invalid_request",
		`{"all":"yes","dry_run":false}`:                                         "invalid_request",
		`{"all":true,"dry_run":"false"}`:                                        "invalid_request",
		`{"all":true,"dry_run":true,"dry_run":false}`:                           "invalid_request",
		`{"filter":{"client_id":"a","client_id":"b"},"dry_run":false}`:          "invalid_request",
		``: "invalid_request",
	} {
		status := http.StatusUnprocessableEntity
		if want == "invalid_request" {
			status = http.StatusBadRequest
		}
		s.refused(s.as("POST /admin/v1/tokens/revoke", body), status, want)
	}
	for query, want := range map[string]string{
		"?issued_after=soon": "invalid_filter", "?subject_email=": "invalid_filter", "?limit=0": "invalid_param", "?ended=maybe": "invalid_param", "?all=true": "invalid_param",
	} {
		s.refused(s.as("GET /admin/v1/tokens"+query, ""), http.StatusUnprocessableEntity, want)
	}
	s.refused(s.as("GET /admin/v1/tokens?client_id=a&client_id=b", ""), http.StatusBadRequest, "invalid_request")
	if s.LiveTokens(t) != 1 || s.Count(t, audit.TokensRevoked) != 0 {
		t.Errorf("got %d tokens alive and %d events of a revocation after refused requests, want 1 and 0", s.LiveTokens(t), s.Count(t, audit.TokensRevoked))
	}
}
