package webui_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/ports"
)

// F75: what a screen reader, a telephone or a password manager makes of a page.
func TestApproveIsDescribedAndTheCodeIsSpelled(t *testing.T) {
	s := served(t)
	codes := s.device(label, elsewhere)
	v := s.visitor(home)
	page := v.signIn(codes.UserCode, "alice")
	v.sees(page, "decide", "")
	for _, id := range strings.Fields(attribute(page.element("approve"), "aria-describedby")) {
		if words(page.element(id)) == "" {
			t.Errorf("got no text in #%s, want what describes Approve", id)
		}
	}
	if got := attribute(page.element("approve"), "aria-describedby"); got != "verdict caution stop" {
		t.Errorf("Approve is described by %q, want verdict, caution and stop", got)
	}
	if strings.ContainsAny(page.text, "\u2066\u2067\u2068\u2069") {
		t.Error("got isolates in the text, want none")
	}
	var spelled, hidden bool
	for n := range page.main().Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		spelled = spelled || words(n) == strings.Join(strings.Split(codes.UserCode[:4], ""), " ")+", "+strings.Join(strings.Split(codes.UserCode[5:], ""), " ")
		hidden = hidden || words(n) == codes.UserCode && attribute(n, "aria-hidden") == "true"
	}
	if !spelled || !hidden {
		t.Errorf("got the code spelled %t, hidden from screen readers %t, want both", spelled, hidden)
	}
}

func TestCodeFieldsDisableAutocorrectionAndPasswordManagers(t *testing.T) { // F73, F75
	s := served(t, acme, globex)
	v := s.visitor(home)
	page := v.get("/device")
	field := page.element("code")
	for name, want := range map[string]string{"autocorrect": "off", "autocomplete": "off", "data-lpignore": "true", "data-form-type": "other"} {
		if got := attribute(field, name); got != want {
			t.Errorf("the code field has %s=%q, want %q", name, got, want)
		}
	}
	if got := attribute(field, "placeholder"); strings.ContainsAny(got, "ABCDEFGHJKLMNPQRSTUVWXY3456789") {
		t.Errorf("got the mask %q, want none that looks like a code", got)
	}
	var detection string
	for n := range page.doc.Descendants() {
		if attribute(n, "name") == "format-detection" {
			detection = attribute(n, "content")
		}
	}
	if !strings.Contains(detection, "telephone=no") {
		t.Errorf("got the format-detection %q, want no telephone numbers", detection)
	}
}

// The mail about a device is in the language in which its approval was read.
func TestAnApprovalKeepsTheLanguageOfItsPage(t *testing.T) {
	s := served(t)
	for chosen, want := range map[string]string{"": "en", "de": "de"} {
		codes := s.device(label+chosen, home)
		v := s.visitor(home)
		page := v.signIn(codes.UserCode, "alice")
		if chosen != "" {
			page = v.get(page.inLanguage(chosen))
		}
		v.sees(v.press(page, "approve"), "approved", "")
		code, err := device.ParseUserCode(codes.UserCode)
		if err != nil {
			t.Fatal(err)
		}
		err = s.store.View(t.Context(), func(ctx context.Context, r ports.Reader) error {
			a, err := r.Authorizations().ByUserCode(ctx, code)
			if err == nil && a.Snapshot().Language != want {
				t.Errorf("got the language %q, want %q", a.Snapshot().Language, want)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheGrantCookieEndsWithTheLastDecision(t *testing.T) {
	s := served(t)
	for _, id := range []string{"approve", "deny"} {
		v := s.visitor(home)
		f := v.signIn(s.device(label, home).UserCode, "alice").form(id)
		got := v.once(http.MethodPost, f.action, f.values)
		if cookies := strings.Join(got.header.Values("Set-Cookie"), "\n"); !strings.Contains(cookies, "device_approval_grant=;") {
			t.Errorf("%s: got the cookies %s, want device_approval_grant cleared", id, cookies)
		}
	}
}
