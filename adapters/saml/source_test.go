package saml_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/fx"
	"go.uber.org/fx/fxtest"

	"github.com/devicegate/devicegate/adapters/memory"
	"github.com/devicegate/devicegate/adapters/saml"
	"github.com/devicegate/devicegate/adapters/saml/samltest"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

// publisher serves metadata that tests change.
type publisher struct {
	mu       sync.Mutex
	document string
	status   int
	asked    atomic.Int32
}

func TestADocumentOfAnotherIdentityProviderIsRefusedInTheFile(t *testing.T) {
	b := newBench(t, samltest.NewIdP(t, idpID))
	other := samltest.NewIdPWithKey(t, "https://other.test", samltest.RSAKey(t, 1))
	next := func(owner connection.Owner, entityID string) error {
		s := b.via.Settings()
		s.SAML.Metadata, s.EntityID = other.Metadata(), entityID
		via, err := connection.New(s)
		if err != nil {
			t.Fatal(err)
		}
		directory, err := connection.NewDirectory(via.OwnedBy(owner))
		if err != nil {
			t.Fatal(err)
		}
		return b.broker.Reload(directory)
	}
	if err := next(connection.File, ""); !errors.Is(err, connection.ErrOtherEntity) || !strings.Contains(err.Error(), "https://other.test") {
		t.Errorf("got %v, want another entity refused", err)
	}
	b.accepts(t, b.with(t)) // the last good one serves
	if err := next(connection.File, "https://other.test"); err != nil {
		t.Errorf("got %v, want what the connection names taken up", err)
	}
	b.refuses(t, b.with(t), "unknown_key")
	b = newBench(t, samltest.NewIdP(t, idpID))
	if err := next(connection.Database, ""); err != nil {
		t.Errorf("got %v, want an administrator's edit taken up", err)
	}
}

func (p *publisher) publish(status int, document string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status, p.document = status, document
}

func (p *publisher) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	p.asked.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	w.WriteHeader(p.status)
	_, _ = w.Write([]byte(p.document))
}

func published(t *testing.T, idp *samltest.IdP) (*publisher, change) {
	t.Helper()
	p := &publisher{status: http.StatusOK, document: string(idp.Metadata())}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	return p, change{source: func(s *connection.SAMLSettings) { s.Metadata, s.MetadataURL, s.MetadataPrivate = nil, server.URL, true }}
}

func TestMetadataIsFetchedOnFirstUse(t *testing.T) {
	idp := samltest.NewIdP(t, idpID)
	p, url := published(t, idp)
	b := newBench(t, idp, url)
	if p.asked.Load() != 0 || len(b.broker.Problems()) != 0 {
		t.Fatal("got a fetch or a problem before the first use, want none")
	}
	begin(t, b)
	b.accepts(t, b.with(t))
	begin(t, b)
	if n := p.asked.Load(); n != 1 {
		t.Errorf("got %d fetches, want 1", n)
	}
}

