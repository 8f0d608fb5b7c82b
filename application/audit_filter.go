package application

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// AuditFilterText is a filter of events as administrators write it: values by the
// names of an event's fields. Times are RFC 3339, or a day (its beginning in UTC).
type AuditFilterText map[string]string

// AuditFilterFields are the names that an [AuditFilterText] can have.
var AuditFilterFields = []string{
	"event", "subject_email", "subject_issuer", "connection", "client_id", "token_id", "authorization_id",
	"actor_kind", "actor_name", "since", "until",
}

// longestFilter bounds each value.
const longestFilter = 1024

// Parse reads a filter. It returns a refusal with the code invalid_filter that
// names a field that cannot be meant. An empty value is one: left out, it would
// widen the filter.
func (t AuditFilterText) Parse() (f ports.AuditFilter, err error) {
	for name, value := range t {
		switch {
		case !slices.Contains(AuditFilterFields, name):
			return f, invalidAuditFilter(strconv.Quote(name), "is not known. The fields are "+strings.Join(AuditFilterFields, ", ")+".")
		case strings.TrimSpace(value) == "":
			return f, invalidAuditFilter(name, "is empty. Leave it out if it does not matter.")
		case len(value) > longestFilter || !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl):
			return f, invalidAuditFilter(name, fmt.Sprintf("has at most %d bytes, and no control characters.", longestFilter))
		}
	}
	if kind := t["event"]; kind != "" && !slices.Contains(audit.Kinds(), audit.Kind(kind)) {
		return f, invalidAuditFilter("event", strconv.Quote(kind)+" is not known. The events are "+knownKinds()+".")
	}
	f = ports.AuditFilter{
		Kind: audit.Kind(t["event"]), Issuer: t["subject_issuer"], Connection: t["connection"], ClientID: t["client_id"],
		Actor: audit.Actor{Kind: audit.ActorKind(t["actor_kind"]), Name: t["actor_name"]},
	}
	if kinds := []audit.ActorKind{"", audit.Person, audit.Client, audit.Admin, audit.Worker}; !slices.Contains(kinds, f.Actor.Kind) {
		return f, invalidAuditFilter("actor_kind", "is person, client, admin or worker.")
	}
	if text := t["subject_email"]; text != "" {
		email, err := identity.ParseEmail(text)
		if err != nil {
			return f, invalidAuditFilter("subject_email", "is not an e-mail address.")
		}
		f.Email = email.String()
	}
	for name, into := range map[string]*uid.ID{"token_id": &f.TokenID, "authorization_id": &f.AuthorizationID} {
		if t[name] == "" {
			continue
		}
		if *into, err = uid.Parse(t[name]); err != nil || into.IsZero() {
			return f, invalidAuditFilter(name, "is not an id.")
		}
	}
	for name, into := range map[string]*time.Time{"since": &f.Since, "until": &f.Until} {
		if t[name] == "" {
			continue
		}
		if *into, err = time.Parse(time.DateOnly, t[name]); err != nil {
			if *into, err = time.Parse(time.RFC3339Nano, t[name]); err != nil {
				return f, invalidAuditFilter(name, "is not a time. Write 2026-11-28T15:04:05Z, or 2026-11-28 for the beginning of that day in UTC.")
			}
		}
	}
	if !f.Since.IsZero() && !f.Until.IsZero() && !f.Since.Before(f.Until) {
		return f, invalidAuditFilter("until", "is not later than since: no event lies between.")
	}
	return f, nil
}

func knownKinds() string {
	var names []string
	for _, kind := range audit.Kinds() {
		names = append(names, string(kind))
	}
	return strings.Join(names, ", ")
}

func invalidAuditFilter(field, reason string) error {
	return fault.New(fault.Unprocessable, "invalid_filter", field+" "+reason)
}
