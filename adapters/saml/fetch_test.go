package saml_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/saml/samltest"
	"github.com/devicegate/devicegate/domain/connection"
)

func epoch() time.Time { return samltest.Epoch }

// redirects answers each address with the next, and what is none with metadata.
func redirects(document []byte, next map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Referer") != "" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		if to, ok := next[r.URL.String()]; ok {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
			return
		}
		_, _ = w.Write(document)
	}
}

func TestMetadataRedirectsAreBoundedAndStayOnHTTPS(t *testing.T) {
	document := samltest.NewIdP(t, idpID).Metadata()
	long := map[string]string{}
	for i := range 9 {
		long[fmt.Sprintf("https://idp.test/%d", i)] = fmt.Sprintf("https://idp.test/%d", i+1)
	}
	for name, tc := range map[string]struct {
		from string
		next map[string]string
		says string // empty: it is followed
	}{
		"https to https":          {"https://idp.test/a?t=1", map[string]string{"https://idp.test/a?t=1": "https://cdn.test/b"}, ""},
		"http to https":           {"http://idp.test/a", map[string]string{"http://idp.test/a": "https://idp.test/a"}, ""},
		"five":                    {"https://idp.test/4", long, ""},
		"six":                     {"https://idp.test/3", long, "more than 5 redirects"},
		"https to http":           {"https://idp.test/a", map[string]string{"https://idp.test/a": "http://idp.test/b?t=SECRET"}, "a redirect from https to http://idp.test/b"},
		"https to http, later":    {"https://idp.test/a", map[string]string{"https://idp.test/a": "https://idp.test/b", "https://idp.test/b": "http://idp.test/b"}, "from https to http"},
		"http to https and back":  {"http://idp.test/a", map[string]string{"http://idp.test/a": "https://idp.test/b", "https://idp.test/b": "http://idp.test/b"}, "from https to http"},
		"http to a file":          {"http://idp.test/a", map[string]string{"http://idp.test/a": "file:///etc/passwd"}, "a redirect to file:///etc/passwd, which is no web address"},
		"one that cannot be read": {"https://idp.test/a", map[string]string{"https://idp.test/a": "https://u:SECRET@idp.test/%zz?t=SECRET"}, "Location"},
		"a circle":                {"https://idp.test/a", map[string]string{"https://idp.test/a": "https://idp.test/a"}, "more than 5 redirects"},
	} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			b := fetching(t, tc.from, redirects(document, tc.next), epoch, &log)
			b.Maintain(t.Context())
			problems := b.Problems()
			if tc.says == "" && len(problems) != 0 || tc.says != "" && (len(problems) != 1 || !strings.Contains(problems[0].Text, tc.says)) {
				t.Errorf("got the problems %v, want %q", problems, tc.says)
			}
			if strings.Contains(log.String(), "SECRET") {
				t.Errorf("got the secret in the log %s, want none", log.String())
			}
		})
	}
}

// roundTrip is a transport that is a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// cut breaks off in the middle.
type cut struct{}

func (cut) Read([]byte) (int, error) { return 0, errors.New("cut off after /x?token=SECRET") }
func (cut) Close() error             { return nil }

func TestSecretsInAMetadataURLAreNotShown(t *testing.T) {
	const address = "https://user:SECRET@idp.test/x?token=SECRET"
	answers := func(status int, body string) roundTrip {
		return transport{http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		})}.RoundTrip
	}
	fails := func(err error) roundTrip {
		return func(*http.Request) (*http.Response, error) { return nil, err }
	}
	from := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 54321}
	to := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 443}
	for name, tc := range map[string]struct {
		through roundTrip
		says    string
	}{
		"not there":           {answers(http.StatusNotFound, ""), "https://idp.test/x answered 404 Not Found"},
		"a page":              {answers(http.StatusOK, "hello"), "xml_malformed"},
		"no network":          {fails(&net.OpError{Op: "read", Net: "tcp", Source: from, Addr: to, Err: errors.New("reset")}), "metadata: https://idp.test/x: read tcp 10.0.0.2:443: reset"},
		"a quotation":         {fails(&url.Error{Op: "Get", URL: address, Err: errors.New("no")}), "metadata: https://idp.test/x: no"},
		"an end too early":    {fails(io.ErrUnexpectedEOF), "metadata: https://idp.test/x: the document was cut off on its way"},
		"a private authority": {fails(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}), "name the authority in metadata_ca_file"},
		"blanks without end":  {answers(http.StatusOK, strings.Repeat(" ", 33<<20)), "metadata: https://idp.test/x: xml_too_large"},
		"cut off": {func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Body: cut{}, Request: r}, nil
		}, "metadata: https://idp.test/x: cut off after /x"},
	} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			b, via := fetchingThrough(t, address, tc.through, epoch, &log)
			b.Maintain(t.Context())
			if !strings.Contains(log.String(), tc.says) {
				t.Errorf("got the log %s, want %s in it", log.String(), tc.says)
			}
			_, err := b.Begin(t.Context(), via, signInRequest(&bench{via: via, at: epoch(), on: connection.Canonical}))
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v, want %s", err, tc.says)
			}
			for shown := error(err); shown != nil; shown = errors.Unwrap(shown) {
				if strings.Contains(fmt.Sprintf("%v %+v", shown, shown), "SECRET") {
					t.Errorf("got %v, want the secret left out", shown)
				}
			}
			if all := fmt.Sprint(b.Problems(), b.Warnings(), log.String()); strings.Contains(all, "SECRET") || strings.Contains(all, "54321") {
				t.Errorf("got %s, want the secret and the local port left out", all)
			}
		})
	}
}
