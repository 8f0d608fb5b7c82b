package memory

import (
	"errors"
	"testing"

	"github.com/devicegate/devicegate/domain/spkeys"
	"github.com/devicegate/devicegate/ports/porttest"
)

func TestKeys(t *testing.T) {
	porttest.KeyStore(t, func(t *testing.T, active spkeys.Pair) porttest.KeyStoreUnderTest {
		k := NewKeys(spkeys.Set{})
		if _, err := k.Keys(t.Context()); !errors.Is(err, spkeys.ErrNone) {
			t.Errorf("got %v, want ErrNone", err)
		}
		replace := func(active, next, previous spkeys.Pair) {
			all, err := spkeys.NewSet(active, next, previous)
			if err != nil {
				t.Fatal(err)
			}
			k.Replace(all)
		}
		replace(active, spkeys.Pair{}, spkeys.Pair{})
		return porttest.KeyStoreUnderTest{Keys: k, Replace: replace}
	})
}
