package database

import "testing"

func TestAnAtSignInThePasswordIsNoPartOfTheHost(t *testing.T) { // F50
	for text, want := range map[string][3]string{
		"postgres://gate:p@ss@host/db":                {"gate", "p@ss", "host"},
		"postgres://gate:p@s:s@@host:6000/db":         {"gate", "p@s:s@", "host"},
		"postgres://gate@server:p@ss@host?sslmode=no": {"", "", ""},
		"postgres://gate@server@host/db":              {"gate@server", "", "host"},
		"postgresql://gate:p%40%23%2fss@host":         {"gate", "p@#/ss", "host"},
		"postgres://gate:p+%20s$&s@host,other/db":     {"gate", "p+ s$&s", "host"},
		"postgres://host/db?user=gate&password=p@ss":  {"gate", "p@ss", "host"},
		"postgres://gate:pass@/db?host=/run/postgres": {"gate", "pass", "/run/postgres"},
		"postgres://gate:p@ss@[2001:db8::1]:5432/db":  {"gate", "p@ss", "2001:db8::1"},
	} {
		cfg, err := parsePostgres(text)
		if err != nil {
			cfg = nil
		}
		var got [3]string
		if cfg != nil {
			got = [3]string{cfg.User, cfg.Password, cfg.Host}
		}
		if got != want {
			t.Errorf("%s: got %q (%v), want %q", text, got, err, want)
		}
	}
}
