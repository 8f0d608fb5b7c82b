package commands

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"go.uber.org/fx"
	"golang.org/x/term"

	"github.com/devicegate/devicegate/adapters/demoidp"
	"github.com/devicegate/devicegate/adapters/saml"
	"github.com/devicegate/devicegate/bootstrap"
	"github.com/devicegate/devicegate/bootstrap/config"
	"github.com/devicegate/devicegate/bootstrap/demo"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

type demoCommand struct {
	Auto    bool   `help:"Play the person too, and show every hop. The default without a terminal."`
	Deny    bool   `help:"Let the person turn the device away (with --auto)."`
	Expire  bool   `help:"Let the person do nothing until the code has expired (with --auto)."`
	Port    int    `default:"8080" help:"Port for devicegate."`
	IdPPort int    `default:"8081" name:"idp-port" help:"Port for the identity provider."`
	Device  string `default:"demo laptop" help:"What the device calls itself."`
}

// Run plays a login. It returns nil only if it ended as it should.
func (d demoCommand) Run(ctx context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "devicegate-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	servers, err := d.build(ctx, dir)
	if err != nil {
		return err
	}
	defer servers.close()
	fmt.Fprintf(out, "devicegate          %s   (SQLite in a temporary folder)\nidentity provider   %s   (users alice, bob, mallory; password: password)\n\n", servers.public, servers.idp)

	device := demo.Device{API: servers.public + "/openapi/v1", ClientID: "difyctl", Label: d.Device, HTTP: &http.Client{Timeout: 10 * time.Second}}
	codes, err := device.Start(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "The device asks for access and shows:\n\n  code  %s\n  open  %s\n\n", codes.UserCode, codes.Complete)
	if d.Auto || d.Deny || d.Expire || !term.IsTerminal(int(os.Stdout.Fd())) {
		return d.play(ctx, out, servers, device, codes)
	}
	if picture, err := demo.QR(codes.Complete); err == nil {
		fmt.Fprintln(out, picture)
	}
	fmt.Fprint(out, "Open the address, sign in as alice, compare the code, approve. Ctrl-C ends the demo.\n\n")
	return wait(ctx, out, device, codes)
}

// play signs in and decides as a person would, and checks how the login ends.
func (d demoCommand) play(ctx context.Context, out io.Writer, s *demoServers, device demo.Device, codes demo.Codes) error {
	if _, refused, err := device.Poll(ctx, codes.DeviceCode); err != nil || refused != "authorization_pending" {
		return errors.Join(err, fmt.Errorf("the first poll got %q", refused))
	}
	fmt.Fprintln(out, "The device polls:          authorization_pending")
	if d.Expire {
		s.skip(time.Duration(codes.ExpiresIn) * time.Second)
		return expect(ctx, out, device, codes, "expired_token")
	}
	press, want := "approve", "approved"
	if d.Deny {
		press, want = "deny", "denied"
	}
	fmt.Fprintln(out, "\nThe person opens the address and signs in as alice:")
	ended, err := demo.NewPerson("alice", "password", press, out).Decide(ctx, codes.Complete, codes.UserCode)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "The page says:             %s\n\n", ended)
	if ended != want {
		return fmt.Errorf("the page should have said %s", want)
	}
	s.skip(time.Duration(codes.Interval) * time.Second)
	if d.Deny {
		return expect(ctx, out, device, codes, "access_denied")
	}
	t, refused, err := device.Poll(ctx, codes.DeviceCode)
	if err != nil || refused != "" {
		return errors.Join(err, fmt.Errorf("the poll after the approval got %q", refused))
	}
	return use(ctx, out, device, t)
}

func expect(ctx context.Context, out io.Writer, device demo.Device, codes demo.Codes, word string) error {
	_, refused, err := device.Poll(ctx, codes.DeviceCode)
	fmt.Fprintf(out, "The device polls:          %s\n", refused)
	if err != nil || refused != word {
		return errors.Join(err, fmt.Errorf("the poll should have got %s", word))
	}
	return nil
}

