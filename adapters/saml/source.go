package saml

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
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
	client         *http.Client

	mu       sync.Mutex
	idp      *idp
	err      error // of the last attempt
	tried    time.Time
	inFlight chan struct{}
}

func newSource(via connection.Connection, policy Source, client *http.Client, now ports.Clock) (*source, error) {
	s := &source{
		slug: via.Slug(), entityID: via.Settings().EntityID, policy: policy, now: now,
		client: client, err: errNotFetched,
	}
	var err error
	if s.signers, err = policy.signers(); err != nil || policy.MetadataURL != "" {
		return s, err
	}
	s.idp, s.err = readMetadata(policy.Metadata, s.entityID, s.signers)
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
		return nil, errors.New("metadata: the address cannot be asked")
	}
	request.Header.Set("Accept", "application/samlmetadata+xml, application/xml, text/xml")
	answer, err := s.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("metadata: %s: %s", address(request.URL), cause(err))
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("metadata: %s answered %s", address(answer.Request.URL), shown(answer.Status))
	}
	document, err := io.ReadAll(io.LimitReader(answer.Body, int64(metadataLimits.Bytes)+1))
	if err != nil {
		return nil, fmt.Errorf("metadata: %s: %s", address(answer.Request.URL), cause(err))
	}
	got, err = readMetadata(document, s.entityID, s.signers)
	if err != nil {
		return nil, err
	}
	return got, got.expired(s.now())
}

const farewell = 7 * 24 * time.Hour // before metadata ends, operators are told

// notices tell operators what is wrong now and what will be.
func (s *source) notices() (problems, warnings []Notice) {
	s.mu.Lock()
	defer s.mu.Unlock()
	problem := func(err error) { problems = append(problems, s.notice(err.Error())) }
	warn := func(text string) { warnings = append(warnings, s.notice(text)) }
	if strings.HasPrefix(strings.ToLower(s.policy.MetadataURL), "http://") && len(s.signers) == 0 {
		warn("metadata: it comes over http and is not signed; whoever is in between can sign people in")
	}
	failed := s.err != nil && !errors.Is(s.err, errNotFetched)
	if s.idp == nil {
		if failed {
			problem(s.err)
		}
		return problems, warnings
	}
	if ended := s.idp.expired(s.now()); ended != nil {
		problem(ended)
		if failed && s.err.Error() != ended.Error() {
			problem(s.err)
		}
	} else {
		if failed {
			warn(s.err.Error() + "; the last good copy serves meanwhile")
		}
		if until := s.idp.validUntil; !until.IsZero() && s.now().Add(farewell).After(until) {
			warnings = append(warnings, Notice{s.slug, "metadata: it is valid until " + stamp(until) + " only", "validUntil"})
		}
	}
	for _, text := range s.idp.warnings(s.now()) {
		warn(text)
	}
	return problems, warnings
}

func (s *source) notice(text string) Notice { return Notice{s.slug, text, text} }
