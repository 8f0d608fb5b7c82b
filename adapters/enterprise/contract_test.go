package enterprise_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/enterprise/enterprisetest"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
	"github.com/devicegate/devicegate/ports/porttest"
)

func TestBroker(t *testing.T) {
	porttest.Broker(t, func(t *testing.T) porttest.BrokerUnderTest {
		inner := enterprisetest.Start(t, apiSecret, signingKey)
		at := time.Now().UTC() // the inner API checks the envelope by its own clock
		signIn := signInRequest(t, at)
		return porttest.BrokerUnderTest{
			Broker: newBroker(t, config(t, inner.URL)), Connection: via(t, enterprisetest.Issuer), SignIn: signIn, Email: "alice@acme.example",
			Response: func(email string) ports.Response {
				claims := enterprisetest.Claims(email, signIn.UserCode.String(), signIn.RequestID, at)
				return ports.Response{Raw: enterprisetest.Sign(signingKey, claims), ReceivedOn: connection.Canonical, At: at}
			},
			Down: func() {
				inner.Fail(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
			},
		}
	})
}