// wait polls as a device does, and counts down.
func wait(ctx context.Context, out io.Writer, device demo.Device, codes demo.Codes) error {
	deadline := time.Now().Add(time.Duration(codes.ExpiresIn) * time.Second)
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for tick := 0; ; tick++ {
		if tick%codes.Interval == 0 {
			t, refused, err := device.Poll(ctx, codes.DeviceCode)
			switch {
			case err != nil:
				return err
			case refused == "":
				fmt.Fprint(out, "\r\033[K")
				return use(ctx, out, device, t)
			case refused != "authorization_pending" && refused != "slow_down":
				fmt.Fprintf(out, "\r\033[KThe device is told: %s\n", refused)
				return nil
			}
		}
		fmt.Fprintf(out, "\r\033[K  waiting, %s left", time.Until(deadline).Round(time.Second))
		select {
		case <-second.C:
		case <-ctx.Done():
			fmt.Fprintln(out, "\r\033[KStopped.")
			return nil
		}
	}
}

func use(ctx context.Context, out io.Writer, device demo.Device, t demo.Token) error {
	fmt.Fprintf(out, "Approved by %s, who signed in at %s.\nThe device has a token (id %s, good until %s).\n\n",
		t.SubjectEmail, t.SubjectIssuer, t.TokenID, t.ExpiresAt.Format(time.RFC1123))
	status, body, err := device.Account(ctx, t.AccessToken)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "GET /openapi/v1/account    %d\n%s\n", status, body)
	if status != http.StatusOK {
		return errors.New("the token does not work")
	}
	return nil
}

// demoServers are a running devicegate and the demo identity provider.
type demoServers struct {
	public, idp string
	app         *fx.App
	provider    *http.Server
	ahead       atomic.Int64 // nanoseconds by which devicegate's clock is ahead
}

func (s *demoServers) skip(d time.Duration) { s.ahead.Add(int64(d)) }

func (s *demoServers) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = s.app.Stop(ctx)
	_ = s.provider.Shutdown(ctx)
}

// build starts both. They have different host names, so that the identity
// provider is another site to the browser, as in production.
func (d demoCommand) build(ctx context.Context, dir string) (*demoServers, error) {
	s := &demoServers{
		public: fmt.Sprintf("http://localhost:%d", d.Port), idp: fmt.Sprintf("http://127.0.0.1:%d", d.IdPPort),
		provider: &http.Server{ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)},
	}
	idp, err := demoidp.New(demoidp.Config{URL: s.idp})
	if err != nil {
		return nil, err
	}
	key := make([]byte, 48)
	_, _ = rand.Read(key)
	c, err := config.Load(map[string]string{
		"LISTEN_ADDR": fmt.Sprintf("localhost:%d", d.Port), "PUBLIC_URL": s.public, "DATA_DIR": dir,
		"SECRET_KEY": base64.StdEncoding.EncodeToString(key), "LOG_LEVEL": "warn",
	})
	if err != nil {
		return nil, err
	}
	acme, err := connection.New(connection.Settings{
		Slug: "acme", Name: "ACME Corp", Domains: []string{"acme.example"}, Public: true,
		SAML: connection.SAMLSettings{Metadata: idp.Metadata()},
	})
	if err != nil {
		return nil, err
	}
	if c.Connections, err = connection.NewDirectory(acme); err != nil {
		return nil, err
	}
	c.Clock = func() time.Time { return ports.SystemClock().Add(time.Duration(s.ahead.Load())) }

	var broker *saml.Broker
	s.app = fx.New(bootstrap.Service(c, newLog(c.LogLevel)), fx.Populate(&broker))
	if err := s.app.Err(); err != nil {
		return nil, rootCause(err)
	}
	if err := s.app.Start(ctx); err != nil { // it makes the keys that the metadata shows
		return nil, fmt.Errorf("devicegate cannot start (another port: --port): %w", rootCause(err))
	}
	if err := s.serveProvider(ctx, broker, idp, d.IdPPort); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// serveProvider makes the service and the identity provider known to each other,
// and serves the latter.
func (s *demoServers) serveProvider(ctx context.Context, broker *saml.Broker, idp *demoidp.IdP, port int) error {
	metadata, err := broker.Metadata(ctx, "", []connection.Mount{connection.Canonical})
	if err != nil {
		return err
	}
	if err := idp.Register(metadata); err != nil {
		return err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return fmt.Errorf("the identity provider cannot listen (another port: --idp-port): %w", err)
	}
	s.provider.Handler = idp.Handler()
	go func() { _ = s.provider.Serve(l) }()
	return nil
}
