package administrator_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/domain/administrator"
	"github.com/devicegate/devicegate/domain/secret"
)

func name(t *testing.T, text string) administrator.Name {
	t.Helper()
	n, err := administrator.ParseName(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestANewTokenAuthenticatesByTheLineThatIsConfigured(t *testing.T) {
	made, token := administrator.NewCredential(name(t, "ann"))
	if !strings.HasPrefix(token.Reveal(), "dgadmin_") || len(token.Reveal()) != len("dgadmin_")+43 {
		t.Errorf("got a token of the form %d characters, want dgadmin_ and 43", len(token.Reveal()))
	}
	if strings.Contains(made.String(), token.Reveal()) {
		t.Error("got the token itself in the line, want its digest")
	}
	read, err := administrator.ParseCredential(made.String())
	if err != nil {
		t.Fatal(err)
	}
	other, otherToken := administrator.NewCredential(name(t, "bot"))
	known := administrator.NewCredentials(read, other)
	for want, token := range map[string]secret.Text{"ann": token, "bot": otherToken} {
		if got, err := known.Authenticate(token); err != nil || got.String() != want {
			t.Errorf("got %q and %v, want %s", got, err, want)
		}
	}
	if read.SameToken(other) || !read.SameToken(made) {
		t.Error("got credentials told apart by something else, want their tokens compared")
	}
}

func TestWrongAdministratorTokensAreRefused(t *testing.T) {
	made, token := administrator.NewCredential(name(t, "ann"))
	known := administrator.NewCredentials(made)
	for _, wrong := range []string{"", "ann", made.String(), token.Reveal() + "x", token.Reveal()[:40], strings.ToUpper(token.Reveal())} {
		if got, err := known.Authenticate(secret.New("", wrong)); !errors.Is(err, administrator.ErrToken) || !got.IsZero() {
			t.Errorf("%d characters: got %q and %v, want ErrToken", len(wrong), got, err)
		}
	}
	if _, err := (administrator.Credentials{}).Authenticate(secret.Text{}); !errors.Is(err, administrator.ErrToken) {
		t.Errorf("no administrators, no token: got %v, want ErrToken", err)
	}
}

func TestLinesThatNameNoAdministrator(t *testing.T) {
	hash := strings.Repeat("a1", 32)
	_, token := administrator.NewCredential(name(t, "ann"))
	for line, want := range map[string]error{
		"":                                   administrator.ErrCredential,
		"ann":                                administrator.ErrCredential,
		"ann:":                               administrator.ErrCredential,
		"ann:" + hash[1:]:                    administrator.ErrCredential,
		"ann:" + hash + "00":                 administrator.ErrCredential,
		"ann:" + strings.Repeat("g1", 32):    administrator.ErrCredential,
		"ann:" + token.Reveal():              administrator.ErrTokenItself,
		token.Reveal():                       administrator.ErrTokenItself,
		token.Reveal() + ":ann":              administrator.ErrTokenItself,
		":" + hash:                           administrator.ErrName,
		"ann bell:" + hash:                   administrator.ErrName,
		"<b>:" + hash:                        administrator.ErrName,
		strings.Repeat("a", 65) + ":" + hash: administrator.ErrName,
		"\u202eann:" + hash:                  administrator.ErrName,
	} {
		if _, err := administrator.ParseCredential(line); !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", line, err, want)
		}
	}
}
