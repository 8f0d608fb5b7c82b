package resource_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/domain/resource"
	"github.com/devicegate/devicegate/domain/secret"
)

func parse(t *testing.T, text string) resource.Server {
	t.Helper()
	s, err := resource.ParseServer(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func offer(id, key string) resource.Credentials {
	return resource.Credentials{ID: id, Secret: secret.New("secret", key)}
}

func TestAServerIsAnIDAndASecret(t *testing.T) {
	for _, text := range []string{"", "api", ":", "api:", ":secret", strings.Repeat("a", 65) + ":secret"} {
		if _, err := resource.ParseServer(text); !errors.Is(err, resource.ErrEntry) {
			t.Errorf("%q: got %v, want %v", text, err, resource.ErrEntry)
		}
	}
	s := parse(t, "api:hunter2:with:colons")
	if s.ID != "api" || strings.Contains(fmt.Sprintf("%+v", s), "hunter2") {
		t.Errorf("got %+v, want api without its secret", s)
	}
}

func TestServersKnowTheirCredentials(t *testing.T) {
	servers := resource.NewServers(parse(t, "api:old"), parse(t, "api:new:er"), parse(t, "billing:other"))
	for _, c := range []struct {
		offered []resource.Credentials
		want    string
	}{
		{[]resource.Credentials{offer("api", "old")}, "api"},
		{[]resource.Credentials{offer("api", "new:er")}, "api"},
		{[]resource.Credentials{offer("billing", "other")}, "billing"},
		{[]resource.Credentials{offer("a pi", "old"), offer("api", "old")}, "api"},
		{[]resource.Credentials{offer("api", "old"), offer("x", "y")}, "api"},
		{nil, ""},
		{[]resource.Credentials{{}}, ""},
		{[]resource.Credentials{offer("api", "other")}, ""},
		{[]resource.Credentials{offer("billing", "old")}, ""},
		{[]resource.Credentials{offer("api", "")}, ""},
		{[]resource.Credentials{offer("", "old")}, ""},
		{[]resource.Credentials{offer("API", "old")}, ""},
		{[]resource.Credentials{offer("api", "old ")}, ""},
	} {
		got, err := servers.Authenticate(c.offered...)
		if got.ID != c.want || errors.Is(err, resource.ErrCredentials) != (c.want == "") {
			t.Errorf("%+v: got %q, %v, want %q", c.offered, got.ID, err, c.want)
		}
	}
	if _, err := (resource.Servers{}).Authenticate(offer("", "")); !errors.Is(err, resource.ErrCredentials) {
		t.Errorf("got %v, want %v where no server is known", err, resource.ErrCredentials)
	}
	if servers.IsZero() || !(resource.Servers{}).IsZero() {
		t.Error("got IsZero wrong, want it true of no servers alone")
	}
}
