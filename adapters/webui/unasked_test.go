package webui_test

import (
	"context"
	"testing"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/ports"
)

// A denial says why if the person presses the button that says so, and only then.
func TestAPersonSaysThatTheyDidNotAsk(t *testing.T) {
	for button, want := range map[string]string{"deny": "", "deny-unasked": "not_requested"} {
		s := served(t)
		codes := s.device(label, elsewhere)
		v := s.visitor(home)
		v.sees(v.press(v.signIn(codes.UserCode, "alice"), button), "denied", "")
		if got := s.poll(codes); got != "access_denied" {
			t.Errorf("%s: got %q, want access_denied", button, got)
		}
		store := database.NewStore(databasetest.Open(t, s.env["DATABASE_URL"]))
		err := store.View(t.Context(), func(ctx context.Context, r ports.Reader) error {
			events, err := r.Audit().Events(ctx, ports.AuditFilter{Kind: audit.DeviceFlowDenied})
			if len(events) != 1 || events[0].Reason != want {
				t.Errorf("%s: got %+v, want one event with the reason %q", button, events, want)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
