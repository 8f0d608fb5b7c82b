package httpapi_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
)

func TestTheACSTakesAnEncryptedAssertionOf600kB(t *testing.T) {
	s := newFixture(t, options{})
	octets := []byte(strings.Repeat("\xfb\xff\xfe", 200_000)) // of which base64 is "+//+", the longest in a form
	cipher := base64.StdEncoding.EncodeToString(octets)
	document := base64.StdEncoding.EncodeToString([]byte(cipher))
	for name, tc := range map[string]struct {
		field string
		want  int
	}{
		"600 kB":                          {document, http.StatusBadRequest}, // it is read, and no response
		"600 kB with line ends":           {inLines(document), http.StatusBadRequest},
		"twice as much":                   {document + document, http.StatusRequestEntityTooLarge},
		"a body without an end in a form": {strings.Repeat("%", 3<<20), http.StatusRequestEntityTooLarge},
	} {
		w := s.send(ask{line: "POST /openapi/v1/oauth/device/sso-complete", body: "RelayState=x&SAMLResponse=" + url.QueryEscape(tc.field)})
		if w.Code != tc.want {
			t.Errorf("%s: got %d, want %d", name, w.Code, tc.want)
		}
	}
}

// inLines ends a line after each 76 characters, as MIME does.
func inLines(text string) string {
	var b strings.Builder
	for len(text) > 76 {
		b.WriteString(text[:76] + "\r\n")
		text = text[76:]
	}
	return b.String() + text
}

// A header that announces a large body makes nothing be set aside for it: many slow
// connections would cost as much memory as they announce.
func TestAnAnnouncedBodyTakesNoMemoryBeforeItComes(t *testing.T) {
	s := newFixture(t, options{})
	r := httptest.NewRequest(http.MethodPost, "/openapi/v1/oauth/device/sso-complete", io.MultiReader(strings.NewReader("SAMLResponse="), failing{}))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.ContentLength = 2 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	runtime.ReadMemStats(&after)
	if got, most := after.TotalAlloc-before.TotalAlloc, uint64(1<<20); w.Code != http.StatusBadRequest || got > most {
		t.Errorf("got %d and %d octets allocated, want 400 and at most %d", w.Code, got, most)
	}
}

// failing is a body that breaks off.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
