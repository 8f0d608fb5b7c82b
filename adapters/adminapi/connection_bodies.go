package adminapi

import (
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/fault"
)

// settingsBody is a connection's settings by their names in CONNECTIONS_FILE. One
// that is nil was not given. Documents and certificates are text.
type settingsBody struct {
	Name            *string   `json:"name,omitempty"`
	Broker          *string   `json:"broker,omitempty"`
	MetadataURL     *string   `json:"metadata_url,omitempty"`
	Metadata        *string   `json:"metadata,omitempty"`
	MetadataSigners *string   `json:"metadata_signers,omitempty"`
	MetadataCA      *string   `json:"metadata_ca,omitempty"`
	MetadataPrivate *bool     `json:"metadata_private,omitempty"`
	EntityID        *string   `json:"entity_id,omitempty"`
	Domains         *[]string `json:"domains,omitempty"`
	ACSMount        *string   `json:"acs_mount,omitempty"`
	SignRequests    *string   `json:"sign_requests,omitempty"`
	LoginHint       *string   `json:"login_hint,omitempty"`
	EmailAttribute  *string   `json:"email_attribute,omitempty"`
	Public          *bool     `json:"public,omitempty"`
	NameIDFormat    *string   `json:"name_id_format,omitempty"`
	Signed          *string   `json:"signed_assertions,omitempty"`
	Encrypted       *bool     `json:"require_encryption,omitempty"`
	MetadataKeys    *string   `json:"metadata_keys,omitempty"`
	AllowWeak       *[]string `json:"allow_weak,omitempty"`
}

func settingsBodyOf(s connection.Settings) settingsBody {
	metadata, signers, authorities, weak := string(s.SAML.Metadata), string(s.SAML.MetadataSigners), string(s.SAML.MetadataCA), s.SAML.Weak()
	if weak == nil {
		weak = []string{}
	}
	return settingsBody{
		Name: &s.Name, Broker: word(s.Broker), MetadataURL: &s.SAML.MetadataURL, Metadata: &metadata, MetadataSigners: &signers,
		MetadataCA: &authorities, MetadataPrivate: &s.SAML.MetadataPrivate, EntityID: &s.EntityID, Domains: &s.Domains,
		ACSMount: word(s.ACSMount), SignRequests: word(s.SignRequests), LoginHint: word(s.LoginHint), EmailAttribute: &s.EmailAttribute,
		Public: &s.Public, NameIDFormat: &s.SAML.NameIDFormat, Signed: word(s.SAML.Signed), Encrypted: &s.SAML.RequireEncryption, MetadataKeys: word(s.SAML.MetadataKeys), AllowWeak: &weak,
	}
}

func word[T ~string](value T) *string {
	text := string(value)
	return &text
}

// change sets what was given. A new address takes the place of a document, and the
// other way round.
func (b settingsBody) change(s *connection.Settings) error {
	set(&s.Name, b.Name)
	set(&s.EntityID, b.EntityID)
	set(&s.Domains, b.Domains)
	set(&s.EmailAttribute, b.EmailAttribute)
	set(&s.Public, b.Public)
	set(&s.SAML.MetadataPrivate, b.MetadataPrivate)
	set(&s.SAML.NameIDFormat, b.NameIDFormat)
	set(&s.SAML.RequireEncryption, b.Encrypted)
	setWord(&s.Broker, b.Broker)
	setWord(&s.ACSMount, b.ACSMount)
	setWord(&s.SignRequests, b.SignRequests)
	setWord(&s.LoginHint, b.LoginHint)
	setWord(&s.SAML.Signed, b.Signed)
	setWord(&s.SAML.MetadataKeys, b.MetadataKeys)
	setBytes(&s.SAML.MetadataSigners, b.MetadataSigners)
	setBytes(&s.SAML.MetadataCA, b.MetadataCA)
	if b.MetadataURL != nil && *b.MetadataURL != "" {
		s.SAML.Metadata, s.SAML.MetadataFile = nil, ""
	}
	if b.Metadata != nil && *b.Metadata != "" {
		s.SAML.MetadataURL, s.SAML.MetadataFile = "", ""
	}
	set(&s.SAML.MetadataURL, b.MetadataURL)
	setBytes(&s.SAML.Metadata, b.Metadata)
	if b.AllowWeak != nil {
		if err := s.SAML.AllowWeak(*b.AllowWeak...); err != nil {
			return fault.InvalidRequest("allow_weak may hold sha1, rsa1_5 and 3des.")
		}
	}
	return nil
}

func setWord[T ~string](to *T, given *string) {
	if given != nil {
		*to = T(*given)
	}
}

func setBytes(to *[]byte, given *string) {
	switch {
	case given != nil && *given == "":
		*to = nil
	case given != nil:
		*to = []byte(*given)
	}
}

