package httpapi

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/domain/connection"
)

// deprecation marks every answer below the legacy prefix: Deprecation (RFC
// 9745), Sunset (RFC 8594) and the successor (RFC 5829).
func deprecation(cfg Config, addresses *httpserver.Addresses) func(http.Handler) http.Handler {
	at := []string{"@" + strconv.FormatInt(cfg.LegacyDeprecatedAt.Unix(), 10)}
	var sunset []string
	if !cfg.LegacySunset.IsZero() {
		sunset = []string{cfg.LegacySunset.UTC().Format(http.TimeFormat)}
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if below, ok := belowLegacy(r.URL.Path); ok {
				head := w.Header()
				head["Deprecation"] = at
				if sunset != nil {
					head["Sunset"] = sunset
				}
				if successor, ok := successors[below]; ok {
					head.Set("Link", "<"+addresses.Public(successor)+`>; rel="successor-version"`)
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}

func belowLegacy(path string) (string, bool) {
	below, ok := strings.CutPrefix(path, connection.Legacy.Prefix())
	if !ok || below != "" && below[0] != '/' {
		return "", false
	}
	return strings.TrimPrefix(below, "/"), true
}

// successors of the legacy paths, which are written without their prefix.
var successors = map[string]string{
	"oauth/device/sso-initiate":     connection.Canonical.Prefix() + "/oauth/device/sso-initiate",
	"device/sso-complete":           connection.Canonical.ACSPath(),
	"oauth/device/approval-context": connection.Canonical.Prefix() + "/oauth/device/approval-context",
	"oauth/device/approve-external": connection.Canonical.Prefix() + "/oauth/device/approve-external",
}
