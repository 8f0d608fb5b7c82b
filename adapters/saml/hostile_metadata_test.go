package saml_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devicegate/devicegate/adapters/saml"
	"github.com/devicegate/devicegate/adapters/saml/samltest"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

func viaURL(t testing.TB, address string, changes ...func(*connection.SAMLSettings)) connection.Connection {
	t.Helper()
	source := connection.SAMLSettings{MetadataURL: address}
	for _, change := range changes {
		change(&source)
	}
	via, err := connection.New(connection.Settings{Slug: "acme", Domains: []string{"example.com"}, SAML: source})
	if err != nil {
		t.Fatal(err)
	}
	return via
}

func allowPrivate(s *connection.SAMLSettings) { s.MetadataPrivate = true }

// body is a response that is read from r.
func body(r io.Reader, header ...string) roundTrip {
	return func(request *http.Request) (*http.Response, error) {
		answer := &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(r), Request: request, Header: http.Header{}}
		for i := 0; i+1 < len(header); i += 2 {
			answer.Header.Set(header[i], header[i+1])
		}
		return answer, nil
	}
}

// endless is white space without an end.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	e.read += len(p)
	return copy(p, bytes.Repeat([]byte(" "), len(p))), nil
}

func TestHostileMetadataIsRefused(t *testing.T) {
	usual := string(samltest.NewIdP(t, idpID).Metadata())
	bomb := `<!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>` +
		strings.Replace(usual, idpID, "&b;", 1)
	gigabyte := new(endless)
	for name, tc := range map[string]struct {
		from io.Reader
		says string
	}{
		"a DTD":                {strings.NewReader(`<!DOCTYPE md SYSTEM "file:///etc/passwd">` + usual), "xml_dtd"},
		"an entity bomb":       {strings.NewReader(bomb), "xml_dtd"},
		"an undeclared entity": {strings.NewReader(strings.Replace(usual, idpID, "&xxe;", 1)), "xml_malformed"},
		"without an end":       {io.MultiReader(strings.NewReader(usual), gigabyte), "xml_too_large"},
		"deeply nested":        {strings.NewReader(strings.Repeat("<a>", 10_000)), "xml_too_deep"},
		"many elements":        {strings.NewReader("<a>" + strings.Repeat("<a/>", 1_100_000) + "</a>"), "xml_too_many_elements"},
		"truncated":            {strings.NewReader(usual[:len(usual)/2]), "xml_malformed"},
		"cut off":              {io.MultiReader(strings.NewReader(usual), cut{}), "cut off"},
		"two documents":        {strings.NewReader(usual + usual), "xml_two_roots"},
	} {
		t.Run(name, func(t *testing.T) {
			r := saml.NewReader(epoch).ReadThrough(body(tc.from))
			_, err := r.Read(t.Context(), viaURL(t, "https://idp.test/metadata"))
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v, want %s", err, tc.says)
			}
		})
	}
	if gigabyte.read > 64<<20 {
		t.Errorf("got %d bytes read of a document without an end, want less than 64 MiB", gigabyte.read)
	}
}

// A server that compresses cannot make the document larger than one that does
// not: the limit is on what is read.
func TestCompressedMetadataHasTheSameLimit(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := io.CopyN(w, new(endless), 100<<20); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed.Bytes())
	}))
	defer server.Close()
	_, err := saml.NewReader(epoch).Read(t.Context(), viaURL(t, server.URL, allowPrivate))
	if err == nil || !strings.Contains(err.Error(), "xml_too_large") {
		t.Errorf("got %v, want xml_too_large", err)
	}
}

func TestSlowMetadataServerIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done() // not a byte
			return nil, r.Context().Err()
		})
		began := time.Now()
		_, err := saml.NewReader(ports.SystemClock).ReadThrough(slow).Read(t.Context(), viaURL(t, "https://idp.test/metadata"))
		if err == nil || time.Since(began) != saml.FetchTimeout || !strings.Contains(err.Error(), "has to come within 10s") { // of the bubble's clock
			t.Errorf("got %v after %s, want an error that says so after %s", err, time.Since(began), saml.FetchTimeout)
		}
	})
}

