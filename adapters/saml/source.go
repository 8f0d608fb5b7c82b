package saml

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

const (
	fetchTimeout = 10 * time.Second
	freshFor     = time.Hour       // then metadata is fetched again
	retryAfter   = 5 * time.Minute // a failed fetch, in the background
	beginGap     = 10 * time.Second
	unknownGap   = time.Minute // between fetches that an unknown key causes
)

var errNotFetched = errors.New("metadata: not fetched yet")

// source keeps one connection's metadata. A document is read once; a URL is
// fetched again and again, and the last good copy is kept.
type source struct {
	slug, entityID string
	policy         Source
	signers        []crypto.PublicKey // of the metadata; none: it need not be signed
	now            ports.Clock
	log            *slog.Logger
	client         *http.Client

	mu       sync.Mutex
	idp      *idp
	err      error // of the last attempt
	tried    time.Time
	inFlight chan struct{}
}

func newSource(via connection.Connection, policy Source, client *http.Client, now ports.Clock, log *slog.Logger) (*source, error) {
	s := &source{
		slug: via.Slug(), entityID: via.Settings().EntityID, policy: policy, now: now, log: log,
		client: client, err: errNotFetched,
	}
	var err error
	if s.signers, err = policy.signers(); err != nil || policy.MetadataURL != "" {
		return s, err
	}
	s.idp, s.err = readMetadata(policy.Metadata, s.entityID, s.signers, now())
	return s, s.err
}

// current is the metadata as it can be used now.
func (s *source) current() (*idp, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.idp == nil {
		return nil, s.err
	}
	if err := s.idp.expired(s.now()); err != nil {
		return nil, err
	}
	return s.idp, nil
}

// due reports whether the background has something to do.
func (s *source) due() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	wait := freshFor
	if s.err != nil {
		wait = retryAfter
	}
	return s.policy.MetadataURL != "" && (s.tried.IsZero() || s.now().Sub(s.tried) >= wait)
}

// refresh fetches the metadata unless that was tried within gap, and waits for
// it as long as ctx lasts. Everybody waits for the same fetch.
func (s *source) refresh(ctx context.Context, gap time.Duration) {
	if s.policy.MetadataURL == "" {
		return
	}
	s.mu.Lock()
	if s.inFlight == nil && (s.tried.IsZero() || s.now().Sub(s.tried) >= gap) {
		s.tried, s.inFlight = s.now(), make(chan struct{})
		go s.fetch(s.inFlight)
	}
	done := s.inFlight
	s.mu.Unlock()
	if done == nil {
		return
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// fetch outlives whoever asked for it: the next one wants it too.
func (s *source) fetch(done chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	fetched, err := s.get(ctx)
	if err != nil {
		s.log.Warn("saml metadata not refreshed", "connection", s.slug, "error", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err = err; err == nil {
		s.idp = fetched
	}
	s.inFlight = nil
	close(done)
}

func (s *source) get(ctx context.Context) (got *idp, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("metadata: reading it panicked: %v", p)
		}
	}()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.policy.MetadataURL, nil)
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	request.Header.Set("Accept", "application/samlmetadata+xml, application/xml, text/xml")
	answer, err := s.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("metadata: %s answered %s", s.policy.MetadataURL, answer.Status)
	}
	document, err := io.ReadAll(io.LimitReader(answer.Body, int64(metadataLimits.Bytes)+1))
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	got, err = readMetadata(document, s.entityID, s.signers, s.now())
	if err != nil {
		return nil, err
	}
	return got, got.expired(s.now())
}

// notices tell operators what is wrong now and what will be.
func (s *source) notices() (problems, warnings []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil && !(errors.Is(s.err, errNotFetched) && s.tried.IsZero()) {
		problems = append(problems, s.err.Error())
	}
	if strings.HasPrefix(s.policy.MetadataURL, "http://") && len(s.signers) == 0 {
		warnings = append(warnings, "metadata: it comes over http and is not signed; whoever is in between can sign people in")
	}
	if s.idp == nil {
		return problems, warnings
	}
	if err := s.idp.expired(s.now()); err != nil {
		problems = append(problems, err.Error())
	} else if until := s.idp.validUntil; !until.IsZero() && s.now().Add(7*24*time.Hour).After(until) {
		warnings = append(warnings, "metadata: it is valid until "+stamp(until)+" only")
	}
	return problems, append(warnings, s.idp.warnings...)
}
