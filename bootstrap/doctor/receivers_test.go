package doctor

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const webhookSecret = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

func TestReceiversThatAnswerAndThatDoNot(t *testing.T) {
	sent := false
	answers := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent = sent || r.Method != http.MethodHead
		w.WriteHeader(http.StatusMethodNotAllowed)
	}))
	defer answers.Close()
	moved := httptest.NewServer(http.RedirectHandler("http://elsewhere.example/", http.StatusFound))
	defer moved.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := l.Addr().String()
	_ = l.Close()
	for name, c := range map[string]struct {
		vars  map[string]string
		check string
		want  Status
		found string
	}{
		"webhook":       {map[string]string{"AUDIT_WEBHOOK_URL": answers.URL}, "audit webhook", OK, ""},
		"webhook moved": {map[string]string{"AUDIT_WEBHOOK_URL": moved.URL}, "audit webhook", Fail, "redirects are not followed"},
		"webhook gone":  {map[string]string{"AUDIT_WEBHOOK_URL": "http://" + gone}, "audit webhook", Fail, "refused"},
		"syslog":        {map[string]string{"AUDIT_SYSLOG_URL": "tcp://" + answers.Listener.Addr().String()}, "audit syslog", OK, ""},
		"syslog gone":   {map[string]string{"AUDIT_SYSLOG_URL": "tls://" + gone}, "audit syslog", Fail, "refused"},
		"mail gone":     {map[string]string{"SMTP_URL": "smtp://u:secret@" + gone, "MAIL_FROM": "a@b.example"}, "mail", Fail, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.vars["AUDIT_WEBHOOK_URL"] != "" {
				c.vars["AUDIT_WEBHOOK_SECRET"], c.vars["AUDIT_WEBHOOK_PRIVATE"] = webhookSecret, "true"
			}
			all := Examine(t.Context(), load(t, c.vars), Options{Transport: answering(nil)})
			want(t, all, c.check, c.want, c.found)
			for _, r := range all {
				if strings.Contains(r.Found, "secret") {
					t.Errorf("got %s, want no password in it", r.Found)
				}
			}
		})
	}
	if sent {
		t.Error("got an event at the webhook, want none sent")
	}
}
