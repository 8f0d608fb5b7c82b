package connection

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Metadata is what was read of an identity provider's metadata.
type Metadata struct {
	EntityID string
	// Document is the identity provider's EntityDescriptor, without the others of
	// a federation.
	Document   []byte
	ValidUntil time.Time // also of what was around the EntityDescriptor; zero: for ever
	Keys       []Key     // that may sign
	Bindings   []string  // by which it takes requests: HTTP-Redirect, HTTP-POST
	Signed     bool      // it wants signed requests
	Warnings   []string  // what could not be used, or will not work
	// ServerClock is how far the clock of the metadata's server is ahead of ours;
	// zero where it is not known.
	ServerClock time.Duration
}

// Key is a key that an identity provider signs with.
type Key struct {
	Fingerprint string // of the key: the first eight bytes of its SHA-256, in hex
	Certificate string // SHA-256 of the certificate, in hex; empty: a bare key
	Subject     string
	NotBefore   time.Time
	NotAfter    time.Time // zero: it has no certificate, and no end
}

// String names the key in logs and audit events.
func (k Key) String() string {
	if k.Certificate == "" {
		return k.Fingerprint
	}
	return k.Fingerprint + " (certificate " + k.Certificate + ")"
}

// KeyChanges are the keys that next has and m has not, and the other way round. A
// new certificate for a key that was there is no change.
func (m Metadata) KeyChanges(next Metadata) (added, removed []Key) {
	return missing(next.Keys, m.Keys), missing(m.Keys, next.Keys)
}

// missing are the keys of all that are not among those of others.
func missing(all, others []Key) (out []Key) {
	for _, k := range all {
		same := func(o Key) bool { return o.Fingerprint == k.Fingerprint }
		if !slices.ContainsFunc(others, same) && !slices.ContainsFunc(out, same) {
			out = append(out, k)
		}
	}
	return out
}

// Changes are what next says otherwise than m, one short sentence each, for
// operators and the audit.
func (m Metadata) Changes(next Metadata) (changes []string) {
	added, removed := m.KeyChanges(next)
	for _, k := range added {
		changes = append(changes, "key added: "+k.String())
	}
	for _, k := range removed {
		changes = append(changes, "key removed: "+k.String())
	}
	if m.EntityID == "" {
		return append([]string{"entityID: " + next.EntityID}, changes...)
	}
	if m.EntityID != next.EntityID {
		changes = append(changes, fmt.Sprintf("entityID: %s, was %s", next.EntityID, m.EntityID))
	}
	if !slices.Equal(m.Bindings, next.Bindings) {
		changes = append(changes, fmt.Sprintf("bindings: %s, was %s", strings.Join(next.Bindings, " "), strings.Join(m.Bindings, " ")))
	}
	if m.Signed != next.Signed {
		changes = append(changes, fmt.Sprintf("wants signed requests: %t, was %t", next.Signed, m.Signed))
	}
	return changes
}

// Same reports whether both say the same, word for word.
func (m Metadata) Same(other Metadata) bool {
	return m.EntityID == other.EntityID && m.ValidUntil.Equal(other.ValidUntil) && bytes.Equal(m.Document, other.Document)
}

// MetadataSource names where a connection's metadata comes from, and what of it
// is taken. A copy of another source is no copy of the connection's metadata.
// Metadata that is a document has none.
func (c Connection) MetadataSource() string {
	s := c.s.SAML
	if c.s.Broker != SAML || s.MetadataURL == "" {
		return ""
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%q %q %q", s.MetadataURL, c.s.EntityID, s.MetadataSigners)
	return hex.EncodeToString(sum.Sum(nil))
}
