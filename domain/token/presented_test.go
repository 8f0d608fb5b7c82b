package token_test

import (
	"errors"
	"testing"

	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
)

func restored(t *testing.T, prefix string) *token.AccessToken {
	t.Helper()
	tok, err := token.Restore(token.Snapshot{
		ID: uid.New(born), Device: token.DeviceOf(alice(t), "difyctl", "laptop"), Prefix: prefix,
		Digest: [32]byte{1}, CreatedAt: born, ExpiresAt: dies,
	})
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestATokenHasTheScopesThatARequestNeeds(t *testing.T) {
	for _, c := range []struct {
		prefix   string
		required []string
		want     error
	}{
		{"dfoe_", nil, nil},
		{"dfoe_", []string{"apps:run"}, nil},
		{"dfoe_", []string{"apps:read:permitted-external", "apps:run"}, nil},
		{"dfoe_", []string{"apps:run", "admin"}, token.ErrInsufficientScope},
		{"dfoe_", []string{"apps"}, token.ErrInsufficientScope},
		{"dfoe_", []string{"full"}, token.ErrInsufficientScope},
		{"dfoa_", nil, nil},
		{"dfoa_", []string{"full"}, nil},
		{"dfoa_", []string{"apps:run", "admin"}, nil},
	} {
		if err := restored(t, c.prefix).CheckScopes(c.required); !errors.Is(err, c.want) {
			t.Errorf("%s, %q: got %v, want %v", c.prefix, c.required, err, c.want)
		}
	}
}

func TestATokenKnowsItsClientAndItsSubject(t *testing.T) {
	tok := restored(t, "dfoe_")
	for clientID, want := range map[string]error{"": nil, "difyctl": nil, "tv": token.ErrOtherClient, "DIFYCTL": token.ErrOtherClient} {
		if err := tok.CheckClient(clientID); !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", clientID, err, want)
		}
	}
	if got := tok.SubjectID(); got == "" || got != restored(t, "dfoa_").SubjectID() {
		t.Errorf("got the subject id %q, want the same for each token of one person", got)
	}
}