func TestMetadataIsNotFetchedFromPrivateAddresses(t *testing.T) {
	document := samltest.NewIdP(t, idpID).Metadata()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(document) }))
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	named := "https://localhost:" + port + "/"
	for name, tc := range map[string]struct {
		address string
		from    string // redirects to address; empty: it is asked itself
		says    string
	}{
		"loopback":                {server.URL, "", "127.0.0.1 is a private address"},
		"a name that leads there": {named, "", "is a private address: set metadata_private: true"},
		"RFC 1918":                {"https://10.1.2.3/", "", "10.1.2.3 is a private address"},
		"unique local":            {"https://[fd00::1]/", "", "fd00::1 is a private address"},
		"mapped":                  {"https://[::ffff:192.168.0.1]/", "", "192.168.0.1 is a private address"},
		"NAT64":                   {"https://[64:ff9b::a00:1]/", "", "10.0.0.1 is a private address"},
		"6to4":                    {"https://[2002:7f00:1::]/", "", "127.0.0.1 is a private address"},
		"carrier-grade NAT":       {"https://100.64.0.1/", "", "100.64.0.1 is a private address"},
		"zero":                    {"https://0.0.0.0/", "", "0.0.0.0 is an address from which no metadata is fetched"},
		"a cloud's secrets":       {"https://169.254.169.254/latest/", "", "169.254.169.254 is an address from which no metadata is fetched"},
		"a redirect":              {"https://10.1.2.3/", "https://idp.test/", "10.1.2.3 is a private address"},
		"a redirect to a name":    {named, "https://idp.test/", "is a private address"},
		"a redirect to secrets":   {"https://169.254.169.254/", "https://idp.test/", "169.254.169.254"},
		"http":                    {"http://idp.test/", "", "comes over http"},
	} {
		t.Run(name, func(t *testing.T) {
			via := viaURL(t, tc.address)
			network := saml.Network(via.Settings().SAML)
			through := roundTrip(func(r *http.Request) (*http.Response, error) {
				if r.URL.Host == "idp.test" {
					return transport{http.RedirectHandler(tc.address, http.StatusFound)}.RoundTrip(r)
				}
				return network.RoundTrip(r)
			})
			if tc.from != "" {
				via = viaURL(t, tc.from)
			}
			_, err := saml.NewReader(epoch).ReadThrough(through).Read(t.Context(), via)
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v, want %s", err, tc.says)
			}
		})
	}
}

func TestPrivateAddressesAndAuthoritiesCanBeAllowed(t *testing.T) {
	idp := samltest.NewIdP(t, idpID)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", samltest.Epoch.Add(4*time.Minute).Format(http.TimeFormat))
		_, _ = w.Write(idp.Metadata())
	}))
	defer server.Close()
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	read := func(changes ...func(*connection.SAMLSettings)) (connection.Metadata, error) {
		return saml.NewReader(epoch).Read(t.Context(), viaURL(t, server.URL, append(changes, allowPrivate)...))
	}
	if _, err := read(); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v, want an unknown authority", err)
	}
	got, err := read(func(s *connection.SAMLSettings) { s.MetadataCA = authority })
	if err != nil {
		t.Fatal(err)
	}
	if got.EntityID != idpID || len(got.Keys) != 1 || len(got.Keys[0].Fingerprint) != 16 || len(got.Keys[0].Certificate) != 64 || got.ServerClock != 4*time.Minute || len(got.Bindings) != 2 {
		t.Errorf("got %+v, want one key with its fingerprint", got)
	}
	if _, err := read(func(s *connection.SAMLSettings) { s.MetadataCA = []byte("none") }); err == nil || !strings.Contains(err.Error(), "metadata_ca_file") {
		t.Errorf("got %v, want a refusal of metadata_ca_file", err)
	}
	if _, err := saml.NewReader(epoch).Read(t.Context(), viaURL(t, "https://169.254.169.254/", allowPrivate)); err == nil {
		t.Error("got no error for a link-local address, want one")
	}
}

// A document of a federation is not kept whole.
func TestOneEntityOfAFederationIsKept(t *testing.T) {
	idp := samltest.NewIdP(t, idpID)
	other := samltest.NewIdPWithKey(t, "https://other.test", samltest.RSAKey(t, 1))
	federation := `<md:EntitiesDescriptor ` + mdNS + ` validUntil="2026-12-31T00:00:00Z">` + string(other.Metadata()) + string(idp.Metadata()) + `</md:EntitiesDescriptor>`
	via, err := connection.New(connection.Settings{
		Slug: "acme", Domains: []string{"example.com"}, EntityID: idpID,
		SAML: connection.SAMLSettings{MetadataURL: "https://federation.test/"},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := saml.NewReader(epoch).ReadThrough(body(strings.NewReader(federation))).Read(context.Background(), via)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(got.Document), "other.test") || got.ValidUntil.Year() != 2026 || got.EntityID != idpID {
		t.Errorf("got %+v, want one entity with the validUntil around it", got)
	}
}
