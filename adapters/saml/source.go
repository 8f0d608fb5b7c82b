package saml

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/devicegate/devicegate/adapters/saml/xmlsec"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

const (
	freshFor   = time.Hour       // then metadata is fetched again
	retryAfter = 5 * time.Minute // a failed fetch, in the background
	beginGap   = 10 * time.Second
	unknownGap = time.Minute // between fetches that an unknown key causes

	// Where a worker fetches for all replicas, a replica does it itself only if
	// that did not happen for so long.
	keptFreshFor = 3 * freshFor
	keptGap      = retryAfter - 30*time.Second
	askAgain     = 50 * time.Millisecond // for what another replica fetches
)

var errNotFetched = errors.New("not fetched yet")

// source has one connection's metadata. A document is read at the start and
// whenever [Broker.ReplaceMetadata] brings another; a URL is fetched again and
// again. The last good copy is kept.
type source struct {
	via       connection.Connection
	policy    policy
	now       ports.Clock
	reader    *Reader
	refresher Refresher // nil: this process fetches for itself

	mu       sync.Mutex
	idp      *idp
	seenAt   time.Time // when idp's document came for the first time; zero: it is a configured one
	fetched  time.Time // when it came last
	err      error     // of the last attempt
	tried    time.Time
	trying   time.Time // when another replica began an attempt that may be under way
	revision int64     // of the copy that idp is from
	inFlight *attempt
}

// attempt is a fetch that several sign-ins may wait for.
type attempt struct {
	done chan struct{}
	err  error // why there is nothing newer; to be read when done is closed
}

func newSource(via connection.Connection, b *Broker) (*source, error) {
	s := &source{via: via, policy: policy{via.Settings().SAML}, now: b.now, reader: b.reader, refresher: b.refresher}
	s.err = inMetadata(s.policy.origin(), errNotFetched)
	if err := s.policy.check(); err != nil || s.policy.MetadataURL != "" {
		return s, err
	}
	s.idp, s.err = s.read(s.policy.Metadata)
	return s, s.err
}

// inMetadata says where the metadata is that err is about.
func inMetadata(origin string, err error) error {
	if origin == "" {
		return fmt.Errorf("metadata: %w", err)
	}
	return fmt.Errorf("metadata: %s: %w", origin, err)
}

func (s *source) read(document []byte) (*idp, error) {
	return readFor(s.via, document, s.policy.origin())
}

// replace reads another document. If it cannot be used, the last one stays.
func (s *source) replace(document []byte) error {
	got, err := s.read(document)
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
	if s.via.MetadataSource() == "" || s.via.MetadataSource() != old.via.MetadataSource() {
		return
	}
	old.mu.Lock()
	defer old.mu.Unlock()
	s.idp, s.seenAt, s.fetched, s.err, s.tried = old.idp, old.seenAt, old.fetched, old.err, old.tried
	s.trying, s.revision = old.trying, old.revision
}

// sameEntity refuses a document of another identity provider in the place of the one
// before, in a connection of the file, unless the connection names that entity ID.
// An edit of a connection in the database is warned of instead.
func (s *source) sameEntity(old *source) error {
	before, _ := old.current()
	if s.idp == nil || before == nil || s.idp.entityID == before.entityID || s.via.Owner() != connection.File || s.via.Settings().EntityID == s.idp.entityID {
		return nil
	}
	return fmt.Errorf("%s is %s, and was %s: %w", s.policy.origin(), sanitized(s.idp.entityID), sanitized(before.entityID), connection.ErrOtherEntity)
}

