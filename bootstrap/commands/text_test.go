package commands

import (
	"errors"
	"strings"
	"testing"
)

func TestArgumentsThatAreNotUTF8AreRefused(t *testing.T) {
	for _, args := range [][]string{
		{"tokens", "list", "--label=\xff"},
		{"tokens", "list", "--label", "caf\xe9"},
		{"clients", "show", "\xff"},
		{"login", "--server", "http://localhost:1", "--label", "\xff"},
	} {
		if err := checkText(args); err == nil || !strings.Contains(err.Error(), "not valid UTF-8") {
			t.Errorf("%q: got %v, want a refusal", args, err)
		}
		if got := Main(args); got != 2 {
			t.Errorf("%q: got exit code %d, want 2", args, got)
		}
	}
	if err := checkText([]string{"tokens", "list", "--label=café"}); err != nil {
		t.Errorf("got %v for text in UTF-8, want none", err)
	}
}

func TestErrorsDoNotSteerTheTerminal(t *testing.T) {
	got := shownError(errors.New("open a\x1b[31m\u202eb\x00: not there\nTry: \u200bdevicegate --help"))
	if want := "devicegate: open a?[31m?b?: not there\nTry: ?devicegate --help\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
