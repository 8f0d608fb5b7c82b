package acsmove

import (
	"encoding/json"
	"regexp"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/uid"
)

var (
	// ErrUnknownTest says that a link belongs to no test, or to one that a later test
	// has replaced.
	ErrUnknownTest = fault.New(fault.NotFound, "unknown_test",
		"This test link is not valid. Ask your administrator for a new one.")
	// ErrTestUsed says that a link was opened before.
	ErrTestUsed = fault.New(fault.Conflict, "test_used",
		"This test link was opened before, and works once. Ask your administrator for a new one.")
	// ErrTestExpired says that a link was not opened in time.
	ErrTestExpired = fault.New(fault.Gone, "test_expired",
		"This test link has expired. Ask your administrator for a new one.")
	// ErrConnectionChanged says that a connection is another than when the test was
	// made.
	ErrConnectionChanged = fault.New(fault.Conflict, "connection_changed",
		"The connection was changed after this test link was made. Ask your administrator for a new one.")
	// ErrNotSAML says that a connection has no callback of ours to move.
	ErrNotSAML = fault.New(fault.Conflict, "no_acs",
		"The connection's broker is not saml; it has no callback to move. Name a connection whose broker is saml.")
)

const (
	testTTL = 24 * time.Hour
	// answerTime is how long the identity provider and the person may take before a
	// test counts as unanswered. An answer that comes later still counts.
	answerTime = 5 * time.Minute
)

// Link opens a test, once.
type Link struct{ secret.Text }

var linkForm = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// ParseLink wraps what a browser presents; what was not made here becomes the zero
// Link.
func ParseLink(text string) Link {
	if !linkForm.MatchString(text) {
		return Link{}
	}
	return Link{secret.New("test link", text)}
}

// TestSnapshot is the last test of a connection.
type TestSnapshot struct {
	ID        uid.ID
	Link      secret.Digest
	Settings  secret.Digest // of the connection when the test was made
	MadeBy    string
	MadeAt    time.Time
	ExpiresAt time.Time // of the link

	// Set by OpenTest.
	OpenedAt    time.Time
	Browser     secret.Digest
	Transaction uid.ID

	// Set by PassTest and FailTest.
	EndedAt time.Time
	Passed  bool
	Reason  string // of a failure
	Detail  string
	Subject identity.Subject // whom the identity provider asserted
}

func (t TestSnapshot) possible() bool {
	if t.ID.IsZero() {
		return t == TestSnapshot{}
	}
	made := !t.Link.IsZero() && !t.Settings.IsZero() && t.MadeBy != "" && !t.MadeAt.IsZero() && !t.ExpiresAt.IsZero()
	opened := !t.OpenedAt.IsZero()
	ended := !t.EndedAt.IsZero()
	return made && opened == !t.Browser.IsZero() && opened == !t.Transaction.IsZero() && (opened || !ended) &&
		ended == (t.Passed || t.Reason != "") && !(t.Passed && t.Reason != "") && (ended || t.Detail == "" && t.Subject.IsZero())
}

// settingsOf identifies a connection's settings.
func settingsOf(via connection.Connection) secret.Digest {
	text, err := json.Marshal(via.Settings())
	if err != nil {
		panic(err) // only for types that JSON does not know
	}
	return secret.New("settings", string(text)).Digest()
}

// NewTest makes a test of a connection. The link of an earlier test is worth
// nothing from then on. It returns [ErrNotSAML].
func (m *Move) NewTest(via connection.Connection, by audit.Actor, at time.Time, origin request.Origin) (Link, audit.Event, error) {
	if via.Settings().Broker != connection.SAML {
		return Link{}, audit.Event{}, ErrNotSAML
	}
	link := Link{secret.Random("test link", 32)}
	m.s.Test = TestSnapshot{
		ID: uid.New(at), Link: link.Digest(), Settings: settingsOf(via), MadeBy: by.Name, MadeAt: at, ExpiresAt: at.Add(testTTL),
	}
	return link, m.event(audit.ACSTestMade, by, at, origin), nil
}

// CheckTest returns [ErrUnknownTest], [ErrTestUsed], [ErrTestExpired] or
// [ErrConnectionChanged] unless a link can be opened.
func (m *Move) CheckTest(link Link, via connection.Connection, at time.Time) error {
	switch t := m.s.Test; {
	case link.IsZero() || !t.Link.Equal(link.Digest()):
		return ErrUnknownTest
	case !t.OpenedAt.IsZero():
		return ErrTestUsed
	case !at.Before(t.ExpiresAt):
		return ErrTestExpired
	case t.Settings != settingsOf(via):
		return ErrConnectionChanged
	}
	return nil
}

