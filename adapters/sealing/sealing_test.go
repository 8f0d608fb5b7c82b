package sealing_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/adapters/sealing"
)

const (
	one = "one secret of thirty-two bytes, or more"
	two = "two secrets of thirty-two bytes, or so."
)

func sealer(t *testing.T, active string, previous ...string) *sealing.Sealer {
	t.Helper()
	s, err := sealing.New(active, previous...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWhatIsSealedIsOpenedForItsPurposeOnly(t *testing.T) {
	s, value := sealer(t, one), []byte("the private key")
	sealed, err := s.Seal("SP key", value)
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.Seal("SP key", value)
	if err != nil || again == sealed || strings.Contains(sealed, "private") {
		t.Errorf("Seal() = %q, then %q, %v, want two different values without the plain text", sealed, again, err)
	}
	if got, stale, err := s.Open("SP key", sealed); err != nil || stale || !bytes.Equal(got, value) {
		t.Errorf("Open() = %q, stale %t, %v, want %q, not stale", got, stale, err, value)
	}
	broken := []byte(sealed)
	broken[len(broken)-5] ^= 1
	for name, c := range map[string]struct{ purpose, sealed string }{
		"another purpose": {"failed sign-in", sealed}, "a changed byte": {"SP key", string(broken)}, "cut": {"SP key", sealed[:len(sealed)-4]},
		"nothing": {"SP key", ""}, "another form": {"SP key", "v2" + sealed[2:]}, "only a name": {"SP key", sealed[:15]},
	} {
		if got, _, err := s.Open(c.purpose, c.sealed); err == nil || got != nil {
			t.Errorf("%s: got %q, want an error", name, got)
		}
	}
}

// The two rolls of docs/operators.md: a replica that has not been restarted opens
// what one that has been sealed, and the other way round.
func TestTheSecretIsRotatedInTwoRolls(t *testing.T) {
	before, first, second, after := sealer(t, one), sealer(t, one, two), sealer(t, two, one), sealer(t, two)
	for name, c := range map[string]struct {
		by, opened *sealing.Sealer
		stale      bool
		want       error
	}{
		"first roll, old opens new":      {first, before, false, nil},
		"first roll, new opens old":      {before, first, false, nil},
		"second roll, old opens new":     {second, first, true, nil},
		"second roll, new opens old":     {first, second, true, nil},
		"afterwards, sealed anew":        {second, after, false, nil},
		"afterwards, not sealed anew":    {first, after, false, sealing.ErrUnknownKey},
		"one roll only, old opens new":   {after, before, false, sealing.ErrUnknownKey},
		"another installation's secrets": {sealer(t, strings.Repeat("x", 40)), second, false, sealing.ErrUnknownKey},
	} {
		sealed, err := c.by.Seal("SP key", []byte("value"))
		if err != nil {
			t.Fatal(err)
		}
		if _, stale, err := c.opened.Open("SP key", sealed); stale != c.stale || !errors.Is(err, c.want) {
			t.Errorf("%s: got stale %t, %v, want %t, %v", name, stale, err, c.stale, c.want)
		}
	}
}
