package spkeys_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/spkeys"
)

func TestKeysAreNeverPrinted(t *testing.T) {
	pair, err := spkeys.Generate(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	set, err := spkeys.NewSet(pair, spkeys.Pair{}, pair)
	if err != nil {
		t.Fatal(err)
	}
	secret := pair.Key().D.String()
	for _, value := range []any{pair, &pair, set, []spkeys.Pair{pair}, struct{ inner spkeys.Set }{set}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
			if got := fmt.Sprintf(verb, value); strings.Contains(got, secret) || strings.Contains(got, "Primes") {
				t.Errorf("got the private key from %s of %T, want it redacted", verb, value)
			}
		}
	}
}

func TestPairsSurvivePEM(t *testing.T) {
	pair, err := spkeys.Generate(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	text, err := pair.PEM()
	if err != nil {
		t.Fatal(err)
	}
	again, err := spkeys.ParsePEM(text)
	if err != nil || !again.Key().Equal(pair.Key()) || !again.Certificate().Equal(pair.Certificate()) {
		t.Errorf("got another pair, %v, want the same", err)
	}
}

func TestASetNeedsAnActivePair(t *testing.T) {
	if _, err := spkeys.NewSet(spkeys.Pair{}, spkeys.Pair{}, spkeys.Pair{}); !errors.Is(err, spkeys.ErrNone) {
		t.Errorf("got %v, want ErrNone", err)
	}
}
