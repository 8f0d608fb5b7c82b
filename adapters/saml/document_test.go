package saml

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

// FuzzGuard gives the first two steps any bytes.
func FuzzGuard(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "vendors", "*", "*.xml"))
	if err != nil || len(files) == 0 {
		f.Fatalf("got %d seeds, %v, want at least one", len(files), err)
	}
	for _, file := range files {
		document, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(base64.StdEncoding.EncodeToString(document))
	}
	f.Add("")
	f.Add("PGE+")
	f.Fuzz(func(t *testing.T, raw string) {
		root, err := readDocument(raw)
		if err == nil {
			_, err = locate(root)
		}
		var r *approval.Refusal
		if err != nil && (!errors.As(err, &r) || r.Reason == "" || r.Reason == "internal_error") {
			t.Errorf("got %v, want a refusal with a reason", err)
		}
	})
}

func TestFewLargeResponsesAreReadAtTheSameTime(t *testing.T) {
	b := &Broker{large: make(chan struct{}, 1)}
	large := strings.Repeat("A", largeFrom)
	done, err := b.admit(t.Context(), large)
	if err != nil {
		t.Fatal(err)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, err := b.admit(gone, large); !errors.Is(err, context.Canceled) {
		t.Errorf("a second large one whose sender has gone: got %v, want context.Canceled", err)
	}
	if small, err := b.admit(gone, large[1:]); err != nil {
		t.Errorf("a small one: got %v, want it read at once", err)
	} else {
		small()
	}
	done()
	if done, err = b.admit(t.Context(), large); err != nil {
		t.Errorf("after the first: got %v, want it read", err)
	}
	done()
}

func TestPanicBecomesARefusal(t *testing.T) {
	via, err := connection.New(connection.Settings{Slug: "acme", Domains: []string{"*"}})
	if err != nil {
		t.Fatal(err)
	}
	var logged strings.Builder
	b := &Broker{log: slog.New(slog.NewTextHandler(&logged, nil))}
	b.served.Store(&served{sources: map[string]*source{"acme": {now: time.Now, idp: &idp{}}}})
	raw, err := os.ReadFile(filepath.Join("testdata", "vendors", "pysaml2", "encrypted.xml"))
	if err != nil {
		t.Fatal(err)
	}
	// A key pair that New would have refused.
	_, err = b.Verify(t.Context(), via, ports.Response{Raw: base64.StdEncoding.EncodeToString(raw)})
	var r *approval.Refusal
	if !errors.As(err, &r) || r.Reason != "internal_error" || !strings.Contains(logged.String(), "panicked") {
		t.Errorf("got %v and the log %s, want internal_error and the cause", err, logged.String())
	}
}

func TestSanitizedTextCannotForgeALogLine(t *testing.T) {
	if got, want := sanitized("a\nb\x1b[31m\u202e\u2028c\ufeff\xff"), "a·b·[31m··c··"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
