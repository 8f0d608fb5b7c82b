package secret_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/devicegate/devicegate/domain/secret"
)

const planted = "planted-value-8d1f"

// Kinds of holders that a secret gets into.
type (
	exported   struct{ Inside secret.Text }
	unexported struct{ inside secret.Text }
	embedded   struct{ secret.Text }
	nested     struct {
		deep  struct{ exported }
		list  []secret.Text
		byKey map[string]embedded
		link  *unexported
		any   any
	}
)

func holders() map[string]any {
	s := secret.New("device code", planted)
	n := nested{list: []secret.Text{s}, byKey: map[string]embedded{"k": {s}}, link: &unexported{s}, any: exported{s}}
	n.deep.Inside = s
	return map[string]any{
		"itself": s, "a pointer": &s, "a list": []secret.Text{s}, "an array": [1]secret.Text{s},
		"a map":   map[string]secret.Text{"k": s},
		"a field": exported{s}, "a pointer to a field": &exported{s},
		"a hidden field": unexported{s}, "a pointer to a hidden field": &unexported{s},
		"embedded": embedded{s}, "a pointer to the embedded": &embedded{s},
		"nested": n, "a pointer to the nested": &n, "any": []any{s, &s},
	}
}

// spellings are all forms in which the planted value would be found.
var spellings = []string{planted, fmt.Sprintf("%x", planted), fmt.Sprintf("%X", planted), fmt.Sprintf("% x", planted), fmt.Sprint([]byte(planted))}

func mustNotTell(t *testing.T, text string) {
	t.Helper()
	for _, spelling := range spellings {
		if strings.Contains(text, strings.Trim(spelling, "[]")) {
			t.Errorf("got %s, want it without the secret", text)
		}
	}
}

func TestASecretNeverPrints(t *testing.T) {
	for where, holder := range holders() {
		t.Run(where, func(t *testing.T) {
			for _, verb := range []string{"v", "+v", "#v", "s", "q", "x", "X", "d", "T", "p", "t", "e", "c", "U", "o", "b", "100v", ".3s", "# x", "+q"} {
				mustNotTell(t, fmt.Sprintf("%"+verb, holder))
			}
			mustNotTell(t, fmt.Sprint(holder))
			mustNotTell(t, fmt.Sprintln(holder, errors.New("x")))
			mustNotTell(t, fmt.Errorf("wrapped: %v", holder).Error())

			var log bytes.Buffer
			for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
				slog.New(h).With("with", holder).Info("message", "value", holder, slog.Group("group", "value", holder))
			}
			mustNotTell(t, log.String())

			if text, err := json.Marshal(holder); err == nil {
				mustNotTell(t, string(text))
			}
			if text, err := xml.Marshal(holder); err == nil {
				mustNotTell(t, string(text))
			}
		})
	}
}

func TestASecretPrintsItsKind(t *testing.T) {
	for want, s := range map[string]secret.Text{
		"[device code]": secret.New("device code", planted),
		"[secret]":      secret.New("", planted),
	} {
		text, err := json.Marshal(s)
		if s.String() != want || fmt.Sprintf("%v|%+v|%#v|%s|%q|%x|%d", s, s, s, s, s, s, s) != strings.TrimSuffix(strings.Repeat(want+"|", 7), "|") ||
			err != nil || string(text) != `"`+want+`"` {
			t.Errorf("got %v and %s, %v, want %s in every form", s, text, err, want)
		}
	}
}

func TestOnlyRevealReturnsTheSecret(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.String().Draw(t, "value")
		s := secret.New("x", value)
		if s.Reveal() != value || s.IsZero() != (value == "") {
			t.Errorf("got %q, want %q", s.Reveal(), value)
		}
	})
	var zero secret.Text
	if zero.Reveal() != "" || !zero.IsZero() || zero.String() != "[secret]" {
		t.Error("got a zero secret with a value, want none")
	}
}

func TestSecretsAreEqualByValueAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.StringN(0, 3, -1).Draw(t, "a"), rapid.StringN(0, 3, -1).Draw(t, "b")
		x, y := secret.New("x", a), secret.New("y", b)
		if x.Equal(y) != (a == b) || x.Digest().Equal(y.Digest()) != (a == b) || (x.Digest() == y.Digest()) != (a == b) {
			t.Errorf("got %q and %q compared wrongly, want equal texts equal, and no others", a, b)
		}
	})
}

func TestRandomSecretsDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		s := secret.Random("x", 24)
		if len(s.Reveal()) != 32 || strings.Trim(s.Reveal(), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" || seen[s.Reveal()] {
			t.Fatalf("got %q, want 32 characters of base64url that are new", s.Reveal())
		}
		seen[s.Reveal()] = true
	}
}

func TestADigestComesBackFromText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := secret.New("", rapid.String().Draw(t, "value")).Digest()
		back, err := secret.ParseDigest(d.Hex())
		if err != nil || back != d || len(d.Hex()) != 64 || d.IsZero() {
			t.Errorf("got %v, %v for %s, want it back", back, err, d.Hex())
		}
	})
	if d := secret.New("", "abc").Digest().Hex(); d != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Errorf("got %s for abc, want its SHA-256", d)
	}
	for _, text := range []string{"", "00", strings.Repeat("0", 63), strings.Repeat("0", 66), strings.Repeat("g", 64), " " + strings.Repeat("0", 63)} {
		if d, err := secret.ParseDigest(text); err == nil || !d.IsZero() {
			t.Errorf("got %v, %v for %q, want an error", d, err, text)
		}
	}
	if !(secret.Digest{}).IsZero() {
		t.Error("got IsZero false for the zero digest, want true")
	}
}
