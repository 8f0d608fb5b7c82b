package httpapi

import (
	"bytes"
	"context"
	"database/sql/driver"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/domain/fault"
)

// A store that fails because the client has left is no failure of ours (F59).
func TestAClientThatLeavesIsNoError(t *testing.T) {
	for name, err := range map[string]error{
		"cancelled":          context.Canceled,
		"a broken statement": fmt.Errorf("%w (%w)", fault.ErrUnavailable, driver.ErrBadConn),
	} {
		for left, want := range map[bool]string{true: "level=INFO", false: "level=ERROR"} {
			t.Run(fmt.Sprintf("%s, left %t", name, left), func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var logs bytes.Buffer
				serve := NewResponder(slog.New(slog.NewTextHandler(&logs, nil)), nil).json(func(http.ResponseWriter, *http.Request) error {
					if left {
						cancel()
					}
					return err
				})
				serve(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil))
				if got := logs.String(); !strings.Contains(got, want) {
					t.Errorf("got %q, want %s", got, want)
				}
			})
		}
	}
}
