package memory_test

import (
	"testing"

	"github.com/devicegate/devicegate/adapters/memory"
	"github.com/devicegate/devicegate/ports/porttest"
)

func TestMailer(t *testing.T) {
	m := new(memory.Mailer)
	porttest.Mailer(t, m, func() (all []string) {
		for _, mail := range m.Sent() {
			all = append(all, mail.To.String()+mail.ID+mail.Subject+mail.Text+mail.HTML)
		}
		return all
	})
}
