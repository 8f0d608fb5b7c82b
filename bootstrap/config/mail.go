package config

import "github.com/devicegate/devicegate/adapters/mail"

// loadMail reads how people get mails about their devices.
func (c *Config) loadMail(e environment, wrong *problems) {
	c.Mail = mail.Config{URL: e.SMTPURL, From: e.MailFrom}
	wrong.named(names{"URL": "SMTP_URL", "From": "MAIL_FROM"}, c.Mail.Check())
}