func TestFailedFetchStopsOnlySignIns(t *testing.T) {
	idp := samltest.NewIdP(t, idpID)
	p, url := published(t, idp)
	for name, broken := range map[string]func(){
		"an error":  func() { p.publish(http.StatusInternalServerError, "") },
		"a page":    func() { p.publish(http.StatusOK, "<!DOCTYPE html><html></html>") },
		"not ready": func() { p.publish(http.StatusOK, "") },
		"expired": func() {
			p.publish(http.StatusOK, strings.Replace(string(idp.Metadata()), ` entityID=`, ` validUntil="2020-01-01T00:00:00Z" entityID=`, 1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			broken()
			b := newBench(t, idp, url)
			b.cannotBegin(t, "metadata: ")
			if problems := b.broker.Problems(); len(problems) != 1 {
				t.Errorf("got the problems %v, want one", problems)
			}
			asked := p.asked.Load()
			b.cannotBegin(t, "metadata: ")
			if p.asked.Load() != asked {
				t.Error("got another request at once, want none")
			}
			p.publish(http.StatusOK, string(idp.Metadata()))
			b.at = b.at.Add(11 * time.Second)
			begin(t, b)
			if problems := b.broker.Problems(); len(problems) != 0 {
				t.Errorf("got the problems %v, want none", problems)
			}
		})
	}
}

func TestUnknownKeyCausesOneFetchAMinute(t *testing.T) {
	old := samltest.NewIdP(t, idpID)
	rolled := samltest.NewIdPWithKey(t, idpID, samltest.RSAKey(t, 1))
	p, url := published(t, old)
	b := newBench(t, old, url)
	begin(t, b)
	b.idp = rolled
	b.at = b.at.Add(time.Second)
	missed(t, b, "the metadata was fetched 1s ago and is fetched again after 1m0s at the earliest") // F44
	p.publish(http.StatusOK, string(rolled.Metadata()))
	b.at = b.at.Add(time.Minute)
	b.accepts(t, b.with(t))
	asked := p.asked.Load()
	b.idp = samltest.NewIdPWithKey(t, idpID, samltest.RSAKey(t, 2))
	for range 5 {
		b.refuses(t, b.with(t), "unknown_key")
	}
	if n := p.asked.Load(); n != asked {
		t.Errorf("got %d fetches within a minute, want none", n-asked)
	}
	b.at = b.at.Add(time.Minute)
	missed(t, b, "the metadata fetched just now has no such key either")
	b.at = b.at.Add(time.Minute)
	p.publish(http.StatusBadGateway, "")
	missed(t, b, "answered 502 Bad Gateway")
}

// missed wants a response that no known key has signed refused, with a note.
func missed(t *testing.T, b *bench, note string) {
	t.Helper()
	if r := b.refuses(t, b.with(t), "unknown_key"); !strings.HasPrefix(r.Received, "key ") || !strings.Contains(r.Received, "; ") || !strings.Contains(r.Received, note) {
		t.Errorf("got %q, want %q", r.Received, note)
	}
}

// F44
func TestMetadataDocumentIsReplacedWholeOrNotAtAll(t *testing.T) {
	old := samltest.NewIdP(t, idpID)
	rolled := samltest.NewIdPWithKey(t, idpID, samltest.RSAKey(t, 1))
	b := newBench(t, old, change{source: func(s *connection.SAMLSettings) { s.MetadataFile = "acme.xml" }})
	b.idp = rolled
	missed(t, b, "the metadata is a document and not fetched: replace it if the identity provider has a new key")
	for name, document := range map[string]string{
		"empty": "", "an HTML page": "<html>", "without key": strings.Replace(string(rolled.Metadata()), rolled.KeyDescriptor(), "", 1),
	} {
		err := b.broker.ReplaceMetadata("acme", []byte(document))
		if err == nil || !strings.HasPrefix(err.Error(), "metadata: acme.xml: ") {
			t.Errorf("%s: got %v, want an error with the file's name", name, err)
		}
		if w := b.broker.Warnings(); len(w) != 1 || w[0].Text != err.Error()+"; the last good copy serves meanwhile" {
			t.Errorf("%s: got warnings %v, want %v", name, w, err)
		}
		b.idp = old
		b.accepts(t, b.with(t))
	}
	if err := b.broker.ReplaceMetadata("acme", rolled.Metadata()); err != nil {
		t.Fatal(err)
	}
	b.idp = rolled
	b.accepts(t, b.with(t))
	if w := b.broker.Warnings(); len(w) != 0 {
		t.Errorf("got warnings %v, want none", w)
	}
	if err := b.broker.ReplaceMetadata("other", rolled.Metadata()); !errors.Is(err, connection.ErrUnknown) {
		t.Errorf("got %v, want %v", err, connection.ErrUnknown)
	}
}

// connections are two, acme and second, with the given metadata.
func connections(t *testing.T, acme, second connection.SAMLSettings) connection.Directory {
	t.Helper()
	var all []connection.Connection
	for slug, settings := range map[string]connection.SAMLSettings{"acme": acme, "second": second} {
		via, err := connection.New(connection.Settings{Slug: slug, Domains: []string{slug + ".example", "*"}, SAML: settings})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, via)
	}
	slices.SortFunc(all, func(a, b connection.Connection) int { return strings.Compare(a.Slug(), b.Slug()) })
	d, err := connection.NewDirectory(all...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// F44
func TestConnectionsAreReloadedAllOrNone(t *testing.T) {
	idp := samltest.NewIdP(t, idpID)
	p, url := published(t, idp)
	b := newBench(t, idp, url)
	begin(t, b)
	var source connection.SAMLSettings
	url.source(&source)
	err := b.broker.Reload(connections(t, connection.SAMLSettings{Metadata: []byte("<html>")}, connection.SAMLSettings{}))
	if err == nil || !strings.Contains(err.Error(), "connection acme: metadata: ") || !strings.Contains(err.Error(), "connection second: metadata: ") {
		t.Errorf("got %v, want both connections in it", err)
	}
	b.accepts(t, b.with(t))
	other := samltest.NewIdPWithKey(t, "https://other.test", samltest.RSAKey(t, 1))
	both := connections(t, source, connection.SAMLSettings{Metadata: other.Metadata()})
	if err := b.broker.Reload(both); err != nil {
		t.Fatal(err)
	}
	b.accepts(t, b.with(t))
	b.via, b.idp = both.All()[1], other
	b.accepts(t, b.with(t))
	if n := p.asked.Load(); n != 1 {
		t.Errorf("got %d fetches, want the first one to be kept", n)
	}
	none, err := connection.NewDirectory()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.broker.Reload(none); err != nil {
		t.Fatal(err)
	}
	b.refuses(t, b.with(t), "no_metadata")
}

func TestFailedFetchKeepsTheLastMetadata(t *testing.T) {
	idp := samltest.NewIdP(t, idpID)
	p, url := published(t, idp)
	b := newBench(t, idp, url)
	begin(t, b)
	p.publish(http.StatusBadGateway, "")
	b.at = b.at.Add(2 * time.Minute)
	b.refuses(t, b.with(t, func(m *samltest.Message) { m.Request.At, m.Signing.Key = b.at, samltest.RSAKey(t, 1) }), "signature_invalid")
	b.accepts(t, b.with(t, func(m *samltest.Message) { m.Request.At = b.at }))
	if problems := b.broker.Problems(); len(problems) != 0 {
		t.Errorf("got the problems %v, want none: people can sign in", problems)
	}
	if !slices.ContainsFunc(b.broker.Warnings(), func(n saml.Notice) bool { return strings.Contains(n.Text, "502") }) {
		t.Errorf("got the warnings %v, want one of the failed fetch", b.broker.Warnings())
	}
}

func TestBeginDoesNotWaitPastItsContext(t *testing.T) {
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(hang)
	b := newBench(t, samltest.NewIdP(t, idpID), change{source: func(s *connection.SAMLSettings) { s.Metadata, s.MetadataURL, s.MetadataPrivate = nil, server.URL, true }})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := b.broker.Begin(ctx, b.via, signInRequest(b)); err == nil || !strings.Contains(err.Error(), "not fetched yet") {
		t.Errorf("got %v, want a refusal", err)
	}
}

func TestMetadataIsRefreshedInTheBackground(t *testing.T) {
	idp := samltest.NewIdP(t, idpID)
	synctest.Test(t, func(t *testing.T) {
		p := &publisher{status: http.StatusOK, document: string(idp.Metadata())}
		var log strings.Builder
		b := fetching(t, "https://idp.test/metadata", p, ports.SystemClock, &log)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			b.Run(ctx)
		}()
		time.Sleep(30 * time.Second) // of the bubble's clock
		if n := p.asked.Load(); n != 1 {
			t.Errorf("got %d requests at the start, want 1", n)
		}
		p.publish(http.StatusBadGateway, "")
		time.Sleep(time.Hour + 10*time.Minute)
		if n := p.asked.Load(); n != 4 { // after an hour, and every five minutes while it fails
			t.Errorf("got %d requests in an hour, want 4", n)
		}
		stop()
		<-done
		if n := strings.Count(log.String(), "502"); n != 1 {
			t.Errorf("got %d lines of what is wrong, want 1: %s", n, log.String())
		}
	})
}

// transport answers from a handler, without a network.
type transport struct{ h http.Handler }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	t.h.ServeHTTP(w, r)
	answer := w.Result()
	answer.Request = r
	return answer, nil
}

