package httpserver_test

import (
	"net/url"
	"testing"

	"github.com/devicegate/devicegate/adapters/httpserver"
)

func TestAddressesComeFromTheConfiguration(t *testing.T) {
	at := func(public, web string) *httpserver.Addresses {
		return httpserver.NewAddresses(config(t, public, web))
	}
	a := at("https://api.example.com/gate/", "https://console.example.com/app/")
	query := url.Values{"user_code": {"A&B <>"}}
	// F25: our own page lies below PUBLIC_URL, wherever WEB_URL is. F35: so does its path.
	for got, want := range map[string]string{
		a.Public("/oauth2/token"): "https://api.example.com/gate/oauth2/token",
		a.Public(""):              "https://api.example.com/gate",
		a.Prefix():                "/gate",
		a.WebPage(nil):            "https://console.example.com/app/device",
		a.WebPage(query):          "https://console.example.com/app/device?user_code=A%26B+%3C%3E",
		a.OwnPage(nil):            "https://api.example.com/gate/device",
		a.OwnPage(query):          "https://api.example.com/gate/device?user_code=A%26B+%3C%3E",
		a.PagePath():              "/gate/device",
		a.WebOrigin():             "https://console.example.com",

		at("http://h:1", "http://h:1").Prefix():    "",
		at("http://h:1/", "http://h:1").Prefix():   "",
		at("http://h:1/", "http://h:1").PagePath(): "/device",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestIsLocal(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "gate.localhost": true, "127.0.0.1": true, "::1": true,
		"sso.example.com": false, "192.0.2.1": false, "notlocalhost": false,
	} {
		if got := httpserver.IsLocal(host); got != want {
			t.Errorf("%s: got %t, want %t", host, got, want)
		}
	}
}
