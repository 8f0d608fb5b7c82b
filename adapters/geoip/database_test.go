package geoip

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"go4.org/netipx"

	"github.com/devicegate/devicegate/domain/setting"
	"github.com/devicegate/devicegate/ports"
	"github.com/devicegate/devicegate/ports/porttest"
)

// entries are those of a database by network.
type entries map[string]mmdbtype.Map

// written is a database file of the given entries.
func written(t *testing.T, kind string, of entries) string {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: kind, RecordSize: 24, IncludeReservedNetworks: true, DisableIPv4Aliasing: true})
	if err != nil {
		t.Fatal(err)
	}
	for network, entry := range of {
		if err := tree.Insert(netipx.PrefixIPNet(netip.MustParsePrefix(network)), entry); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if _, err := tree.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), kind+".mmdb")
	save(t, name, out.Bytes())
	return name
}

func save(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func load(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func named(names ...string) mmdbtype.Map {
	all := mmdbtype.Map{}
	for i := 0; i+1 < len(names); i += 2 {
		all[mmdbtype.String(names[i])] = mmdbtype.String(names[i+1])
	}
	return mmdbtype.Map{"names": all}
}

func cities(t *testing.T) string {
	return written(t, "GeoLite2-City", entries{
		"203.0.113.0/24":   {"city": named("en", "Cologne", "de", "Köln"), "country": named("en", "Germany", "de", "Deutschland")},
		"2001:db8:1::/48":  {"registered_country": named("en", "France")},
		"192.0.2.0/25":     {"city": mmdbtype.String("Utrecht"), "country": mmdbtype.String("NL"), "country_name": mmdbtype.String("Netherlands"), "as_name": mmdbtype.String("Other Net")},
		"192.0.2.128/25":   {"city": mmdbtype.Uint32(7), "country": mmdbtype.Map{"names": mmdbtype.String("none")}},
		"198.51.100.64/32": {"city": named("de", "Nur Deutsch")},
	})
}

func operators(t *testing.T) string {
	return written(t, "GeoLite2-ASN", entries{
		"203.0.113.0/24": {"autonomous_system_number": mmdbtype.Uint32(64500), "autonomous_system_organization": mmdbtype.String("Example Net")},
		"192.0.2.0/24":   {"autonomous_system_organization": mmdbtype.String("Later Net")},
	})
}

func opened(t *testing.T, files ...string) (*Database, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	d, err := Open(Config{files}, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return d, &log
}

func TestPlaces(t *testing.T) {
	porttest.Places(t, func(t *testing.T) ports.Places {
		d, _ := opened(t, cities(t), operators(t))
		return d
	})
}

func TestRecordsOfOtherVendors(t *testing.T) {
	d, _ := opened(t, cities(t), operators(t))
	for address, want := range map[string][3]string{
		"192.0.2.7":     {"Utrecht", "Netherlands", "Other Net"}, // the first file that knows it
		"192.0.2.200":   {"", "", "Later Net"},                   // of unexpected types
		"198.51.100.64": {"Nur Deutsch", "", ""},
	} {
		got := d.Of(netip.MustParseAddr(address))
		if have := [3]string{got.City("fr"), got.Country("fr"), got.Operator()}; have != want {
			t.Errorf("%s: got %q, want %q", address, have, want)
		}
	}
}

func TestFilesThatCannotBeUsed(t *testing.T) {
	good := load(t, cities(t))
	dir := t.TempDir()
	broken := func(name string, content []byte) string {
		file := filepath.Join(dir, name)
		save(t, file, content)
		return file
	}
	for name, c := range map[string]struct{ file, says string }{
		"none there":            {filepath.Join(dir, "none"), "no such file"},
		"a folder":              {dir, "is no file"},
		"empty":                 {broken("empty", nil), "is empty"},
		"a text":                {broken("text", []byte("country,city\n")), "is no MMDB file"},
		"its first half":        {broken("half", good[:len(good)/2]), "is no MMDB file"},
		"without its beginning": {broken("tail", good[len(good)/3:]), ""},
		"an archive":            {broken("gz", []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00")), "is no MMDB file"},
	} {
		_, err := Open(Config{[]string{c.file}}, slog.New(slog.DiscardHandler))
		var wrong setting.Problem
		if !errors.As(err, &wrong) || wrong.Field != "Files" || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), c.file) {
			t.Errorf("%s: got %v, want that %s %s", name, err, c.file, c.says)
		}
	}
	if err := (Config{[]string{filepath.Join(dir, "none"), filepath.Join(dir, "text")}}).Check(); len(setting.Split(err)) != 2 {
		t.Errorf("got %v, want both faults", err)
	}
	if err := (Config{[]string{cities(t)}}).Check(); err != nil {
		t.Errorf("got %v for a file that is one, want nil", err)
	}
}

// damaged changes bytes of the search tree, which the metadata at the end do not
// tell.
func damaged(content []byte) []byte {
	out := bytes.Clone(content)
	for i := range 30 {
		out[i] = 0x7f
	}
	return out
}

func TestADamagedFileIsNotServed(t *testing.T) {
	file := cities(t)
	save(t, file, damaged(load(t, file)))
	if _, err := Open(Config{[]string{file}}, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "is damaged") {
		t.Errorf("got %v, want that it is damaged", err)
	}
}

func TestAFileIsReplacedWhileItIsServed(t *testing.T) {
	file := cities(t)
	d, log := opened(t, file)
	serves := func(when, city string, current bool) {
		t.Helper()
		if got := d.Of(netip.MustParseAddr("203.0.113.7")).City(); got != city || d.Current() != current {
			t.Errorf("%s: got %q, current %t, want %q, %t", when, got, d.Current(), city, current)
		}
	}
	serves("at first", "Cologne", true)
	good := load(t, file)
	next := load(t, written(t, "GeoLite2-City", entries{"203.0.113.0/24": {"city": named("en", "Bonn")}}))
	ctx := context.Background()

	for when, content := range map[string][]byte{"cut off": good[:len(good)-40], "a text": []byte("not a database"), "damaged": damaged(good)} {
		save(t, file, content) // in place, as a copy does
		d.Reload(ctx)
		serves(when, "Cologne", false)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	d.Reload(ctx)
	serves("removed", "Cologne", false)
	if n := strings.Count(log.String(), "GEOIP_FILE not taken up; the last good state is served"); n != 4 {
		t.Errorf("got %d refusals in the log, want 4:\n%s", n, log)
	}
	save(t, file, next)
	d.Reload(ctx)
	serves("another", "Bonn", true)
}

func TestAChangeIsTakenUpWhenTheFileIsWritten(t *testing.T) {
	file := cities(t)
	next := load(t, written(t, "GeoLite2-City", entries{"203.0.113.0/24": {"city": named("en", "Bonn")}}))
	synctest.Test(t, func(t *testing.T) {
		d, _ := opened(t, file)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); d.Run(ctx) }()
		city := func() string { return d.Of(netip.MustParseAddr("203.0.113.7")).City() }

		save(t, file, next[:len(next)/2])
		advance(1)
		if got := city(); got != "Cologne" || !d.Current() {
			t.Errorf("half written: got %q, current %t, want the last good one and no complaint yet", got, d.Current())
		}
		save(t, file, next)
		advance(2)
		if got := city(); got != "Bonn" || !d.Current() {
			t.Errorf("got %q, current %t, want Bonn", got, d.Current())
		}
		stop()
		<-done
	})
}

func TestAFileThatIsRefusedIsReadOnce(t *testing.T) {
	file := cities(t)
	good := load(t, file)
	synctest.Test(t, func(t *testing.T) {
		d, log := opened(t, file)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); d.Run(ctx) }()
		save(t, file, damaged(good))
		advance(9)
		stop()
		<-done
		if n := strings.Count(log.String(), "not taken up"); n != 1 || d.Current() {
			t.Errorf("got %d refusals in the log, current %t, want one: %s", n, d.Current(), log)
		}
	})
}

// A file may have entries of reserved networks, which are other machines elsewhere.
func TestAddressesOfNoPublicNetworkHaveNoPlace(t *testing.T) {
	all := entries{}
	for _, network := range []string{"10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "fd00::/8", "fe80::/10", "203.0.113.0/24"} {
		all[network] = mmdbtype.Map{"city": named("en", "Cologne")}
	}
	d, _ := opened(t, written(t, "Test-City", all))
	for _, address := range []string{"10.1.2.3", "127.0.0.1", "169.254.1.1", "fd00::7", "fe80::1%eth0", "::ffff:10.1.2.3", "0.0.0.0"} {
		if got := d.Of(netip.MustParseAddr(address)); !got.IsZero() {
			t.Errorf("%s: got %q, want no place", address, got.City())
		}
	}
	if got := d.Of(netip.MustParseAddr("203.0.113.7")).City(); got != "Cologne" {
		t.Errorf("got %q, want Cologne", got)
	}
}

// advance lets the files be looked at so many times.
func advance(looks int) {
	for range looks {
		time.Sleep(pollInterval)
		synctest.Wait()
	}
}
