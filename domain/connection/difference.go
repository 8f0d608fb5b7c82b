package connection

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Difference is one setting in which two connections differ, as an administrator
// reads it.
type Difference struct{ Setting, Before, After string }

func (d Difference) String() string {
	return fmt.Sprintf("%s: %s, was %s", d.Setting, shown(d.After), shown(d.Before))
}

func shown(value string) string {
	if value == "" {
		return "none"
	}
	return value
}

// Differences are the settings that change from before to after, in the order of
// the file format. Documents and certificates are named by their digests; of an
// address nothing is shown that may be a secret.
func Differences(before, after Settings) (all []Difference) {
	b, a := settingLines(before), settingLines(after)
	for i := range b {
		if b[i].value != a[i].value {
			all = append(all, Difference{b[i].name, b[i].shown(), a[i].shown()})
		}
	}
	return all
}

// Differing words differences for the audit.
func Differing(all []Difference) string {
	texts := make([]string, len(all))
	for i, d := range all {
		texts[i] = d.String()
	}
	return strings.Join(texts, "; ")
}

type settingLine struct {
	name, value string
	show        func(string) string // nil: as it is
}

func (l settingLine) shown() string {
	if l.show == nil || l.value == "" {
		return l.value
	}
	return l.show(l.value)
}

func digestOf(document string) string {
	sum := sha256.Sum256([]byte(document))
	return fmt.Sprintf("%d bytes, SHA-256 %s", len(document), hex.EncodeToString(sum[:8]))
}

// withoutQuery cuts the query and the user of a metadata URL, which may be secrets.
// If only they change, Before and After of the [Difference] read the same.
func withoutQuery(address string) string {
	plain, _, cut := strings.Cut(address, "?")
	if scheme, rest, ok := strings.Cut(plain, "://"); ok {
		host, path, _ := strings.Cut(rest, "/")
		if at := strings.LastIndex(host, "@"); at >= 0 {
			host, cut = host[at+1:], true
		}
		plain = scheme + "://" + host + "/" + path
	}
	if cut {
		plain += " (and what is not shown)"
	}
	return plain
}

func flag(set bool) string {
	if set {
		return "true"
	}
	return "false"
}

// settingLines has a line for each setting, in the order of the file format.
func settingLines(s Settings) []settingLine {
	if s.Slug != "" {
		if c, err := New(s); err == nil {
			s = c.s // with its defaults
		}
	}
	m := s.SAML
	return []settingLine{
		{name: "slug", value: s.Slug},
		{name: "name", value: s.Name},
		{name: "broker", value: string(s.Broker)},
		{name: "metadata", value: string(m.Metadata), show: digestOf},
		{name: "metadata_url", value: m.MetadataURL, show: withoutQuery},
		{name: "metadata_signers", value: string(m.MetadataSigners), show: digestOf},
		{name: "metadata_ca_file", value: string(m.MetadataCA), show: digestOf},
		{name: "metadata_private", value: flag(m.MetadataPrivate)},
		{name: "entity_id", value: s.EntityID},
		{name: "domains", value: strings.Join(s.Domains, " ")},
		{name: "acs_mount", value: string(s.ACSMount)},
		{name: "sign_requests", value: string(s.SignRequests)},
		{name: "login_hint", value: string(s.LoginHint)},
		{name: "email_attribute", value: s.EmailAttribute},
		{name: "public", value: flag(s.Public)},
		{name: "name_id_format", value: m.NameIDFormat},
		{name: "signed_assertions", value: string(m.Signed)},
		{name: "require_encryption", value: flag(m.RequireEncryption)},
		{name: "metadata_keys", value: string(m.MetadataKeys)},
		{name: "allow_weak", value: strings.Join(m.Weak(), " ")},
	}
}
