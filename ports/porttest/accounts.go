package porttest

import (
	"context"
	"testing"

	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/ports"
)

// Accounts tests a [ports.Accounts]. Open returns one that has accounts of these
// addresses and perhaps others, but none at absent.example; it is called once
// for each subtest.
func Accounts(t *testing.T, open func(t *testing.T, addresses ...string) ports.Accounts) {
	has := func(t *testing.T, a ports.Accounts, address string, want bool) {
		t.Helper()
		email, err := identity.ParseEmail(address)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := a.Has(t.Context(), email); err != nil || got != want {
			t.Errorf("got %t, %v for %s, want %t", got, err, address, want)
		}
	}
	t.Run("an address has an account in any case", func(t *testing.T) {
		a := open(t, "Ann.Lower@Accounts.Example", "ben+tag@accounts.example")
		for address, want := range map[string]bool{
			"ann.lower@accounts.example": true, "ANN.LOWER@ACCOUNTS.EXAMPLE": true, "ben+tag@accounts.example": true,
			"annlower@accounts.example": false, "ben@accounts.example": false, "ann.lower@absent.example": false,
		} {
			has(t, a, address, want)
		}
	})
	t.Run("characters of patterns stand for themselves", func(t *testing.T) {
		a := open(t, "a_b@accounts.example")
		has(t, a, "a_b@accounts.example", true)
		has(t, a, "axb@accounts.example", false)
		has(t, a, "%@absent.example", false)
		has(t, a, "o'brien@absent.example", false)
	})
	t.Run("a look-up ends with its context", func(t *testing.T) {
		a := open(t, "ann@accounts.example")
		email, err := identity.ParseEmail("ann@accounts.example")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if got, err := a.Has(ctx, email); err == nil && !got {
			t.Error("got no account and no error, want the account or an error")
		}
	})
}