// OpenTest spends the link for one sign-in of one browser. It refuses as
// [Move.CheckTest] does.
func (m *Move) OpenTest(link Link, via connection.Connection, transaction uid.ID, browser secret.Digest, at time.Time) error {
	if err := m.CheckTest(link, via, at); err != nil {
		return err
	}
	m.s.Test.OpenedAt, m.s.Test.Transaction, m.s.Test.Browser = at, transaction, browser
	return nil
}

// concerns returns [ErrUnknownTest] unless the sign-in is that of the last test.
func (m *Move) concerns(transaction uid.ID) error {
	if transaction.IsZero() || m.s.Test.Transaction != transaction {
		return ErrUnknownTest
	}
	return nil
}

// PassTest ends a test whose sign-in was completed with a response that came in on
// a mount. If that is the canonical one, the connection is moved; the second event
// says so. If the identity provider posted to the legacy callback although the
// request named the other, or if the connection was changed meanwhile, the test has
// failed. It returns [ErrUnknownTest].
func (m *Move) PassTest(transaction uid.ID, via connection.Connection, subject identity.Subject, on connection.Mount, at time.Time, origin request.Origin) ([]audit.Event, error) {
	if err := m.concerns(transaction); err != nil {
		return nil, err
	}
	t := &m.s.Test
	t.EndedAt, t.Subject = at, subject
	switch {
	case on != connection.Canonical:
		return m.failed("answered_on_legacy", "the request named the canonical callback, the response came to the legacy one", at, origin), nil
	case t.Settings != settingsOf(via):
		return m.failed(ErrConnectionChanged.Code, "the connection was changed after the test was made", at, origin), nil
	}
	t.Passed, t.Reason, t.Detail = true, "", ""
	by := audit.Actor{Kind: audit.Admin, Name: t.MadeBy}
	passed := m.event(audit.ACSTestPassed, by, at, origin)
	passed.Subject, passed.Mount = subject, string(on)
	if m.s.Advertised(via.Settings().ACSMount) == connection.Canonical {
		return []audit.Event{passed}, nil
	}
	return []audit.Event{passed, m.moved("tested", by, at, origin)}, nil
}

// FailTest keeps why a response of a test was refused. A good one may still pass
// it. It returns [ErrUnknownTest], also for a test that has passed.
func (m *Move) FailTest(transaction uid.ID, reason, detail string, at time.Time, origin request.Origin) ([]audit.Event, error) {
	if err := m.concerns(transaction); err != nil {
		return nil, err
	}
	if m.s.Test.Passed {
		return nil, ErrUnknownTest
	}
	m.s.Test.EndedAt = at
	return m.failed(reason, detail, at, origin), nil
}

func (m *Move) failed(reason, detail string, at time.Time, origin request.Origin) []audit.Event {
	m.s.Test.Passed, m.s.Test.Reason, m.s.Test.Detail = false, reason, detail
	e := m.event(audit.ACSTestFailed, audit.Actor{Kind: audit.Admin, Name: m.s.Test.MadeBy}, at, origin)
	e.Subject, e.Reason, e.Detail = m.s.Test.Subject, reason, detail
	return []audit.Event{e}
}

// Outcome is how a test stands.
type Outcome string

// The outcomes.
const (
	NoTest      Outcome = ""
	TestWaiting Outcome = "not opened yet"
	TestExpired Outcome = "never opened"
	TestOpened  Outcome = "at the identity provider"
	TestPassed  Outcome = "passed"
	TestFailed  Outcome = "failed"
	// TestUnanswered is what remains when an identity provider shows an error page
	// of its own, which most do for a callback that they do not know.
	TestUnanswered Outcome = "no answer"
)

// Outcome of the test.
func (t TestSnapshot) Outcome(at time.Time) Outcome {
	switch {
	case t.ID.IsZero():
		return NoTest
	case t.Passed:
		return TestPassed
	case t.Reason != "":
		return TestFailed
	case !t.OpenedAt.IsZero() && at.Sub(t.OpenedAt) >= answerTime:
		return TestUnanswered
	case !t.OpenedAt.IsZero():
		return TestOpened
	case !at.Before(t.ExpiresAt):
		return TestExpired
	}
	return TestWaiting
}
