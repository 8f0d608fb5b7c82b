package audit_test

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/uid"
)

func fullEvent(t *testing.T) audit.Event {
	t.Helper()
	email, err := identity.ParseEmail("ann@acme.example")
	if err != nil {
		t.Fatal(err)
	}
	subject, err := identity.NewSubject(email, "https://idp.acme.example", "name-id")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 25, 12, 0, 0, 120_000, time.FixedZone("", 3600))
	return audit.Event{
		ID: uid.ID{1}, Kind: audit.TokenMinted, At: at, Actor: audit.ClientOf("difyctl"), AuthorizationID: uid.ID{2},
		Subject: subject, TokenID: uid.ID{3}, TokenExpiresAt: at.Add(time.Hour), CreationIP: netip.MustParseAddr("2001:db8::1"),
		ClientID: "difyctl", DeviceLabel: `a "b" \c <é>` + "\u202e\n\x00\xff", Scopes: []string{"a", "b"},
		Connection: "acme", Mount: "canonical", Reason: "why", Detail: "what",
		Origin: request.Origin{ID: "r-1", IP: netip.MustParseAddr("192.0.2.1"), UserAgent: "difyctl/1"},
	}
}

// Seals of the past are made of these bytes: a change here makes every day that
// was sealed look as if it had been tampered with.
func TestTheJSONOfAnEventNeverChanges(t *testing.T) {
	const full = `{"id":"01000000-0000-0000-0000-000000000000","time":"2026-11-25T11:00:00.000120+00:00","event":"oauth.token_minted",` +
		`"actor_kind":"client","actor_name":"difyctl","authorization_id":"02000000-0000-0000-0000-000000000000",` +
		`"subject_type":"external_sso","subject_email":"ann@acme.example","subject_issuer":"https://idp.acme.example","subject_name_id":"name-id",` +
		`"token_id":"03000000-0000-0000-0000-000000000000","token_expires_at":"2026-11-25T12:00:00.000120+00:00","client_id":"difyctl",` +
		`"device_label":"a \"b\" \\c <é>\u202e\u000a\u0000�","scopes":["a","b"],"connection":"acme","mount":"canonical","reason":"why","detail":"what",` +
		`"ip":"192.0.2.1","creation_ip":"2001:db8::1","user_agent":"difyctl/1","request_id":"r-1"}`
	if got := string(fullEvent(t).AppendJSON(nil)); got != full {
		t.Errorf("\n got %s\nwant %s", got, full)
	}
	bare := audit.Event{ID: uid.ID{1}, Kind: audit.LoginFailed, At: time.Unix(0, 0)}
	const want = `before {"id":"01000000-0000-0000-0000-000000000000","time":"1970-01-01T00:00:00.000000+00:00","event":"sso.login_failed"}`
	if got := string(bare.AppendJSON([]byte("before "))); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAnyTextIsOneLineOfJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "text")
		line := audit.Event{Detail: text, Scopes: []string{text}}.AppendJSON(nil)
		var back struct {
			Detail string
			Scopes []string
		}
		if err := json.Unmarshal(line, &back); err != nil || back.Detail != string([]rune(text)) || back.Scopes[0] != back.Detail {
			t.Fatalf("%q: got %s, %v, want the text back", text, line, err)
		}
		if strings.ContainsAny(string(line), "\n\r\v\f\u0085\u2028\u2029\u202e\x1b") {
			t.Fatalf("%q: got %q, want one line that steers no terminal", text, line)
		}
	})
}
