package ports

import (
	"context"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/notice"
	"github.com/devicegate/devicegate/domain/secret"
)

// Notices remember when the person was last told that a device is connected.
type Notices interface {
	// Claim reports whether the device may be told of at the event's time: it was
	// not told of within [notice.Interval] before. Of claims at the same time one
	// is true. The event is kept.
	Claim(ctx context.Context, device secret.Digest, event audit.Event) (bool, error)

	// DeleteExpired deletes up to limit that are older than a time, and returns how
	// many.
	DeleteExpired(ctx context.Context, before time.Time, limit int) (int, error)
}

// Mail is one message to one person.
type Mail struct {
	ID       string // the same for each attempt: the local part of Message-ID
	To       identity.Email
	Language string // BCP 47 tag
	Subject  string
	Text     string
	HTML     string
}

// Mailer hands mail to a server.
type Mailer interface {
	// Send returns nil when the server has taken the mail over. Its errors name
	// no address and no credential. It returns within a minute, and soon after
	// ctx has ended.
	Send(ctx context.Context, m Mail) error
}

// NoticeWriter words notices in the language of the person.
type NoticeWriter interface {
	// Write returns a mail without line ends in its subject.
	Write(n notice.Notice) (Mail, error)
}
