package approval_test

import (
	"errors"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/approval"
)

func TestASignInSaysWhoSomebodyIsEvenAfterADecision(t *testing.T) {
	a, b := authorization(), authorization()
	session := approval.NewGrantSession()
	older := granted(t, a, "alice@acme.example", session, begun)
	newer := granted(t, b, "bob@acme.example", session, begun.Add(second))
	gs, now := approval.Grants{older, newer}, begun.Add(2*second)
	if _, err := gs.Spend(keys.Token(newer), keys, b.Snapshot().UserCode, now); err != nil {
		t.Fatal(err)
	}
	if g, err := gs.Latest(now); err != nil || g != newer {
		t.Errorf("the latest is another (%v)", err)
	}
	for _, want := range gs {
		if g, err := gs.Authenticate(keys.Token(want), keys, now); err != nil || g != want {
			t.Errorf("proved another (%v)", err)
		}
	}
	if _, err := gs.Authenticate(approval.ParseCSRF("x"), keys, now); !errors.Is(err, approval.ErrCSRF) {
		t.Errorf("without a token: %v", err)
	}
	late := begun.Add(10 * time.Minute)
	if _, err := gs.Latest(late); !errors.Is(err, approval.ErrNoSession) {
		t.Errorf("too late: %v", err)
	}
	if _, err := gs.Authenticate(keys.Token(newer), keys, late); !errors.Is(err, approval.ErrInvalidSession) {
		t.Errorf("too late: %v", err)
	}
}
