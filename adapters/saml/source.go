package saml

import (
	"bytes"
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

var errNotFetched = errors.New("not fetched yet")

// source keeps one connection's metadata. A document is read at the start and
// whenever [Broker.ReplaceMetadata] brings another; a URL is fetched again and
// again. The last good copy is kept.
type source struct {
	slug, entityID string
	policy         policy
	signers        []crypto.PublicKey // of the metadata; none: it need not be signed
	now            ports.Clock
	client         *http.Client

	mu       sync.Mutex
	idp      *idp
	err      error // of the last attempt
	tried    time.Time
	inFlight chan struct{}
}

func newSource(via connection.Connection, policy policy, client *http.Client, now ports.Clock) (*source, error) {
	s := &source{
		slug: via.Slug(), entityID: via.Settings().EntityID, policy: policy, now: now,
		client: client, err: inMetadata(policy.origin(), errNotFetched),
	}
	var err error
	if s.signers, err = policy.signers(); err != nil || policy.MetadataURL != "" {
		return s, err
	}
	s.idp, s.err = s.read(policy.Metadata, policy.origin())
	return s, s.err
}

// inMetadata says where the metadata is that err is about.
func inMetadata(origin string, err error) error {
	if origin == "" {
		return fmt.Errorf("metadata: %w", err)
	}
	return fmt.Errorf("metadata: %s: %w", origin, err)
}

func (s *source) read(document []byte, origin string) (*idp, error) {
	got, err := readMetadata(document, s.entityID, s.signers)
	if err != nil {
		return nil, inMetadata(origin, err)
	}
	return got, nil
}

// replace reads another document. If it cannot be used, the last one stays.
func (s *source) replace(document []byte) error {
	got, err := s.read(document, s.policy.origin())
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err = err; err == nil {
		s.idp = got
	}
	return err
}

// inherit takes over what old has fetched, if it is the metadata of the same
// address, entity and signers.
func (s *source) inherit(old *source) {
	if s.policy.MetadataURL == "" || s.policy.MetadataURL != old.policy.MetadataURL ||
		s.entityID != old.entityID || !bytes.Equal(s.policy.MetadataSigners, old.policy.MetadataSigners) {
		return
	}
	old.mu.Lock()
	defer old.mu.Unlock()
	s.idp, s.err, s.tried = old.idp, old.err, old.tried
}

// current is the metadata as it can be used now.
func (s *source) current() (*idp, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.idp == nil {
		return nil, s.err
	}
	if err := s.idp.expired(s.now()); err != nil {
		return nil, inMetadata(s.policy.origin(), err)
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
// it as long as ctx lasts. Calls at the same time wait for one fetch. The error
// says why there is nothing newer than before.
func (s *source) refresh(ctx context.Context, gap time.Duration) error {
	if s.policy.MetadataURL == "" {
		return errors.New("the metadata is a document and not fetched: replace it if the identity provider has a new key")
	}
	s.mu.Lock()
	since := s.now().Sub(s.tried)
	if s.inFlight == nil {
		if !s.tried.IsZero() && since < gap {
			s.mu.Unlock()
			return fmt.Errorf("the metadata was fetched %s ago and is fetched again after %s at the earliest", since.Round(time.Second), gap)
		}
		s.tried, s.inFlight = s.now(), make(chan struct{})
		go s.fetch(s.inFlight)
	}
	done := s.inFlight
	s.mu.Unlock()
	select {
	case <-done:
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.err
	case <-ctx.Done():
		return errors.New("the metadata is being fetched, and not there yet")
	}
}

// fetch does not end with the request that started it: later requests use the
// result too.
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
			err = inMetadata(s.policy.origin(), fmt.Errorf("reading it panicked: %v", p))
		}
	}()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.policy.MetadataURL, nil)
	if err != nil {
		return nil, inMetadata(s.policy.origin(), errors.New("the address cannot be asked"))
	}
	request.Header.Set("Accept", "application/samlmetadata+xml, application/xml, text/xml")
	answer, err := s.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("metadata: %s: %s", address(request.URL), cause(err))
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("metadata: %s answered %s", address(answer.Request.URL), sanitized(answer.Status))
	}
	document, err := io.ReadAll(io.LimitReader(answer.Body, int64(metadataLimits.Bytes)+1))
	if err != nil {
		return nil, fmt.Errorf("metadata: %s: %s", address(answer.Request.URL), cause(err))
	}
	origin := address(answer.Request.URL)
	if got, err = s.read(document, origin); err != nil {
		return nil, err
	}
	if err := got.expired(s.now()); err != nil {
		return nil, inMetadata(origin, err)
	}
	return got, nil
}

// expiryWarning is how long before the end of metadata operators are warned.
const expiryWarning = 7 * 24 * time.Hour

// notices are what is wrong now (problems) and what will be (warnings).
func (s *source) notices() (problems, warnings []Notice) {
	s.mu.Lock()
	defer s.mu.Unlock()
	problem := func(err error) { problems = append(problems, s.notice(err.Error())) }
	warn := func(text string) { warnings = append(warnings, s.notice(text)) }
	if strings.HasPrefix(strings.ToLower(s.policy.MetadataURL), "http://") && len(s.signers) == 0 {
		warn("metadata: it comes over http and is not signed; another host on the way can replace its keys")
	}
	failed := s.err != nil && !errors.Is(s.err, errNotFetched)
	if s.idp == nil {
		if failed {
			problem(s.err)
		}
		return problems, warnings
	}
	if ended := s.idp.expired(s.now()); ended != nil {
		ended = inMetadata(s.policy.origin(), ended)
		problem(ended)
		if failed && s.err.Error() != ended.Error() {
			problem(s.err)
		}
	} else {
		if failed {
			warn(s.err.Error() + "; the last good copy serves meanwhile")
		}
		if until := s.idp.validUntil; !until.IsZero() && s.now().Add(expiryWarning).After(until) {
			warnings = append(warnings, Notice{s.slug, "metadata: valid until " + timestamp(until) + " only", "validUntil"})
		}
	}
	for _, text := range s.idp.warnings(s.now()) {
		warn(text)
	}
	return problems, warnings
}

func (s *source) notice(text string) Notice { return Notice{s.slug, text, text} }
