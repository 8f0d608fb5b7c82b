package memory

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/devicegate/devicegate/ports"
)

// Mailer keeps mail instead of sending it. It is a [ports.Mailer].
type Mailer struct {
	mu   sync.Mutex
	sent []ports.Mail
	fail error
}

// Send implements [ports.Mailer].
func (m *Mailer) Send(ctx context.Context, mail ports.Mail) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case m.fail != nil:
		return m.fail
	case mail.To.String() == "" || strings.ContainsAny(mail.ID+mail.Subject+mail.Language, "\r\n"):
		return errors.New("mail: a header has a line end, or the recipient is missing")
	}
	m.sent = append(m.sent, mail)
	return nil
}

// Sent are the mails so far.
func (m *Mailer) Sent() []ports.Mail {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.sent)
}

// Fail makes the mailer refuse mail with an error; nil: it accepts mail again.
func (m *Mailer) Fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}
