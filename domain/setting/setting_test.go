package setting_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/devicegate/devicegate/domain/setting"
)

func TestSplitListsWhatWasJoinedInOrder(t *testing.T) {
	a, b, c := setting.Wrong("A", "is %d", 1), errors.New("b"), setting.Wrong("C", "is none")
	got := setting.Split(errors.Join(a, errors.Join(nil, b), errors.Join(errors.Join(c))))
	if want := []error{a, b, c}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := setting.Split(nil); got != nil {
		t.Errorf("nil: got %v, want none", got)
	}
	if got := setting.Split(a); len(got) != 1 || got[0].Error() != "A: is 1" {
		t.Errorf("a single error: got %v, want it alone", got)
	}
}
