package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/devicegate/devicegate/adapters/demoidp"
)

type demoIdPCommand struct {
	Listen  string `default:"localhost:8081" help:"Address to listen on."`
	URL     string `default:"http://127.0.0.1:8081" help:"Address by which browsers reach it." name:"url"`
	Service string `default:"http://localhost:8080" help:"Address of devicegate, whose metadata is read from there."`
}

// Between attempts to read the service's metadata, until it is known and later.
const (
	unregisteredPause = time.Second
	registeredPause   = 30 * time.Second
)

// Run serves until the process is told to stop. It starts before or after the
// service, and follows a change of the service's keys.
func (d demoIdPCommand) Run(ctx context.Context, out io.Writer) error {
	idp, err := demoidp.New(demoidp.Config{URL: d.URL})
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", d.Listen)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: idp.Handler(), ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	fmt.Fprintf(out, "identity provider   %s   (users alice, bob, mallory; password: password; not for production)\nmetadata            %s/metadata\n", d.URL, d.URL)
	go d.follow(ctx, idp, out)
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(server.Shutdown(stopping))
}

// follow registers the service, and again when its metadata may have changed.
func (d demoIdPCommand) follow(ctx context.Context, idp *demoidp.IdP, out io.Writer) {
	client := &http.Client{Timeout: 10 * time.Second}
	pause := unregisteredPause
	for {
		if err := d.register(ctx, client, idp); err == nil && pause == unregisteredPause {
			fmt.Fprintf(out, "service             %s\n", d.Service)
			pause = registeredPause
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

func (d demoIdPCommand) register(ctx context.Context, client *http.Client, idp *demoidp.IdP) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, d.Service+"/saml/metadata", nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the service answers %s", answer.Status)
	}
	metadata, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return err
	}
	return idp.Register(metadata)
}
