package applicationtest

import (
	"context"
	"errors"
	"sync"

	"github.com/devicegate/devicegate/domain/connection"
)

// Published is the metadata of identity providers, by address, or by the document
// that a connection has. It implements [ports.MetadataReader].
type Published struct {
	mu     sync.Mutex
	all    map[string]connection.Metadata
	failed map[string]error
	reads  map[string]int
}

// Publish makes the metadata at an address, or in a document, that of an identity
// provider with these keys.
func (p *Published) Publish(at, entityID string, keys ...string) {
	p.PublishAs(at, MetadataOf(entityID, keys...))
}

// MetadataOf is the metadata of an identity provider with these keys.
func MetadataOf(entityID string, keys ...string) connection.Metadata {
	m := connection.Metadata{EntityID: entityID, Document: []byte("<" + entityID + ">"), Bindings: []string{"HTTP-Redirect"}}
	for _, k := range keys {
		m.Keys = append(m.Keys, connection.Key{Fingerprint: k})
		m.Document = append(m.Document, k...)
	}
	return m
}

// PublishAs is [Published.Publish] with everything.
func (p *Published) PublishAs(at string, m connection.Metadata) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all == nil {
		p.all = map[string]connection.Metadata{}
	}
	p.all[at] = m
	delete(p.failed, at)
}

// Fail makes an address fail.
func (p *Published) Fail(at, because string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed == nil {
		p.failed = map[string]error{}
	}
	p.failed[at] = errors.New(because)
}

// Reads is how often an address was read.
func (p *Published) Reads(at string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reads[at]
}

// Read implements [ports.MetadataReader].
func (p *Published) Read(_ context.Context, via connection.Connection) (connection.Metadata, error) {
	s := via.Settings().SAML
	at := s.MetadataURL
	if at == "" {
		at = string(s.Metadata)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reads == nil {
		p.reads = map[string]int{}
	}
	p.reads[at]++
	if err := p.failed[at]; err != nil {
		return connection.Metadata{}, err
	}
	m, ok := p.all[at]
	if !ok {
		return connection.Metadata{}, errors.New("metadata: nothing is published at " + at)
	}
	return m, nil
}
