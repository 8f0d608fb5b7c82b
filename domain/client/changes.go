package client

import (
	"reflect"
	"strings"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/request"
)

// Event records what an administrator did to a client. Detail names the fields
// that changed.
func (c Client) Event(kind audit.Kind, detail string, by audit.Actor, at time.Time, origin request.Origin) audit.Event {
	e := audit.New(kind, by, at, origin)
	e.ClientID, e.Detail = c.s.ID, detail
	return e
}

// Differences names the fields in which two clients differ, as configuration
// files do.
func Differences(before, after Client) string {
	var names []string
	for _, f := range []struct {
		name string
		a, b any
	}{
		{"name", before.s.Name, after.s.Name},
		{"publisher", before.s.Publisher, after.s.Publisher},
		{"icon", before.s.Icon, after.s.Icon},
		{"home_page", before.s.HomePage, after.s.HomePage},
		{"grants", before.s.Grants, after.s.Grants},
		{"scopes", before.s.Scopes, after.s.Scopes},
		{"scope_texts", before.s.ScopeTexts, after.s.ScopeTexts},
		{"token_ttl", before.s.TokenLife, after.s.TokenLife},
		{"device_label", before.s.Label, after.s.Label},
		{"connections", before.s.Connections, after.s.Connections},
		{"suspended", before.s.Suspended, after.s.Suspended},
	} {
		if !reflect.DeepEqual(f.a, f.b) {
			names = append(names, f.name)
		}
	}
	return strings.Join(names, ", ")
}
