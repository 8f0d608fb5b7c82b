package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/textproto"
	"regexp"
	"strings"
	"time"

	smtp "github.com/wneessen/go-mail"

	"github.com/devicegate/devicegate/ports"
)

const (
	// stepTime bounds each step of the conversation.
	stepTime = 15 * time.Second
	// sendTime bounds the whole of it, however slowly a server answers.
	sendTime = 45 * time.Second
)

// Mailer is a [ports.Mailer] that opens a connection for each mail: mails are few,
// and a kept connection would be one that the server has closed.
type Mailer struct {
	server server
	from   *netmail.Address
	tls    *tls.Config // nil: the system's certificates
}

// New makes a mailer. It connects to nothing yet. It returns what
// [Config.Check] objects to.
func New(cfg Config) (*Mailer, error) {
	s, err1 := cfg.server()
	from, err2 := cfg.sender()
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	return &Mailer{server: s, from: from}, nil
}

// WithTLS makes the mailer trust other certificates than the system's.
func (m *Mailer) WithTLS(config *tls.Config) *Mailer {
	m.tls = config
	return m
}

// Send implements [ports.Mailer].
func (m *Mailer) Send(ctx context.Context, mail ports.Mail) error {
	message, err := m.message(mail)
	if err != nil {
		return err
	}
	return m.connected(ctx, func(c *smtp.Client, ctx context.Context) error {
		return c.DialAndSendWithContext(ctx, message)
	})
}

// Check connects, encrypts and authenticates as for a mail, and sends none.
func (m *Mailer) Check(ctx context.Context) error {
	return m.connected(ctx, func(c *smtp.Client, ctx context.Context) error {
		session, err := c.DialToSMTPClientWithContext(ctx)
		if err != nil {
			return err
		}
		return errors.Join(session.Noop(), c.CloseWithSMTPClient(session))
	})
}

func (m *Mailer) message(mail ports.Mail) (*smtp.Msg, error) {
	if mail.To.String() == "" || strings.ContainsAny(mail.To.String()+mail.ID+mail.Subject+mail.Language, "\r\n") {
		return nil, errors.New("mail: a header has a line end, or the recipient is missing")
	}
	message := smtp.NewMsg(smtp.WithNoDefaultUserAgent())
	message.FromMailAddress(m.from)
	message.ToMailAddress(&netmail.Address{Address: mail.To.String()})
	message.Subject(mail.Subject)
	message.SetDate()
	_, domain, _ := strings.Cut(m.from.Address, "@")
	message.SetMessageIDWithValue(mail.ID + "@" + domain)
	message.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834
	message.SetGenHeader(smtp.HeaderXAutoResponseSuppress, "All")
	if mail.Language != "" {
		message.SetGenHeader(smtp.HeaderContentLang, mail.Language)
	}
	message.SetBodyString(smtp.TypeTextPlain, mail.Text)
	message.AddAlternativeString(smtp.TypeTextHTML, mail.HTML)
	return message, nil
}

// connected uses a client whose connection ends with ctx.
func (m *Mailer) connected(ctx context.Context, use func(*smtp.Client, context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	options := []smtp.Option{
		smtp.WithTimeout(stepTime), smtp.WithDialContextFunc(func(dialing context.Context, network, address string) (net.Conn, error) {
			return m.dial(ctx, dialing, network, address)
		}),
	}
	port := 0
	_, _ = fmt.Sscan(m.server.port, &port) // checked
	options = append(options, smtp.WithPort(port))
	if m.tls != nil {
		options = append(options, smtp.WithTLSConfig(m.tlsConfig()))
	}
	switch {
	case m.server.implicitTLS:
		options = append(options, smtp.WithSSL())
	case m.server.plain:
		options = append(options, smtp.WithTLSPolicy(smtp.NoTLS))
	default:
		options = append(options, smtp.WithTLSPolicy(smtp.TLSMandatory))
	}
	if m.server.user != "" {
		options = append(options, smtp.WithUsername(m.server.user), smtp.WithPassword(m.server.password), m.auth())
	}
	client, err := smtp.NewClient(m.server.host, options...)
	if err != nil {
		return m.worded(err)
	}
	err = use(client, ctx)
	if ended := ctx.Err(); err != nil && ended != nil {
		return fmt.Errorf("mail server %s: no complete answer in time: %w", m.server.host, ended)
	}
	return m.worded(err)
}

// auth prefers what keeps the password from the server.
func (m *Mailer) auth() smtp.Option {
	if m.server.plain { // on this machine
		return smtp.WithOpportunisticSMTPAuth(smtp.SMTPAuthSCRAMSHA256, smtp.SMTPAuthPlainNoEnc, smtp.SMTPAuthLoginNoEnc)
	}
	return smtp.WithOpportunisticSMTPAuth(smtp.SMTPAuthSCRAMSHA256PLUS, smtp.SMTPAuthSCRAMSHA256, smtp.SMTPAuthPlain, smtp.SMTPAuthLogin)
}

func (m *Mailer) tlsConfig() *tls.Config {
	config := m.tls.Clone()
	if config == nil {
		config = &tls.Config{}
	}
	config.ServerName, config.MinVersion = m.server.host, tls.VersionTLS12
	return config
}

// dial closes the connection when the sending ends: a server that answers a byte
// at a time meets every other limit.
func (m *Mailer) dial(sending, dialing context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(dialing, network, address)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(sending, func() { _ = conn.Close() })
	if !m.server.implicitTLS {
		return conn, nil
	}
	encrypted := tls.Client(conn, m.tlsConfig())
	if err := encrypted.HandshakeContext(dialing); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return encrypted, nil
}

// credentialMin is the length from which a credential is looked for in texts.
const credentialMin = 4

var address = regexp.MustCompile(`[^\s<>"']+@[^\s<>"']+`)

// worded is an error with what may be kept of it: the server's code, where there
// is one, and no word of its text, which quotes addresses.
func (m *Mailer) worded(err error) error {
	var refused *smtp.SendError
	var answer *textproto.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused) && refused.ErrorCode() != 0:
		return fmt.Errorf("mail server %s: answered %d %s", m.server.host, refused.ErrorCode(), refused.EnhancedStatusCode())
	case errors.As(err, &answer):
		return fmt.Errorf("mail server %s: answered %d", m.server.host, answer.Code)
	}
	text := address.ReplaceAllString(err.Error(), "[address]")
	for _, private := range []string{m.server.user, m.server.password} {
		if len(private) >= credentialMin { // a shorter one is a part of other words
			text = strings.ReplaceAll(text, private, "[credential]")
		}
	}
	return fmt.Errorf("mail server %s: %s", m.server.host, text)
}
