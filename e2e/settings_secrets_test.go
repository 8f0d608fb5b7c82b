package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/administrator"
	"github.com/devicegate/devicegate/e2e/services"
)

// receivers are a webhook, a collector and a mail server that fail and repeat what
// they were sent.
type receivers struct {
	web  *httptest.Server
	mail net.Listener

	mu    sync.Mutex
	asked map[string]bool // by path; "mail"
}

func newReceivers(t *testing.T) *receivers {
	r := &receivers{asked: map[string]bool{}}
	r.web = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.was(q.URL.Path)
		w.WriteHeader(http.StatusInternalServerError)
		_ = json.NewEncoder(w).Encode(map[string]any{"uri": q.RequestURI, "headers": q.Header})
	}))
	t.Cleanup(r.web.Close)
	var err error
	if r.mail, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.mail.Close() })
	go func() {
		for {
			c, err := r.mail.Accept()
			if err != nil {
				return
			}
			r.was("mail")
			_, _ = fmt.Fprint(c, "554 not today\r\n")
			_ = c.Close()
		}
	}()
	return r
}

func (r *receivers) was(asked string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked[asked] = true
}

// await returns when each of them was asked.
func (r *receivers) await(t *testing.T, each ...string) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(2 * time.Minute); ; <-tick.C {
		r.mu.Lock()
		missing := ""
		for _, one := range each {
			if !r.asked[one] {
				missing += " " + one
			}
		}
		r.mu.Unlock()
		if missing == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("got no request to%s within two minutes, want one", missing)
		}
	}
}

// Secrets of the settings are used in a journey, rightly and wrongly, while every
// receiver fails.
func TestSettingsLeaveNoSecretBehind(t *testing.T) {
	t.Parallel()
	w := productionWorld(t)
	receivers := newReceivers(t)
	name, err := administrator.ParseName("ann")
	if err != nil {
		t.Fatal(err)
	}
	credential, admin := administrator.NewCredential(name)
	secrets := map[string]string{
		"administrator's token": admin.Reveal(), "wrong administrator's token": admin.Reveal()[:40] + "xyz",
		"introspection secret": "introspection+secret/0123456789", "wrong introspection secret": "another-secret-0123456789",
		"previous secret key": "previous-secret-key-0123456789-0123456789", "mail password": "mail-password-0123456789",
		"webhook's key": "webhook-key-0123456789", "webhook secret": "d2ViaG9vay1zZWNyZXQtMDEyMzQ1Njc4OS0wMTIzNDU=", "collector's key": "collector-key-0123456789",
	}
	ops := fmt.Sprintf("localhost:%d", services.Port(t))
	maps.Copy(w.Env, map[string]string{
		"OPS_ADDR": ops, "ADMIN_TOKENS": credential.String(), "WITH_WORKER": "on",
		"INTROSPECTION_CLIENTS": "api:" + secrets["introspection secret"], "SECRET_KEY_PREVIOUS": secrets["previous secret key"],
		"SMTP_URL": "smtp://mailer:" + secrets["mail password"] + "@" + receivers.mail.Addr().String(), "MAIL_FROM": "no-reply@example.com",
		"AUDIT_WEBHOOK_URL":     receivers.web.URL + "/hook?key=" + secrets["webhook's key"],
		"AUDIT_WEBHOOK_PRIVATE": "true", "AUDIT_WEBHOOK_SECRET": "whsec_" + secrets["webhook secret"],
		"OTEL_EXPORTER_OTLP_ENDPOINT": receivers.web.URL, "OTEL_EXPORTER_OTLP_HEADERS": "x-key=" + secrets["collector's key"], "OTEL_LOGS_EXPORTER": "otlp",
	})
	stop := w.serve()
	journey, _ := w.journeyWithSecrets()
	maps.Copy(secrets, journey)

	answers := ""
	ask := func(method, address string, form url.Values, want int, credentials func(*http.Request)) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		credentials(r)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != want {
			t.Errorf("%s %s: got %s %s and %v, want %d", method, address, resp.Status, body, err, want)
		}
		answers += string(body)
	}
	bearer := func(token string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	}
	api := func(secret string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth("api", url.QueryEscape(secret)) }
	}
	token := url.Values{"token": {journey["token"]}}
	ask(http.MethodPost, w.public+"/oauth2/introspect", token, http.StatusOK, api(secrets["introspection secret"]))
	ask(http.MethodPost, w.public+"/oauth2/introspect", token, http.StatusUnauthorized, api(secrets["wrong introspection secret"]))
	ask(http.MethodGet, "http://"+ops+"/admin/v1/tokens", nil, http.StatusOK, bearer(secrets["administrator's token"]))
	ask(http.MethodGet, "http://"+ops+"/admin/v1/tokens", nil, http.StatusUnauthorized, bearer(secrets["wrong administrator's token"]))
	ask(http.MethodGet, w.public+"/admin/v1/tokens", nil, http.StatusNotFound, bearer(secrets["administrator's token"]))
	ask(http.MethodGet, w.public+"/openapi/v1/account", nil, http.StatusUnauthorized, bearer(secrets["administrator's token"]))
	ask(http.MethodGet, "http://"+ops+"/metrics", nil, http.StatusOK, func(*http.Request) {})
	receivers.await(t, "/hook", "/v1/traces", "/v1/logs", "mail")
	stop()
	w.holdsNone(secrets, map[string]string{"the log": w.Logs.String(), "the database": w.databaseDump(), "Redis": w.redisDump(), "answers": answers})
}