// connectionBody leaves out what is not known.
type connectionBody struct {
	Slug string `json:"slug"`
	settingsBody
	Owner        string        `json:"owner"`
	Revision     int64         `json:"revision,omitempty"`
	AddedAt      string        `json:"added_at,omitempty"`
	ChangedAt    string        `json:"changed_at,omitempty"`
	ChangedBy    string        `json:"changed_by,omitempty"`
	MetadataRead *metadataBody `json:"metadata_read,omitempty"`
	Problems     []string      `json:"problems"`
	Warnings     []string      `json:"warnings"`
}

func connectionBodyOf(c application.ConnectionState) connectionBody {
	s := c.Stored
	return connectionBody{
		Slug: c.Connection.Slug(), settingsBody: settingsBodyOf(c.Connection.Settings()), Owner: string(c.Owner),
		Revision: s.Revision, AddedAt: jsonTime(s.AddedAt), ChangedAt: jsonTime(s.ChangedAt), ChangedBy: s.ChangedBy,
		MetadataRead: metadataBodyOf(c.Metadata, c.Copy), Problems: listed(c.Problems), Warnings: listed(c.Warnings),
	}
}

type metadataBody struct {
	EntityID    string    `json:"entity_id"`
	ValidUntil  string    `json:"valid_until,omitempty"`
	FetchedAt   string    `json:"fetched_at,omitempty"`
	SameSince   string    `json:"same_since,omitempty"`
	Bindings    []string  `json:"bindings"`
	WantsSigned bool      `json:"wants_signed_requests"`
	Keys        []keyBody `json:"keys"`
}

type keyBody struct {
	Fingerprint string `json:"fingerprint"`
	Certificate string `json:"certificate_sha256,omitempty"`
	Subject     string `json:"subject,omitempty"`
	NotBefore   string `json:"not_before,omitempty"`
	NotAfter    string `json:"not_after,omitempty"`
}

// metadataBodyOf is nil if there is no metadata.
func metadataBodyOf(m connection.Metadata, kept connection.CopySnapshot) *metadataBody {
	if m.EntityID == "" {
		return nil
	}
	out := &metadataBody{
		EntityID: m.EntityID, ValidUntil: jsonTime(m.ValidUntil), FetchedAt: jsonTime(kept.FetchedAt), SameSince: jsonTime(kept.SeenAt),
		Bindings: listed(m.Bindings), WantsSigned: m.Signed, Keys: []keyBody{},
	}
	for _, k := range m.Keys {
		out.Keys = append(out.Keys, keyBody{k.Fingerprint, k.Certificate, k.Subject, jsonTime(k.NotBefore), jsonTime(k.NotAfter)})
	}
	return out
}

type reportBody struct {
	Good         bool          `json:"good"`
	MetadataRead *metadataBody `json:"metadata_read,omitempty"`
	Problems     []string      `json:"problems"`
	Warnings     []string      `json:"warnings"`
}

func reportBodyOf(r application.ConnectionReport) reportBody {
	return reportBody{len(r.Problems) == 0, metadataBodyOf(r.Metadata, connection.CopySnapshot{}), listed(r.Problems), listed(r.Warnings)}
}

type changeBody struct {
	Setting string `json:"setting"`
	Before  string `json:"before"`
	After   string `json:"after"`
}

func changesOf(all []connection.Difference) []changeBody {
	out := make([]changeBody, len(all))
	for i, d := range all {
		out[i] = changeBody(d)
	}
	return out
}

type editedBody struct {
	DryRun   bool         `json:"dry_run"`
	Revision int64        `json:"revision"`
	Changes  []changeBody `json:"changes"`
	Metadata []string     `json:"metadata_changes"`
	Warnings []string     `json:"warnings"`
}

type removedBody struct {
	Slug    string   `json:"slug"`
	Domains []string `json:"domains"`
	DryRun  bool     `json:"dry_run"`
}

type refreshedBody struct {
	Fetched  bool          `json:"fetched"`
	Failure  string        `json:"failure,omitempty"`
	Changes  []string      `json:"changes"`
	Metadata *metadataBody `json:"metadata_read,omitempty"`
}

type planBody struct {
	DryRun    bool       `json:"dry_run"`
	Steps     []stepBody `json:"steps"`
	Unlisted  []string   `json:"unlisted"`
	Unchanged int        `json:"unchanged"`
}

type stepBody struct {
	Slug     string       `json:"slug"`
	Do       string       `json:"do"`
	Changes  []changeBody `json:"changes"`
	Metadata []string     `json:"metadata_changes"`
	Warnings []string     `json:"warnings"`
}

// listed is an empty list instead of null.
func listed(all []string) []string {
	if all == nil {
		return []string{}
	}
	return all
}
