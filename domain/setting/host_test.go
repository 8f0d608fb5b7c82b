package setting_test

import (
	"testing"

	"github.com/devicegate/devicegate/domain/setting"
)

func TestHostsAndPorts(t *testing.T) {
	for text, want := range map[string]bool{
		"db": true, "db_1.internal": true, "db.internal.": true, "192.0.2.1": true, "2001:db8::1": true, "[2001:db8::1]": true,
		"": false, "db:5432": false, "http://db": false, "a b": false, "-db": false, "user@db": false,
	} {
		if got := setting.IsHost(text); got != want {
			t.Errorf("host %q: got %t, want %t", text, got, want)
		}
	}
	for text, want := range map[string]bool{"1": true, "65535": true, "0": false, "65536": false, "": false, "http": false, "-1": false} {
		if got := setting.IsPort(text); got != want {
			t.Errorf("port %q: got %t, want %t", text, got, want)
		}
	}
}
