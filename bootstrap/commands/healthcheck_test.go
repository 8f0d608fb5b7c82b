package commands

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestTheHealthCheckAsksThisMachine(t *testing.T) {
	t.Chdir(t.TempDir())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	t.Setenv("LISTEN_ADDR", strings.TrimPrefix(server.URL, "http://"))
	if err := (healthcheckCommand{Path: "/healthz"}).Run(t.Context()); err != nil {
		t.Errorf("a process that lives: got %v, want nil", err)
	}
	if err := (healthcheckCommand{Path: "/readyz"}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("a process that is not ready: got %v, want an error with its status", err)
	}
	server.Close()
	if err := (healthcheckCommand{Path: "/healthz"}).Run(t.Context()); err == nil {
		t.Error("no process: got nil, want an error")
	}
}
