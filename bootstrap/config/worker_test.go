package config

import (
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/token"
)

func TestTheWorkerRunsBesideTheServiceWhereTheDatabaseIsAFile(t *testing.T) {
	for _, c := range []struct {
		url, setting string
		want         bool
	}{
		{"", "", true},
		{"sqlite:x.db", "auto", true},
		{"sqlite:x.db", "off", false},
		{"postgres://db/x", "", false},
		{"postgres://db/x", "on", true},
	} {
		got, err := Load(smallest("DATABASE_URL", c.url, "WITH_WORKER", c.setting))
		if err != nil {
			t.Fatal(err)
		}
		if got.WithWorker != c.want {
			t.Errorf("%q with WITH_WORKER=%q: got %v, want %v", c.url, c.setting, got.WithWorker, c.want)
		}
	}
	if _, err := Load(smallest("WITH_WORKER", "yes")); err == nil || !strings.Contains(err.Error(), "WITH_WORKER") {
		t.Errorf("got %v, want an error that names WITH_WORKER", err)
	}
}

// F54
func TestTokensAreKeptForTheConfiguredTime(t *testing.T) {
	for days, want := range map[string]time.Duration{"": 30 * 24 * time.Hour, "1": 24 * time.Hour, "3650": 3650 * 24 * time.Hour} {
		c, err := Load(smallest("OAUTH_ACCESS_TOKEN_RETENTION_DAYS", days))
		if err != nil || c.TokenRetention != token.Retention(want) {
			t.Errorf("%q: got %v, %v, want %v", days, time.Duration(c.TokenRetention), err, want)
		}
	}
	for _, days := range []string{"0", "-1", "3651", "month"} {
		if _, err := Load(smallest("OAUTH_ACCESS_TOKEN_RETENTION_DAYS", days)); err == nil {
			t.Errorf("%q: got nil, want an error", days)
		}
	}
}
