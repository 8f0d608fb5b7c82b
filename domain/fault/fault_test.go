package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/devicegate/devicegate/domain/fault"
)

func TestTheOutermostRefusalIsFoundThroughAnyWrapping(t *testing.T) {
	inner := fault.New(fault.NotFound, "inner", "Inner.")
	outer := fault.New(fault.Conflict, "outer", "Outer.")
	outage := errors.New("outage")
	for name, c := range map[string]struct {
		err  error
		want *fault.Error
	}{
		"nothing":          {nil, nil},
		"no refusal":       {outage, nil},
		"itself":           {inner, inner},
		"wrapped":          {fmt.Errorf("find: %w", inner), inner},
		"wrapped twice":    {fmt.Errorf("a: %w", fmt.Errorf("b: %w", inner)), inner},
		"joined":           {errors.Join(outage, inner), inner},
		"one around one":   {fmt.Errorf("%w (%w)", outer, inner), outer},
		"beside an outage": {fmt.Errorf("%w (%w)", outer, outage), outer},
	} {
		got, ok := fault.Of(c.err)
		if ok != (c.want != nil) || got != c.want {
			t.Errorf("%s: got %v, %v, want %v", name, got, ok, c.want)
		}
	}
}

func TestARefusalCanHaveItsOwnCodeOnPages(t *testing.T) {
	plain := fault.New(fault.Invalid, "code", "Message.")
	finer := plain.OnPage("finer")
	if plain.PageCode() != "code" || plain.Page != "" {
		t.Errorf("got %+v, want the refusal itself unchanged", plain)
	}
	if finer.PageCode() != "finer" || finer.Code != "code" || finer.Kind != fault.Invalid || finer.Message != "Message." {
		t.Errorf("got %+v, want the code on pages alone changed", finer)
	}
	if !errors.Is(finer, plain) {
		t.Errorf("got %v, want it to be a kind of %v", finer, plain)
	}
	if sibling := plain.OnPage("sibling"); errors.Is(plain, finer) || errors.Is(sibling, finer) || errors.Is(finer, sibling) {
		t.Error("got a refusal taken for a finer one or its sibling, want them told apart")
	}
}

func TestARefusalSaysWhatToChange(t *testing.T) {
	err := fault.InvalidRequest("Send a user_code.")
	if err.Kind != fault.Invalid || err.Code != "invalid_request" || err.Error() != "invalid_request: Send a user_code." {
		t.Errorf("got %+v, want what to send", err)
	}
}
