package otlplog_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/otlplog"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

func anEvent() audit.Event {
	return audit.New(audit.TokenMinted, audit.ClientOf("difyctl"), time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC), request.Origin{})
}

func sink(t *testing.T, address string) *otlplog.Sink {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return otlplog.New(otlplog.Config{Endpoint: u, Headers: map[string]string{"api-key": "secret"}, Service: "devicegate", Resource: map[string]string{"deployment.environment.name": "staging"}})
}

func TestAnEventIsALogRecord(t *testing.T) {
	e := anEvent()
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("api-key") != "secret" || r.Header.Get("Content-Type") != "application/json" || r.URL.Path != "/v1/logs" {
			t.Errorf("got %v %s %v, want JSON with the key, to /v1/logs", r.Header, r.URL, err)
		}
		got = string(body)
		_, _ = w.Write([]byte(`{"partialSuccess":{}}`))
	}))
	defer server.Close()
	if err := sink(t, server.URL+"/v1/logs").Deliver(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	line, err := json.Marshal(string(e.AppendJSON(nil)))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"devicegate"}},{"key":"deployment.environment.name","value":{"stringValue":"staging"}}]},` +
		`"scopeLogs":[{"scope":{"name":"devicegate/audit"},"logRecords":[{"timeUnixNano":"1795953600000000000","severityNumber":9,"severityText":"INFO","eventName":"oauth.token_minted","body":{"stringValue":` + string(line) + `},` +
		`"attributes":[{"key":"event.id","value":{"stringValue":"` + e.ID.String() + `"}},{"key":"event.name","value":{"stringValue":"oauth.token_minted"}}]}]}]}]}`
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestWhatCollectorsAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   string
		later  time.Duration
	}{
		"rejected as text": {200, `{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"ann@example.com"}}`, "rejected", 0},
		"rejected":         {200, `{"partialSuccess":{"rejectedLogRecords":1}}`, "rejected", 0},
		"none rejected":    {200, `{"partialSuccess":{"rejectedLogRecords":"0"}}`, "", 0},
		"no JSON":          {200, `ok`, "", 0},
		"accepted":         {202, "", "", 0},
		"no content":       {204, "", "", 0},
		"accepted in part": {202, `{"partialSuccess":{"rejectedLogRecords":1}}`, "rejected", 0},
		"no last answer":   {300, "", "answered 300", time.Minute},
		"unavailable":      {503, "", "answered 503", time.Minute},
		"a redirect":       {302, "", "answered 302", time.Minute},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "60")
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.body))
		}))
		err := sink(t, server.URL).Deliver(t.Context(), anEvent())
		server.Close()
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "ann@")) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
		var later *ports.Later
		if errors.As(err, &later); (later != nil) != (c.later != 0) || later != nil && later.After != c.later {
			t.Errorf("%s: got %v, want %s", name, later, c.later)
		}
	}
	if err := sink(t, "http://127.0.0.1:1/?key=secret").Deliver(t.Context(), anEvent()); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v, want an error without the query", err)
	}
}
