package saml

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/devicegate/devicegate/adapters/tracing"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

// Reader is a [ports.MetadataReader]: it reads metadata where a connection says
// that it is.
type Reader struct {
	now     ports.Clock
	through http.RoundTripper // nil: the network
	slots   chan struct{}
	tracer  *tracing.Tracer
}

// fetchesAtOnce bounds the documents that are in memory at the same time: a
// federation's has tens of megabytes.
const fetchesAtOnce = 4

// NewReader makes a reader.
func NewReader(now ports.Clock) *Reader {
	return &Reader{now: now, slots: make(chan struct{}, fetchesAtOnce)}
}

// Traced makes spans of what is fetched from now on.
func (r *Reader) Traced(t *tracing.Tracer) *Reader {
	r.tracer = t
	return r
}

// Refresher fetches metadata for all replicas, which share one copy of each
// connection's last good metadata.
type Refresher interface {
	// Refresh fetches the metadata of via, unless a replica tried that within gap,
	// and returns the copy that is kept then. The error says why there is nothing
	// newer than before; the copy is good in spite of it, or zero.
	Refresh(ctx context.Context, via connection.Connection, gap time.Duration) (connection.CopySnapshot, error)
}

// Option changes how a [Broker] comes by metadata.
type Option func(*Broker)

// Through fetches metadata through another transport than the network.
func Through(t http.RoundTripper) Option { return func(b *Broker) { b.reader.through = t } }

// RefreshedBy lets r fetch the metadata.
func RefreshedBy(r Refresher) Option { return func(b *Broker) { b.refresher = r } }

// Read implements [ports.MetadataReader].
func (r *Reader) Read(ctx context.Context, via connection.Connection) (connection.Metadata, error) {
	p := policy{via.Settings().SAML}
	if err := p.check(); err != nil {
		return connection.Metadata{}, err
	}
	if p.MetadataURL == "" {
		got, err := readFor(via, p.Metadata, p.origin())
		if err != nil {
			return connection.Metadata{}, err
		}
		return got.metadata(), nil
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	got, ahead, err := r.fetch(ctx, via)
	if err != nil {
		return connection.Metadata{}, err
	}
	m := got.metadata()
	m.ServerClock = ahead
	return m, nil
}

// readFor reads the metadata of via out of a document.
func readFor(via connection.Connection, document []byte, origin string) (*idp, error) {
	signers, err := policy{via.Settings().SAML}.signers()
	if err != nil {
		return nil, inMetadata(origin, err)
	}
	got, err := readMetadata(document, via.Settings().EntityID, signers)
	if err != nil {
		return nil, inMetadata(origin, err)
	}
	return got, nil
}

// fetch also says how far the server's clock is ahead. Metadata that has expired
// is an error. The server is not ours: it learns nothing of our trace.
func (r *Reader) fetch(ctx context.Context, via connection.Connection) (got *idp, ahead time.Duration, err error) {
	ctx, span := r.tracer.Continue(ctx, "saml metadata", trace.SpanKindClient, propagation.MapCarrier{})
	if !span.IsZero() {
		span.Set("devicegate.connection", via.Slug())
		defer func() {
			if err != nil {
				span.Fail("metadata_unavailable")
			}
			span.End()
		}()
	}
	return r.fetchDocument(ctx, via)
}

func (r *Reader) fetchDocument(ctx context.Context, via connection.Connection) (got *idp, ahead time.Duration, err error) {
	p := policy{via.Settings().SAML}
	defer func() {
		if caught := recover(); caught != nil {
			err = inMetadata(p.origin(), fmt.Errorf("reading it panicked: %v", caught))
		}
	}()
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return nil, 0, inMetadata(p.origin(), errors.New("too many others are fetched at the same time"))
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.MetadataURL, nil)
	if err != nil {
		return nil, 0, inMetadata(p.origin(), errors.New("the address cannot be asked"))
	}
	if err := p.mayAsk(request.URL); err != nil {
		return nil, 0, fmt.Errorf("metadata: %w", err)
	}
	request.Header.Set("Accept", "application/samlmetadata+xml, application/xml, text/xml")
	client := newClient(p)
	if r.through != nil {
		client.Transport = r.through
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, 0, fmt.Errorf("metadata: %s: %s", address(request.URL), cause(err))
	}
	defer func() { _ = answer.Body.Close() }()
	origin := address(answer.Request.URL)
	if answer.StatusCode != http.StatusOK {
		return nil, 0, fmt.Errorf("metadata: %s answered %s", origin, sanitized(answer.Status))
	}
	if said, err := http.ParseTime(answer.Header.Get("Date")); err == nil {
		ahead = said.Sub(r.now()).Round(time.Second)
	}
	document, err := io.ReadAll(io.LimitReader(answer.Body, int64(metadataLimits.Bytes)+1))
	if err != nil {
		return nil, 0, fmt.Errorf("metadata: %s: %s", origin, cause(err))
	}
	if got, err = readFor(via, document, origin); err != nil {
		return nil, 0, err
	}
	if err := got.expired(r.now()); err != nil {
		return nil, 0, inMetadata(origin, err)
	}
	return got, ahead, nil
}
