package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/deviceclient"
	"github.com/devicegate/devicegate/bootstrap/demo"
)

func TestOurClientGetsATokenWhoseAnswerWasLost(t *testing.T) {
	t.Parallel()
	w := embeddedWorld(t)
	w.serve()
	line := newTCPProxy(t, strings.TrimPrefix(w.public, "http://"))
	server, err := deviceclient.ParseServer("http://" + line.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := deviceclient.New(server, "difyctl")
	c.Now = w.now
	c.Wait = func(ctx context.Context, d time.Duration) error { w.skip(d); return ctx.Err() }
	a, err := c.Start(t.Context(), deviceclient.Login{Label: "laptop"})
	if err != nil {
		t.Fatal(err)
	}
	w.ends(w.person("alice", "approve"), demo.Codes{Complete: a.Complete, UserCode: a.UserCode}, "approved")
	line.lose.Store(1)
	token, err := c.Poll(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	if line.lose.Load() != 0 {
		t.Error("got no lost answer, want one")
	}
	if who, err := c.Account(t.Context(), token.Secret); err != nil || who.Email != "alice@acme.example" {
		t.Errorf("got %+v, %v, want alice", who, err)
	}
}