// fetching is a broker whose one connection, acme, has its metadata at address,
// where h answers. It logs into log.
func fetching(t *testing.T, address string, h http.Handler, now ports.Clock, log io.Writer) *saml.Broker {
	t.Helper()
	b, _ := fetchingThrough(t, address, transport{h}, now, log)
	return b
}

func fetchingThrough(t *testing.T, address string, through http.RoundTripper, now ports.Clock, log io.Writer) (*saml.Broker, connection.Connection) {
	t.Helper()
	via, err := connection.New(connection.Settings{
		Slug: "acme", Domains: []string{"example.com"}, SAML: connection.SAMLSettings{MetadataURL: address, MetadataPrivate: strings.HasPrefix(address, "http:")},
	})
	if err != nil {
		t.Fatal(err)
	}
	directory, err := connection.NewDirectory(via)
	if err != nil {
		t.Fatal(err)
	}
	cfg := saml.Config{PublicURL: publicURL}
	b, err := saml.New(cfg, memory.NewKeys(ourKeys(t)), directory, now, slog.New(slog.NewTextHandler(log, nil)), saml.Through(through))
	if err != nil {
		t.Fatal(err)
	}
	return b, via
}

func TestModule(t *testing.T) {
	idp := samltest.NewIdP(t, idpID)
	via, err := connection.New(connection.Settings{
		Slug: "acme", Domains: []string{"example.com"}, SAML: connection.SAMLSettings{Metadata: idp.Metadata()},
	})
	if err != nil {
		t.Fatal(err)
	}
	directory, err := connection.NewDirectory(via)
	if err != nil {
		t.Fatal(err)
	}
	var b *saml.Broker
	app := fxtest.New(t, saml.Module, fx.Populate(&b), fx.Supply(
		saml.Config{PublicURL: publicURL},
		ports.Clock(ports.SystemClock), quiet,
	), fx.Provide(
		func() ports.Connections { return memory.NewConnections(directory) },
		func() ports.KeyStore { return memory.NewKeys(ourKeys(t)) },
	))
	app.RequireStart()
	app.RequireStop()
	if b == nil || b.EntityID() != entityID {
		t.Error("got no broker, want one")
	}
}
