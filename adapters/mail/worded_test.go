package mail

import (
	"errors"
	"strings"
	"testing"
)

func TestNoErrorOfTheConnectionQuotesAnAddressOrACredential(t *testing.T) {
	m, err := New(Config{URL: "smtp://operator:p%40ssword@mail.example.com", From: "no-reply@devicegate.example"})
	if err != nil {
		t.Fatal(err)
	}
	got := m.worded(errors.New("write of <ann@example.com> as operator with p@ssword: broken pipe")).Error()
	for _, private := range []string{"ann", "operator", "p@ssword"} {
		if strings.Contains(got, private) {
			t.Errorf("got %q, want no %q in it", got, private)
		}
	}
	if !strings.Contains(got, "broken pipe") || !strings.Contains(got, "mail.example.com") {
		t.Errorf("got %q, want the cause and the server", got)
	}
}
