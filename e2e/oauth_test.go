package e2e

import (
	"net/http"
	"testing"

	"golang.org/x/oauth2"

	"github.com/devicegate/devicegate/bootstrap/demo"
)

func TestAStockOAuthClientWorksUnchanged(t *testing.T) { // T15
	directlyAndBehindNginx(t, aStockOAuthClientWorks)
}

func aStockOAuthClientWorks(t *testing.T, w *fixture) {
	w.serve()
	client := oauth2.Config{ClientID: "difyctl", Endpoint: oauth2.Endpoint{
		DeviceAuthURL: w.public + "/oauth2/device_authorization", TokenURL: w.public + "/oauth2/token",
	}}
	auth, err := client.DeviceAuth(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.ends(w.person("alice", "approve"), demo.Codes{Complete: auth.VerificationURIComplete, UserCode: auth.UserCode}, "approved")
	token, err := client.DeviceAccessToken(t.Context(), auth)
	if err != nil {
		t.Fatal(err)
	}
	if token.Type() != "Bearer" || !token.Valid() {
		t.Errorf("got a %s token, valid %t, want a valid Bearer", token.Type(), token.Valid())
	}
	resp, err := client.Client(t.Context(), token).Get(w.public + "/openapi/v1/account")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("account: got %s, want 200", resp.Status)
	}
}
