package application_test

import (
	"strings"
	"testing"

	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/ports"
)

// Where every token is ours, one with a wrong checksum is refused without a
// look-up, wherever it is shown; where another issuer makes tokens, too, it is
// looked up.
func TestAWrongChecksumCostsNoLookUp(t *testing.T) {
	madeUp, err := token.ParseSecret("dfoe_" + strings.Repeat("A", 43))
	must(t, err)
	for _, required := range []token.RequireChecksum{true, false} {
		store := &storeWithCounts{}
		s := newFixture(t, applicationtest.Options{Checksum: required, Around: func(below ports.Store) ports.Store {
			store.Store = below
			return store
		}})
		from, before := applicationtest.From(home), store.views
		_, err := s.Verify.Execute(t.Context(), madeUp, from)
		is(t, err, token.ErrInvalid)
		_, err = s.Authorize.Execute(t.Context(), madeUp, nil, from)
		is(t, err, token.ErrInvalid)
		is(t, s.RevokeToken.Execute(t.Context(), madeUp, "", from), nil)
		want := 3
		if required {
			want = 0
		}
		if got := store.views - before; got != want || store.updates != 0 {
			t.Errorf("required %v: got %d look-ups and %d transactions, want %d and 0", required, got, store.updates, want)
		}
		r := s.redeem(s.login(laptop).Code)
		is(t, s.verifyRedeemed(r), nil)
		is(t, s.RevokeToken.Execute(t.Context(), r.Secret, "", from), nil)
		is(t, s.verifyRedeemed(r), token.ErrInvalid)
	}
}
