package connection_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/identity"
)

func newConnection(t testing.TB, slug string, domains ...string) connection.Connection {
	t.Helper()
	c, err := connection.New(connection.Settings{Slug: slug, Domains: domains})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func directory(t testing.TB, all ...connection.Connection) connection.Directory {
	t.Helper()
	d, err := connection.NewDirectory(all...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestConnectionSettingsHaveDefaults(t *testing.T) {
	s := newConnection(t, "acme", "acme.example").Settings()
	if s.Name != "acme" || s.Broker != connection.SAML || s.ACSMount != connection.Canonical || s.SignRequests != connection.SignAuto || s.Public {
		t.Errorf("got %+v, want the defaults", s)
	}
}

func TestEverythingThatIsWrongIsListed(t *testing.T) {
	_, err := connection.New(connection.Settings{
		Slug: "Acme Corp", Broker: "oidc", ACSMount: "old", SignRequests: "maybe", EntityID: " x ",
		Domains: []string{"acme.example", "@acme.example", "acme example"},
	})
	if err == nil {
		t.Fatal("got no error, want one that lists seven things")
	}
	for _, what := range []string{"slug", "broker", "acs_mount", "sign_requests", "entity_id", `"@acme.example"`, `"acme example"`} {
		if !strings.Contains(err.Error(), what) {
			t.Errorf("got no %s, want it listed in\n%v", what, err)
		}
	}
	if n := strings.Count(err.Error(), "\n") + 1; n != 7 {
		t.Errorf("got %d things, want 7 in\n%v", n, err)
	}
	if _, err := connection.New(connection.Settings{Slug: "acme"}); err == nil || !strings.Contains(err.Error(), "domains") {
		t.Errorf("no domains: got %v, want it refused by name", err)
	}
}

func TestANameIsShortAndShowsAsItIs(t *testing.T) {
	for name, ok := range map[string]bool{
		"ACME <Corp> & Söhne": true, "قیمت": true, strings.Repeat("ä", 255): true,
		strings.Repeat("a", 256): false, "a\x1b[31m": false, "a\nb": false, "acme\u202eemca": false, "a\u2028b": false, "\xff": false,
	} {
		if _, err := connection.New(connection.Settings{Slug: "acme", Name: name, Domains: []string{"acme.example"}}); (err == nil) != ok {
			t.Errorf("the name %q: got %v, want accepted: %t", name, err, ok)
		}
	}
}

// The control characters of an attribute's name are no XML.
func TestAnEmailAttributeIsOneThatAnAssertionCanHold(t *testing.T) {
	for attribute, want := range map[string]string{
		"": "", "mail": "mail", "E-Mail Adresse": "E-Mail Adresse", "urn:oid:0.9.2342.19200300.100.1.3": "urn:oid:0.9.2342.19200300.100.1.3",
		"Адрес": "Адрес", " ": "", " mail\n": "mail",
	} {
		via, err := connection.New(connection.Settings{Slug: "acme", EmailAttribute: attribute, Domains: []string{"acme.example"}})
		if got := via.Settings().EmailAttribute; err != nil || got != want {
			t.Errorf("the attribute %q: got %q and %v, want %q", attribute, got, err, want)
		}
	}
	for _, attribute := range []string{"a\x00", "a\nb", "a\u202eb", "\xff", strings.Repeat("a", 256)} {
		if _, err := connection.New(connection.Settings{Slug: "acme", EmailAttribute: attribute, Domains: []string{"acme.example"}}); err == nil {
			t.Errorf("the attribute %q: got no error, want it refused", attribute)
		}
	}
}

func TestASlugIsShortAndPlain(t *testing.T) {
	for slug, fine := range map[string]bool{
		"acme": true, "a": true, "a-1": true, "2nd": true, strings.Repeat("a", 64): true,
		"": false, "ACME": false, "acme corp": false, "acme_corp": false, "acme.": false, "ac/me": false, "äcme": false,
		"acme\n": false, strings.Repeat("a", 65): false,
	} {
		if _, err := connection.New(connection.Settings{Slug: slug, Domains: []string{"*"}}); (err == nil) != fine {
			t.Errorf("%q: got %v, want it taken: %v", slug, err, fine)
		}
	}
}

// Case F08: many domains, each exact; an unlisted one is refused.
func TestAConnectionMayAssertItsDomainsOnly(t *testing.T) {
	domains := []string{"acme.example", "Sub.Acme.Example ", "xn--bcher-kva.example", "bücher.example"}
	for i := range 50 {
		domains = append(domains, fmt.Sprintf("branch%d.example", i))
	}
	given := slices.Clone(domains)
	c := newConnection(t, "acme", domains...)
	if !slices.Equal(domains, given) {
		t.Error("got the caller's list changed, want it as it was")
	}
	for address, may := range map[string]bool{
		"alice@acme.example":          true,
		"ALICE@ACME.EXAMPLE":          true,
		"alice@sub.acme.example":      true,
		"alice@branch49.example":      true,
		"alice@xn--bcher-kva.example": true,
		"alice@bücher.example":        true,
		"alice@BÜCHER.example":        true,
		"alice@branch50.example":      false,
		"alice@other.acme.example":    false,
		"alice@evilacme.example":      false,
		"alice@acme.example.evil":     false,
		"alice@example":               false,
		"alice@acme":                  false,
		"alice@bucher.example":        false,
		"acme.example@evil.example":   false,
	} {
		subject := subject(t, address)
		if c.MayAssert(subject.Email()) != may || (c.CheckSubject(subject) == nil) != may {
			t.Errorf("%s: got %v, want %v", address, c.MayAssert(subject.Email()), may)
		}
		if err := c.CheckSubject(subject); !may && !errors.Is(err, connection.ErrForeignDomain) {
			t.Errorf("%s: got %v, want %v", address, err, connection.ErrForeignDomain)
		}
	}
	if c.MayAssertAnyDomain() {
		t.Error("got a connection for any domain, want its own alone")
	}
	if any := newConnection(t, "any", "*"); !any.MayAssertAnyDomain() || any.CheckSubject(subject(t, "x@anywhere.example")) != nil {
		t.Errorf("got %q refused for an address, want any domain", "*")
	}
}

func TestInvalidDomainsAreRefused(t *testing.T) {
	for _, d := range []string{
		"", " ", "example", ".example", "acme.example.", "acme..example", "-acme.example", "acme-.example", "*.acme.example",
		"acme.example/x", "acme.example:443", "alice@acme.example", "acme_corp.example", "acme.exa mple", "**",
		"acme\u200b.example", "acme。example",
	} {
		if _, err := connection.New(connection.Settings{Slug: "acme", Domains: []string{d}}); err == nil {
			t.Errorf("got %q taken for a domain, want an error", d)
		}
	}
}

func subject(t testing.TB, address string) identity.Subject {
	t.Helper()
	e, err := identity.ParseEmail(address)
	if err != nil {
		t.Fatal(err)
	}
	s, err := identity.NewSubject(e, "https://idp.acme.example", "x")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Case F12, and the order of contract §3: by slug; else by the domain of the
// hint; else the only one; else the person has to say.
func TestAConnectionIsChosen(t *testing.T) {
	acme, globex, any := newConnection(t, "acme", "acme.example", "acme.test"), newConnection(t, "globex", "globex.example"), newConnection(t, "any", "*")
	for _, c := range []struct {
		what       string
		of         []connection.Connection
		slug, hint string
		want       string
		err        error
	}{
		{"by slug", []connection.Connection{acme, globex}, "globex", "", "globex", nil},
		{"by slug, whatever the hint says", []connection.Connection{acme, globex}, "globex", "alice@acme.example", "globex", nil},
		{"by a slug that is not there", []connection.Connection{acme}, "nobody", "alice@acme.example", "", connection.ErrUnknown},
		{"by a slug in capitals", []connection.Connection{acme}, "ACME", "", "", connection.ErrUnknown},
		{"by hint", []connection.Connection{acme, globex}, "", "alice@globex.example", "globex", nil},
		{"by a hint in capitals", []connection.Connection{acme, globex}, "", "ALICE@ACME.TEST", "acme", nil},
		{"by a hint, the first that lists it", []connection.Connection{globex, newConnection(t, "two", "globex.example")}, "", "x@globex.example", "globex", nil},
		{"by a hint that the second lists, before one that takes any", []connection.Connection{any, acme}, "", "x@acme.example", "acme", nil},
		{"by a hint of an unknown domain", []connection.Connection{acme, globex}, "", "alice@other.example", "", connection.ErrChoose},
		{"by a hint of a sub-domain", []connection.Connection{acme, globex}, "", "alice@sub.acme.example", "", connection.ErrChoose},
		{"by a hint that is no address", []connection.Connection{acme, globex}, "", "acme.example", "", connection.ErrChoose},
		{"without any hint", []connection.Connection{acme, globex}, "", "", "", connection.ErrChoose},
		{"by a hint that only one which takes any may speak for", []connection.Connection{any, acme}, "", "alice@other.example", "any", nil},
		{"two take any domain", []connection.Connection{any, newConnection(t, "two", "*")}, "", "alice@other.example", "", connection.ErrChoose},
		{"one takes any domain, and none is named", []connection.Connection{any, acme}, "", "", "", connection.ErrChoose},
		{"the only one", []connection.Connection{acme}, "", "", "acme", nil},
		{"the only one, whatever the hint says", []connection.Connection{acme}, "", "alice@other.example", "acme", nil},
		{"there is none", nil, "", "", "", connection.ErrUnknown},
		{"there is none for the hint", nil, "", "alice@acme.example", "", connection.ErrUnknown},
	} {
		t.Run(c.what, func(t *testing.T) {
			got, err := directory(t, c.of...).Choose(c.slug, c.hint)
			if !errors.Is(err, c.err) || got.Slug() != c.want {
				t.Errorf("%q, %v; want %q, %v", got.Slug(), err, c.want, c.err)
			}
		})
	}
}

// Case F12: the chooser does not show which people exist. The answer
// depends on the domain alone, and is the same for every domain that no connection lists.
func TestALoginHintIsMatchedByItsDomainAlone(t *testing.T) {
	d := directory(t, newConnection(t, "acme", "acme.example"), newConnection(t, "globex", "globex.example"))
	rapid.Check(t, func(t *rapid.T) {
		local := rapid.StringMatching(`[a-z][a-z0-9+-]{0,20}[a-z0-9]`).Draw(t, "local")
		domain := rapid.SampledFrom([]string{"acme.example", "globex.example", "other.example", "sub.acme.example"}).Draw(t, "domain")
		got, err := d.Choose("", local+"@"+domain)
		want, wantErr := d.Choose("", "somebody@"+domain)
		if got.Slug() != want.Slug() || !errors.Is(err, wantErr) {
			t.Errorf("%s@%s: got %q, %v, want %q as for any other person there", local, domain, got.Slug(), err, want.Slug())
		}
		_, none := d.Choose("", "")
		if strings.HasPrefix(domain, "other") && !errors.Is(err, none) {
			t.Errorf("got %v for an unknown domain, want %v as without a hint", err, none)
		}
	})
}

func TestADirectoryKeepsItsOrderAndItsSlugsApart(t *testing.T) {
	a, b := newConnection(t, "a", "*"), newConnection(t, "b", "*")
	d := directory(t, b, a)
	all := d.All()
	if len(all) != 2 || all[0].Slug() != "b" || all[1].Slug() != "a" {
		t.Errorf("got %v, want b before a", all)
	}
	all[0] = a
	if d.All()[0].Slug() != "b" {
		t.Error("got the directory changed by its caller, want a copy")
	}
	if c, err := d.Find("a"); err != nil || c.Slug() != "a" {
		t.Errorf("got %v, %v, want connection a", c, err)
	}
	if _, err := d.Find(""); !errors.Is(err, connection.ErrUnknown) {
		t.Errorf("no slug: got %v, want %v", err, connection.ErrUnknown)
	}
	if _, err := connection.NewDirectory(a, b, a); err == nil || !strings.Contains(err.Error(), "connection a") {
		t.Errorf("two of one slug: got %v, want an error that names it", err)
	}
}

// Contract §1; the legacy callback has no /oauth/.
func TestTheMountsHaveTheContractsPaths(t *testing.T) {
	for mount, want := range map[connection.Mount]string{
		connection.Canonical: "/openapi/v1/oauth/device/sso-complete",
		connection.Legacy:    "/v1/device/sso-complete",
	} {
		if got := mount.ACSPath(); got != want {
			t.Errorf("%s: got %s, want %s", mount, got, want)
		}
	}
	if connection.Canonical != "canonical" || connection.Legacy != "legacy" {
		t.Errorf("got %s and %s, want the names that are stored", connection.Canonical, connection.Legacy)
	}
}
