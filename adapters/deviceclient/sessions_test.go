package deviceclient_test

import (
	"errors"
	"testing"

	"github.com/devicegate/devicegate/adapters/deviceclient"
)

var token = deviceclient.NewSecret("dfoe_secret")

func TestSessionsOfAllPages(t *testing.T) {
	client, _, script := run(t, map[string][]reply{canonicalAPI + "/account/sessions": {
		{status: 200, body: `{"has_more":true,"data":[{"id":"1","created_at":"2026-11-28T12:00:00Z","last_used_at":null}]}`},
		{status: 200, body: `{"has_more":false,"data":[{"id":"2"}]}`},
	}})
	list, err := client.Sessions(t.Context(), token)
	if err != nil || len(list) != 2 || list[0].ID != "1" || list[0].LastUsedAt != nil {
		t.Errorf("Sessions() = %v, %v, want 1, unused, and 2", list, err)
	}
	if script.count("GET "+canonicalAPI+"/account/sessions?limit=200&page=2") != 1 {
		t.Errorf("got the requests %v, want the second page asked for once", script.asked)
	}
}

func TestRevoke(t *testing.T) {
	client, _, _ := run(t, map[string][]reply{
		canonicalAPI + "/account/sessions/1": {{status: 200, body: `{"status":"revoked"}`}},
		canonicalAPI + "/account/sessions/2": {{status: 404, body: `{"error":"not_found","code":"not_found"}`}},
		canonicalAPI + "/account/sessions/3": {{status: 401}},
	})
	for id, want := range map[string]error{"1": nil, "2": deviceclient.ErrNoSession, "3": deviceclient.ErrNotSignedIn} {
		if err := client.Revoke(t.Context(), token, id); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", id, err, want)
		}
	}
}

func TestLogout(t *testing.T) {
	const self = canonicalAPI + "/account/sessions/self"
	for name, c := range map[string]struct {
		routes map[string][]reply
		asks   string
		ok     bool
	}{
		"RFC 7009 where it is offered": {map[string][]reply{metadataPath: {{status: 200, body: metadataBody}}, "/r": {{status: 200}}}, "POST /r client_id=difyctl&token=dfoe_secret&token_type_hint=access_token", true},
		"RFC 7009 after an outage":     {map[string][]reply{metadataPath: {{status: 200, body: metadataBody}}, "/r": {{status: 503}, {status: 200}}}, "POST /r", true},
		"RFC 7009 that fails":          {map[string][]reply{metadataPath: {{status: 200, body: metadataBody}}, "/r": {word("invalid_client")}}, "POST /r", false},
		"else the session":             {map[string][]reply{self: {{status: 200, body: `{}`}}}, "DELETE " + self, true},
		"a dead token":                 {map[string][]reply{self: {{status: 401}}}, "DELETE " + self, true},
		"the session, down":            {map[string][]reply{self: {{status: 500}}}, "DELETE " + self, false},
	} {
		client, _, script := run(t, c.routes)
		if err := client.Logout(t.Context(), token); (err == nil) != c.ok {
			t.Errorf("%s: got %v, want it done %t", name, err, c.ok)
		}
		if script.count(c.asks) == 0 {
			t.Errorf("%s: asked %v, want %s", name, script.asked, c.asks)
		}
	}
}

func TestAccount(t *testing.T) {
	client, _, _ := run(t, map[string][]reply{canonicalAPI + "/account": {{status: 200, body: `{"subject_email":"a@acme.example"}`}, {status: 401}}})
	if who, err := client.Account(t.Context(), token); err != nil || who.Email != "a@acme.example" {
		t.Errorf("Account() = %v, %v, want a@acme.example", who, err)
	}
	if _, err := client.Account(t.Context(), token); !errors.Is(err, deviceclient.ErrNotSignedIn) {
		t.Errorf("got %v, want ErrNotSignedIn", err)
	}
}
