package commands

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/devicegate/devicegate/bootstrap/config"
)

type healthcheckCommand struct {
	Path string `default:"/healthz" help:"What to ask; /readyz asks the database, too."`
}

// healthTime is shorter than what container engines allow by default.
const healthTime = 3 * time.Second

// Run asks the process that listens on LISTEN_ADDR of this machine, so that an
// image needs no other program for its health check.
func (h healthcheckCommand) Run(ctx context.Context) error {
	vars, err := config.ReadVariables(os.Environ())
	if err != nil {
		return configError{err}
	}
	host, port, err := net.SplitHostPort(listenAddr(vars))
	if err != nil {
		return configError{fmt.Errorf("LISTEN_ADDR: %w", err)}
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	ctx, cancel := context.WithTimeout(ctx, healthTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+h.Path, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", h.Path, answer.Status)
	}
	return nil
}

func listenAddr(vars config.Variables) string {
	for _, s := range vars.Effective() {
		if s.Name == "LISTEN_ADDR" {
			return s.Value
		}
	}
	return ""
}
