package webui_test

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"go4.org/netipx"
)

// knowsPlaces gives the site a file that knows where the addresses of tests are.
func knowsPlaces(s *fixture) {
	s.t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "Test-City", RecordSize: 24, IncludeReservedNetworks: true, DisableIPv4Aliasing: true})
	if err != nil {
		s.t.Fatal(err)
	}
	names := func(of ...string) mmdbtype.Map {
		all := mmdbtype.Map{}
		for i := 0; i+1 < len(of); i += 2 {
			all[mmdbtype.String(of[i])] = mmdbtype.String(of[i+1])
		}
		return mmdbtype.Map{"names": all}
	}
	for network, entry := range map[string]mmdbtype.Map{
		"198.51.100.0/24": {
			"city": names("en", "Cologne", "de", "Köln", "zh-CN", "科隆", "ar", "كولونيا"), "country": names("en", "Germany", "de", "Deutschland", "zh-CN", "德国", "ar", "ألمانيا"),
			"autonomous_system_organization": mmdbtype.String("Example Telecom"),
		},
		"203.0.113.0/24": {"city": names("en", "Lagos"), "country": names("en", "Nigeria", "de", "Nigeria"), "autonomous_system_organization": mmdbtype.String("<b>Mobile</b> Net")},
	} {
		if err := tree.Insert(netipx.PrefixIPNet(netip.MustParsePrefix(network)), entry); err != nil {
			s.t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if _, err := tree.WriteTo(&out); err != nil {
		s.t.Fatal(err)
	}
	s.env["GEOIP_FILE"] = s.write("places.mmdb", out.Bytes())
}

// registersClient has the operator say more of a client than its client_id.
func registersClient(s *fixture) {
	s.t.Helper()
	s.write("icon.svg", []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path fill="#1f4fd8" d="M0 0h9v9z"/></svg>`))
	s.env["CLIENTS_FILE"] = s.write("clients.yaml", []byte(`clients:
  - id: difyctl
    name: Dify CLI
    publisher: Dify
    home_page: https://dify.example/cli
    icon_file: icon.svg
`))
}

func servedWith(t *testing.T, with ...func(*fixture)) *fixture {
	t.Helper()
	s := newFixture(t, acme)
	for _, w := range with {
		w(s)
	}
	s.serve()
	return s
}

func TestTheDecisionSaysWhereTheDeviceAndThePersonAre(t *testing.T) {
	s := servedWith(t, knowsPlaces)
	v := s.visitor(home)
	page := v.signIn(s.device(label, elsewhere).UserCode, "alice")
	v.sees(page, "decide", "")
	if got, want := words(page.element("places")), "Devicenear Lagos, Nigeria · <b>Mobile</b> Net Younear Cologne, Germany · Example Telecom"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for language, want := range map[string]string{
		"de":      "Siebei Köln, Deutschland",
		"zh-Hans": "德国科隆附近",
		"zh-Hant": "德国科隆附近",
		"ar":      "قرب كولونيا، ألمانيا",
		"pl":      "okolice: Cologne, Germany",
	} {
		if got := words(v.get(page.inLanguage(language)).element("places")); !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", language, got, want)
		}
	}
}

func TestAPlaceThatIsNotKnownIsSaidToBe(t *testing.T) {
	s := servedWith(t, knowsPlaces)
	v := s.visitor(home)
	page := v.signIn(s.device(label, "192.0.2.9").UserCode, "alice")
	if got, want := words(page.element("places")), "Deviceplace not known Younear Cologne, Germany · Example Telecom"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	near := s.visitor(home)
	page = near.signIn(s.device(label, neighbour).UserCode, "alice")
	if page.element("places") != nil || !strings.Contains(words(page.main()), "198.51.100.77 · near Cologne, Germany") {
		t.Errorf("got %s, want one place beside the address", words(page.main()))
	}
}

func TestNoPlaceIsNamedWithoutAFile(t *testing.T) {
	s := served(t)
	v := s.visitor(home)
	page := v.signIn(s.device(label, elsewhere).UserCode, "alice")
	if page.element("places") != nil || strings.Contains(words(page.main()), "place not known") {
		t.Errorf("got %s, want nothing of places", words(page.main()))
	}
}

// Devices that are on record stand with their place, too: the one that an approval
// replaces, and each one on the page of one's devices.
func TestDevicesOnRecordAreShownWithTheirPlace(t *testing.T) {
	s := servedWith(t, knowsPlaces)
	s.signedInOn(label, "alice", elsewhere)
	v := s.visitor(home)
	page := v.signIn(s.device(label, home).UserCode, "alice")
	v.sees(page, "decide", "")
	const place = "near Lagos, Nigeria · <b>Mobile</b> Net"
	if got, want := words(page.element("replaces")), "connected from "+place; !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want it to end with %q", got, want)
	}
	devices := v.get("/device/sessions")
	v.sees(devices, "sessions", "")
	if got, want := words(devices.main()), place+" "+elsewhere; !strings.Contains(got, want) {
		t.Errorf("got %s, want %q", got, want)
	}
}
