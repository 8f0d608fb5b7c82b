package webui

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/notice"
	"github.com/devicegate/devicegate/domain/place"
	"github.com/devicegate/devicegate/domain/uid"
)

func TestMailsInEveryLanguage(t *testing.T) {
	to, err := identity.ParseEmail("ann@example.com")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	public := &url.URL{Scheme: "https", Host: "login.example", Path: "/gate"}
	w := NewNoticeWriter(Config{Brand: Brand{Name: "ACME\r\nBcc: eve"}}, public)
	for _, l := range locales {
		subjects := map[string]bool{}
		for _, kind := range []notice.Kind{notice.DeviceConnected, notice.DeviceEnded} {
			m, err := w.Write(notice.Notice{
				Order: notice.Order{Kind: kind, Event: uid.New(at)}, To: to, Language: l.tag.String(), Client: "Dify CLI",
				Label: "<b>pay</b> at https://evil.example\r\nX: y\u202e\u200f", At: at, From: netip.MustParseAddr("192.0.2.7"),
			})
			if err != nil {
				t.Fatal(err)
			}
			subjects[m.Subject] = true
			if m.Language != l.tag.String() {
				t.Errorf("got the language %s, want %s", m.Language, l.tag)
			}
			if strings.ContainsAny(m.Subject, "\r\n") || strings.Contains(m.Subject, "pay") {
				t.Errorf("got the subject %q, want one line without the label", m.Subject)
			}
			for form, text := range map[string]string{"text": m.Text, "HTML": m.HTML} {
				for _, want := range []string{"Dify CLI", "192.0.2.7", "2026-11-29 12:00 UTC", "https://login.example/gate/device/sessions"} {
					if !strings.Contains(text, want) {
						t.Errorf("%s %s %s: got %s, want %q in it", l.tag, kind, form, text, want)
					}
				}
				for _, wrong := range []string{"https://evil", "evil.example\n", "\u202e", "\u200f", "mail.client", "\nX: y"} {
					if strings.Contains(text, wrong) {
						t.Errorf("%s %s %s: got %s, want no %q in it", l.tag, kind, form, text, wrong)
					}
				}
			}
			if strings.Contains(m.HTML, "<b>pay") {
				t.Errorf("got %s, want the label escaped", m.HTML)
			}
		}
		if len(subjects) != 2 {
			t.Errorf("%s: got the subjects %v, want another for a device that was ended", l.tag, subjects)
		}
	}
	berlin := place.New(place.Names{"en": "Berlin"}, place.Names{"en": "Germany", "de": "Deutschland"}, "https://net.example")
	for language, want := range map[string]string{"en": "192.0.2.7 (near Berlin, Germany", "de": "192.0.2.7 (bei Berlin, Deutschland"} {
		m, err := w.Write(notice.Notice{Order: notice.Order{Kind: notice.DeviceConnected}, To: to, Language: language, From: netip.MustParseAddr("192.0.2.7"), Place: berlin})
		if err != nil || !strings.Contains(m.Text, want) || !strings.Contains(m.HTML, want) || strings.Contains(m.Text, "https://net") {
			t.Errorf("got %s, %v, want %q in it, and no link of the operator's name", m.Text, err, want)
		}
	}
	m, err := w.Write(notice.Notice{Order: notice.Order{Kind: notice.DeviceConnected}, To: to, Language: "tlh"})
	if err != nil || m.Language != "en" || strings.Contains(m.Text, "Address") {
		t.Errorf("got %+v, %v, want English, and no line for an unknown address", m, err)
	}
}
