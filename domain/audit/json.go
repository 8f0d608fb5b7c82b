package audit

import (
	"fmt"
	"net/netip"
	"time"
	"unicode/utf8"

	"github.com/devicegate/devicegate/domain/uid"
)

// timeLayout is that of all times on the wire (contract: six digits, +00:00).
const timeLayout = "2006-01-02T15:04:05.000000+00:00"

// AppendJSON appends the event as one JSON object on one line, without a line end.
//
// Auditors get this form, and seals are made of it, so its bytes are for ever:
// fields keep their names and order, empty ones are left out, a new field goes to
// the end. Strings are escaped here because encoding/json has changed its escapes
// between releases of Go.
func (e Event) AppendJSON(to []byte) []byte {
	o := object{to: append(to, '{')}
	o.id("id", e.ID)
	o.time("time", e.At)
	o.text("event", string(e.Kind))
	o.text("actor_kind", string(e.Actor.Kind))
	o.text("actor_name", e.Actor.Name)
	o.id("authorization_id", e.AuthorizationID)
	if !e.Subject.IsZero() {
		o.text("subject_type", string(e.Subject.Type()))
		o.text("subject_email", e.Subject.Email().String())
		o.text("subject_issuer", e.Subject.Issuer())
		o.text("subject_name_id", e.Subject.NameID())
	}
	o.id("token_id", e.TokenID)
	o.time("token_expires_at", e.TokenExpiresAt)
	o.text("client_id", e.ClientID)
	o.text("device_label", e.DeviceLabel)
	o.texts("scopes", e.Scopes)
	o.text("connection", e.Connection)
	o.text("mount", e.Mount)
	o.text("reason", e.Reason)
	o.text("detail", e.Detail)
	o.address("ip", e.Origin.IP)
	o.address("creation_ip", e.CreationIP)
	o.text("user_agent", e.Origin.UserAgent)
	o.text("request_id", e.Origin.ID)
	return append(o.to, '}')
}

// object appends the fields of a JSON object, except empty ones.
type object struct {
	to    []byte
	begun bool
}

func (o *object) name(name string) {
	if o.begun {
		o.to = append(o.to, ',')
	}
	o.begun = true
	o.to = append(appendString(o.to, name), ':')
}

func (o *object) text(name, value string) {
	if value == "" {
		return
	}
	o.name(name)
	o.to = appendString(o.to, value)
}

func (o *object) texts(name string, values []string) {
	if len(values) == 0 {
		return
	}
	o.name(name)
	for i, v := range values {
		separator := byte(',')
		if i == 0 {
			separator = '['
		}
		o.to = appendString(append(o.to, separator), v)
	}
	o.to = append(o.to, ']')
}

func (o *object) id(name string, value uid.ID) {
	if !value.IsZero() {
		o.text(name, value.String())
	}
}

func (o *object) time(name string, value time.Time) {
	if !value.IsZero() {
		o.text(name, value.UTC().Format(timeLayout))
	}
}

func (o *object) address(name string, value netip.Addr) {
	if value.IsValid() {
		o.text(name, value.String())
	}
}

func appendString(to []byte, s string) []byte {
	to = append(to, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			to = append(to, '\\', byte(r))
		case isEscaped(r):
			to = fmt.Appendf(to, `\u%04x`, r)
		default: // what is not UTF-8 has become U+FFFD
			to = utf8.AppendRune(to, r)
		}
	}
	return append(to, '"')
}

// isEscaped reports whether r could end a line, steer a terminal or reorder text.
func isEscaped(r rune) bool {
	return r < 0x20 || r >= 0x7f && r <= 0x9f || // control characters
		r >= 0x200b && r <= 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2060 && r <= 0x206f || r == 0x61c || r == 0xfeff
}
