package porttest

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/spkeys"
	"github.com/devicegate/devicegate/ports"
)

// KeyStoreUnderTest is an adapter, and how a test changes what it knows.
type KeyStoreUnderTest struct {
	Keys    ports.KeyStore
	Replace func(active, next, previous spkeys.Pair) // returns when they are served; zero pairs are none
}

// somePairs are three pairs. They are made once, because that is slow.
var somePairs = sync.OnceValues(func() ([3]spkeys.Pair, error) {
	var pairs [3]spkeys.Pair
	for i := range pairs {
		var err error
		if pairs[i], err = spkeys.Generate(time.Now()); err != nil {
			return pairs, err
		}
	}
	return pairs, nil
})

// KeyStore tests a [ports.KeyStore]. Open returns one whose active pair is the
// given one; it is called once for each subtest.
func KeyStore(t *testing.T, open func(t *testing.T, active spkeys.Pair) KeyStoreUnderTest) {
	pairs, err := somePairs()
	if err != nil {
		t.Fatal(err)
	}
	one, two, three, none := pairs[0], pairs[1], pairs[2], spkeys.Pair{}
	served := func(t *testing.T, k ports.KeyStore) spkeys.Set {
		t.Helper()
		set, err := k.Keys(t.Context())
		if err != nil {
			t.Error(err)
		}
		return set
	}

	t.Run("keys are those of the configuration", func(t *testing.T) {
		k := open(t, one)
		wantKeys(t, served(t, k.Keys), one)
		k.Replace(one, two, none)
		wantKeys(t, served(t, k.Keys), one, two)
		k.Replace(two, none, one)
		wantKeys(t, served(t, k.Keys), two, one)
		k.Replace(two, three, one)
		set := served(t, k.Keys)
		wantKeys(t, set, two, three, one)
		if published := set.Published(); len(published) != 2 || !samePair(published[1], three) {
			t.Errorf("got %d published pairs, want the active and the next one", len(published))
		}
		k.Replace(three, none, none)
		wantKeys(t, served(t, k.Keys), three)
	})

	t.Run("a set that was returned does not change", func(t *testing.T) {
		k := open(t, one)
		before := served(t, k.Keys)
		k.Replace(two, none, none)
		wantKeys(t, before, one)
	})

	t.Run("keys are replaced all at once", func(t *testing.T) {
		k := open(t, one)
		k.Replace(one, two, none)
		done := make(chan struct{})
		var readers sync.WaitGroup
		for range 4 {
			readers.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
					}
					set := served(t, k.Keys)
					decrypting := set.Decrypting()
					if len(decrypting) != 2 || decrypting[0].Equal(decrypting[1]) {
						t.Errorf("got %d keys, or one twice; want the old pairs or the new ones", len(decrypting))
						return
					}
				}
			})
		}
		for range 5 {
			k.Replace(two, none, one)
			k.Replace(one, two, none)
		}
		close(done)
		readers.Wait()
	})
}

// wantKeys checks the active pair and the keys that decrypt, in their order.
func wantKeys(t *testing.T, set spkeys.Set, want ...spkeys.Pair) {
	t.Helper()
	if set.IsZero() || !samePair(set.Active(), want[0]) {
		t.Error("got another active pair, want the configured one")
	}
	got := set.Decrypting()
	if len(got) != len(want) {
		t.Fatalf("got %d keys that decrypt, want %d", len(got), len(want))
	}
	for i, key := range got {
		if !key.Equal(want[i].Key()) {
			t.Errorf("position %d: got another key, want the configured one", i)
		}
	}
}

func samePair(a, b spkeys.Pair) bool {
	return a.Key().Equal(b.Key()) && bytes.Equal(a.Certificate().Raw, b.Certificate().Raw)
}
