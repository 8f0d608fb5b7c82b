package clientcmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/devicegate/devicegate/adapters/deviceclient"
)

// tool is what the commands work with; tests put in their own.
type tool struct {
	out, err io.Writer
	terminal bool // err is one
	http     *http.Client
	now      func() time.Time
	wait     func(ctx context.Context, d time.Duration) error
	store    deviceclient.Store
	browse   func(address string) error // nil: no browser can be opened from here
}

// newTool returns the tool of this process.
func newTool(out io.Writer) (tool, error) {
	dir, err := deviceclient.DefaultDir()
	if err != nil {
		return tool{}, exitError{err, exitFailure}
	}
	return tool{
		out: out, err: os.Stderr, terminal: term.IsTerminal(int(os.Stderr.Fd())) && os.Getenv("TERM") != "dumb",
		http: deviceclient.NewHTTPClient(nil), now: time.Now, wait: deviceclient.Sleep,
		store:  deviceclient.Store{Dir: dir, Keychain: deviceclient.SystemKeychain()},
		browse: browser(),
	}, nil
}

func (t tool) client(server deviceclient.Server, clientID string) *deviceclient.Client {
	c := deviceclient.New(server, clientID)
	c.HTTP, c.Now, c.Wait = t.http, t.now, t.wait
	return c
}

// print writes v as one line of JSON to standard output.
func (t tool) print(v any) error {
	e := json.NewEncoder(t.out)
	e.SetEscapeHTML(false) // addresses stay readable
	return e.Encode(v)
}

// serverFlag names the server; one that is signed in to need not be named.
type serverFlag struct {
	Server *string `env:"DEVICEGATE_SERVER" placeholder:"URL" help:"The server. Not needed while there is a token for one server only."`
}

// session finds the token to use.
func (f serverFlag) session(t tool) (*deviceclient.Client, deviceclient.Credential, error) {
	none := deviceclient.Credential{}
	server, err := f.choose(t)
	if err != nil {
		return nil, none, err
	}
	c, err := t.store.Load(server)
	switch {
	case err == nil && !c.ExpiresAt.IsZero() && !t.now().Before(c.ExpiresAt):
		return nil, none, signIn(server.String(), "the token for "+server.String()+" has expired")
	case errors.Is(err, deviceclient.ErrNotSignedIn):
		return nil, none, signIn(server.String(), "not signed in to "+server.String())
	case err != nil:
		return nil, none, err
	}
	return t.client(server, c.ClientID), c, nil
}

func (f serverFlag) choose(t tool) (deviceclient.Server, error) {
	if f.Server != nil && *f.Server != "" {
		return deviceclient.ParseServer(*f.Server)
	}
	// kong reads a variable that is set and empty like an empty flag.
	if fromVariable, set := os.LookupEnv("DEVICEGATE_SERVER"); f.Server != nil && (!set || fromVariable != "") {
		return deviceclient.Server{}, usage(errors.New("--server is empty; name the server, or leave it out"))
	}
	servers, err := t.store.Servers()
	switch {
	case err != nil:
		return deviceclient.Server{}, err
	case len(servers) == 0:
		return deviceclient.Server{}, signIn("URL", "not signed in anywhere")
	case len(servers) > 1:
		return deviceclient.Server{}, usage(fmt.Errorf("there are tokens for several servers; choose one with --server:\n  %s", strings.Join(servers, "\n  ")))
	}
	return deviceclient.ParseServer(servers[0])
}

// signIn is an error that says how to get a token.
func signIn(server, why string) error {
	return exitError{fmt.Errorf("%s; run: devicegate login --server %s", why, server), exitNotSignedIn}
}

// refused words the error of a call with the token of c.
func refused(c deviceclient.Credential, err error) error {
	if errors.Is(err, deviceclient.ErrNotSignedIn) {
		return signIn(c.Server, c.Server+" no longer accepts the token")
	}
	return err
}
