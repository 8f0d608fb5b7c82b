package commands

import (
	"slices"
	"testing"
)

func TestHelpIsReadAsTheFlag(t *testing.T) {
	for _, c := range []struct{ args, want []string }{
		{[]string{"help"}, []string{"--help"}},
		{[]string{"help", "tokens", "revoke"}, []string{"tokens", "revoke", "--help"}},
		{[]string{"serve", "help"}, []string{"serve", "help"}},
		{[]string{"--help"}, []string{"--help"}},
		{nil, nil},
	} {
		if got := helpAsFlag(c.args); !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, want %q", c.args, got, c.want)
		}
	}
	if got := Main([]string{"help", "tokens", "revoke"}); got != 0 {
		t.Errorf("help tokens revoke: got exit code %d, want 0", got)
	}
}
