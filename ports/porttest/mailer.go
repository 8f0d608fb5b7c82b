package porttest

import (
	"context"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/ports"
)

// Mailer tests a [ports.Mailer]. Received returns the messages that have arrived
// so far, as text in which nothing is encoded.
func Mailer(t *testing.T, m ports.Mailer, received func() []string) {
	to, err := identity.ParseEmail("ann@example.com")
	must(t, err)
	mail := ports.Mail{ID: "event.kind", To: to, Language: "de", Subject: "Ein Gerät", Text: "Zeile eins\n\nLinie zwei ✓\n", HTML: "<p>Absatz ✓</p>"}

	t.Run("a mail arrives whole", func(t *testing.T) {
		before := len(received())
		must(t, m.Send(t.Context(), mail))
		all := received()
		if len(all) != before+1 {
			t.Fatalf("got %d mails, want %d", len(all), before+1)
		}
		for _, want := range []string{mail.To.String(), mail.Subject, "Linie zwei ✓", mail.HTML, mail.ID} {
			if !strings.Contains(all[before], want) {
				t.Errorf("got %q, want %q in it", all[before], want)
			}
		}
	})

	t.Run("a line end in a header is refused", func(t *testing.T) {
		before := len(received())
		for name, change := range map[string]func(*ports.Mail){
			"subject":   func(m *ports.Mail) { m.Subject = "a\r\nBcc: eve@example.com" },
			"id":        func(m *ports.Mail) { m.ID = "a\nX: y" },
			"language":  func(m *ports.Mail) { m.Language = "de\r\nX: y" },
			"recipient": func(m *ports.Mail) { m.To = identity.Email{} },
		} {
			wrong := mail
			change(&wrong)
			if err := m.Send(t.Context(), wrong); err == nil {
				t.Errorf("%s: got no error, want one", name)
			}
		}
		if n := len(received()); n != before {
			t.Errorf("got %d mails, want %d", n, before)
		}
	})

	t.Run("nothing is sent after the end", func(t *testing.T) {
		before := len(received())
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := m.Send(ctx, mail); err == nil {
			t.Error("got no error, want one")
		}
		if n := len(received()); n != before {
			t.Errorf("got %d mails, want %d", n, before)
		}
	})
}
