package outbound_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/outbound"
)

func TestReachOf(t *testing.T) {
	for text, want := range map[string]outbound.Reach{
		"192.0.2.1": outbound.Public, "2001:db8::1": outbound.Public,
		"10.0.0.1": outbound.Private, "127.0.0.1": outbound.Private, "::1": outbound.Private, "100.64.0.1": outbound.Private,
		"0.1.2.3": outbound.Private, "fd00::1": outbound.Private, "::ffff:10.0.0.1": outbound.Private,
		"64:ff9b::a00:1": outbound.Private, "2002:a00:1::": outbound.Private,
		"169.254.169.254": outbound.Forbidden, "fe80::1": outbound.Forbidden, "0.0.0.0": outbound.Forbidden, "::": outbound.Forbidden,
		"224.0.0.1": outbound.Forbidden, "255.255.255.255": outbound.Forbidden, "::ffff:169.254.169.254": outbound.Forbidden,
	} {
		if got, _ := outbound.ReachOf(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: got %d, want %d", text, got, want)
		}
	}
}

func TestARefusedAddressGetsNoRequest(t *testing.T) {
	asked := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer server.Close()
	refused := errors.New("refused")
	client := &http.Client{Transport: outbound.NewTransport(func(string) error { return refused }, time.Second, nil)}
	if _, err := client.Get(server.URL); !errors.Is(err, refused) || asked {
		t.Errorf("got %v, asked %t, want it refused", err, asked)
	}
}
