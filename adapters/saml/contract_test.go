package saml_test

import (
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/saml/samltest"
	"github.com/devicegate/devicegate/ports"
	"github.com/devicegate/devicegate/ports/porttest"
)

func TestBroker(t *testing.T) {
	for name, change := range map[string]func(*samltest.Message){
		"assertion signed":       func(*samltest.Message) {},
		"response signed":        func(m *samltest.Message) { m.SignResponse, m.SignAssertion = true, false },
		"both signed, encrypted": func(m *samltest.Message) { m.SignResponse, m.Encryption = true, &samltest.Encryption{} },
	} {
		t.Run(name, func(t *testing.T) {
			porttest.Broker(t, func(t *testing.T) porttest.BrokerUnderTest {
				idp := samltest.NewIdP(t, idpID)
				b := newBench(t, idp, metadata(until(idp, samltest.Epoch.Add(time.Hour))))
				return porttest.BrokerUnderTest{
					Broker: b.broker, Connection: b.via, SignIn: signInRequest(b), Email: "alice@example.com",
					Response: func(email string) ports.Response {
						raw := b.with(t, change, func(m *samltest.Message) { m.Mail = email })
						return ports.Response{Raw: raw, RequestID: requestID, RequestedAt: b.requestedAt, ReceivedOn: b.on, At: b.at.Add(time.Second)}
					},
					Down: func() { b.at = samltest.Epoch.Add(2 * time.Hour) },
				}
			})
		})
	}
}