// adopt takes the copy that is kept for all replicas, if it is of this source.
func (s *source) adopt(kept connection.CopySnapshot) error {
	if kept.Connection != s.via.Slug() || kept.Source != s.via.MetadataSource() {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept.Revision < s.revision && kept.FetchedAt.Before(s.fetched) {
		return nil // it was read before the one that is served
	}
	if kept.TriedAt.After(s.tried) {
		s.tried = kept.TriedAt
	}
	if s.trying = (time.Time{}); kept.Trying(s.now(), fetchTimeout) {
		s.trying = kept.TriedAt
	}
	switch {
	case kept.Failure != "":
		s.err = errors.New(kept.Failure)
	case !kept.SeenAt.IsZero():
		s.err = nil
	}
	if kept.SeenAt.IsZero() {
		return nil
	}
	if s.idp != nil && s.idp.metadata().Same(kept.Good) {
		s.fetched, s.revision = kept.FetchedAt, kept.Revision
		return nil
	}
	got, err := restored(kept.Good)
	if err != nil {
		return fmt.Errorf("the stored metadata of connection %s: %w", s.via.Slug(), err)
	}
	s.idp, s.seenAt, s.fetched, s.revision = got, kept.SeenAt, kept.FetchedAt, kept.Revision
	return nil
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
	switch {
	case s.err != nil:
		wait = retryAfter
	case s.refresher != nil:
		wait = keptFreshFor
	}
	return s.policy.MetadataURL != "" && (s.tried.IsZero() || s.now().Sub(s.tried) >= wait)
}

// refreshDue is a refresh by the background.
func (s *source) refreshDue(ctx context.Context) {
	gap := time.Duration(0)
	if s.refresher != nil {
		gap = keptGap
	}
	_ = s.refresh(ctx, gap) // the source keeps the error
}

// refresh fetches the metadata unless that was tried within gap, and waits for
// it as long as ctx lasts. Calls at the same time, also those on other replicas,
// wait for one fetch. The error says why there is nothing newer than before.
func (s *source) refresh(ctx context.Context, gap time.Duration) error {
	if s.policy.MetadataURL == "" {
		return errors.New("the metadata is a document and not fetched: replace it if the identity provider has a new key")
	}
	s.mu.Lock()
	now := s.inFlight
	if now == nil {
		if since := s.now().Sub(s.tried); !s.tried.IsZero() && since < gap && !s.awaited() {
			s.mu.Unlock()
			return connection.TooSoonError{Since: since, Gap: gap}
		}
		now = &attempt{done: make(chan struct{})}
		s.tried, s.inFlight = s.now(), now
		go s.fetch(now, gap)
	}
	s.mu.Unlock()
	select {
	case <-now.done:
		return now.err
	case <-ctx.Done():
		return errors.New("the metadata is being fetched, and not there yet")
	}
}

// awaited reports whether another replica may be fetching now.
func (s *source) awaited() bool {
	return s.refresher != nil && !s.trying.IsZero() && s.now().Sub(s.trying) < fetchTimeout
}

// fetch does not end with the request that started it: later requests use the
// result too.
func (s *source) fetch(now *attempt, gap time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*fetchTimeout) // the store of the copies may be slow, too
	defer cancel()
	if s.refresher == nil {
		now.err = s.fetchAlone(ctx)
	} else {
		now.err = s.fetchForAll(ctx, gap)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight = nil
	close(now.done)
}

func (s *source) fetchAlone(ctx context.Context) error {
	fetched, _, err := s.reader.fetch(ctx, s.via)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err = err; err != nil {
		return err
	}
	s.fetched = s.now()
	if s.idp == nil || !s.idp.metadata().Same(fetched.metadata()) {
		s.idp, s.seenAt = fetched, s.now()
	}
	return nil
}

func (s *source) fetchForAll(ctx context.Context, gap time.Duration) error {
	for {
		kept, err := s.refresher.Refresh(ctx, s.via, gap)
		if unread := s.adopt(kept); unread != nil {
			return errors.Join(unread, err)
		}
		if !errors.As(err, new(connection.TooSoonError)) || !kept.Trying(s.now(), fetchTimeout) {
			return err
		}
		select { // another replica is fetching for this one, too
		case <-time.After(askAgain):
		case <-ctx.Done():
			return err
		}
	}
}

// notices are what is wrong now (problems) and what will be (warnings).
func (s *source) notices() (problems, warnings []Notice) {
	s.mu.Lock()
	defer s.mu.Unlock()
	problem := func(err error) { problems = append(problems, s.notice(err.Error())) }
	warn := func(text string) { warnings = append(warnings, s.notice(text)) }
	if strings.HasPrefix(strings.ToLower(s.policy.MetadataURL), "http://") && len(s.policy.MetadataSigners) == 0 {
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
		if ends, ok := connection.ExpiryAt(s.idp.validUntil, s.span(), s.now()); ok {
			warnings = append(warnings, s.ends(ends, "metadata: valid until "+timestamp(ends.End)+" only", "validUntil"))
		}
	}
	for _, text := range s.idp.doubts {
		warn(text)
	}
	for _, c := range s.idp.certificates {
		if n, ok := s.certificateNotice(c); ok {
			warnings = append(warnings, n)
		}
	}
	return problems, warnings
}

// span is how long the metadata was valid when it came; zero: for ever.
func (s *source) span() time.Duration {
	if s.seenAt.IsZero() || s.idp.validUntil.IsZero() {
		return 0
	}
	return s.idp.validUntil.Sub(s.seenAt)
}

func (s *source) certificateNotice(c xmlsec.Certificate) (Notice, bool) {
	named := fmt.Sprintf("the signing certificate %q ", sanitized(c.Subject))
	if s.now().Before(c.NotBefore) {
		return s.notice(named + "begins at " + timestamp(c.NotBefore)), true
	}
	ends, ok := connection.ExpiryAt(c.NotAfter, 0, s.now())
	switch {
	case !ok:
		return Notice{}, false
	case ends.Days == 0:
		return s.notice(named + "expired at " + timestamp(c.NotAfter) + "; its key is trusted because the metadata publishes it"), true
	}
	text := named + "expires at " + timestamp(c.NotAfter)
	return s.ends(ends, text, text), true
}

// ends is a notice that comes again at each step of an expiry.
func (s *source) ends(at connection.Expiry, text, about string) Notice {
	return Notice{Connection: s.via.Slug(), Text: text, topic: fmt.Sprintf("%s %d", about, at.Days), once: !at.Reminded()}
}

func (s *source) notice(text string) Notice {
	return Notice{Connection: s.via.Slug(), Text: text, topic: text}
}
