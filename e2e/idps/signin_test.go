package idps

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/devicegate/devicegate/domain/audit"
)

// People sign in at each identity provider, in all its variants; a person without an
// e-mail address is refused with a page that says so.
func TestPeopleSignInAtRealIdentityProviders(t *testing.T) {
	ours := newGate(t, "", nil).metadata(t)
	for _, p := range products {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			if err := p.lacks(); err != nil {
				lacks(t, err)
			}
			i := p.setUp(t, ours)
			stop := i.start(t, p.variants[0])
			metadata := i.published(t)
			g := newGate(t, p.name, metadata)
			record(t, p.name, "metadata.xml", metadata)
			for n, v := range p.variants {
				if n > 0 {
					stop = i.start(t, v)
				}
				t.Run(v.name, func(t *testing.T) { i.signsIn(t, g, v) })
				stop()
			}
		})
	}
}

func (i *idp) signsIn(t *testing.T, g *gate, v variant) {
	b := newBrowser(g)
	at, err := b.signIn(i.name, "alice")
	if err != nil || at.status != http.StatusOK || at.at.Path != "/device/sessions" {
		t.Fatalf("got %d at %s (%v), want the list of devices; failed: %+v", at.status, at.at, err, g.last(t, audit.LoginFailed))
	}
	if got := g.last(t, audit.AssertionAccepted).Subject; got.Email().String() != "alice@example.com" {
		t.Errorf("got %s, want alice@example.com", got.Email())
	}
	b.record(t, i.name, v.name)
	b = newBrowser(g)
	at, err = b.signIn(i.name, "nomail")
	if failed := g.last(t, audit.LoginFailed); err != nil || at.at.Path != "/device/problem" || failed.Reason != i.nameless {
		t.Errorf("without an address: got %d at %s (%v, %s), want the page of %s", at.status, at.at, err, failed.Reason, i.nameless)
	}
	if v.name == i.variants[0].name {
		b.record(t, i.name, "nameless")
	}
}

// record writes what passed last.
func (b *browser) record(t *testing.T, product, kind string) {
	t.Helper()
	record(t, product, kind+".xml", b.response)
	record(t, product, kind+".request", []byte(b.requestID+"\n"))
}

// record writes a file of the corpus, with -capture.
func record(t *testing.T, product, name string, text []byte) {
	t.Helper()
	if *capture == "" {
		return
	}
	folder := filepath.Join(*capture, product)
	must(t, os.MkdirAll(folder, 0o755))
	must(t, os.WriteFile(filepath.Join(folder, name), text, 0o644))
}
