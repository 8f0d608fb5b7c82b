package scenarios

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/devicegate/devicegate/adapters/demoidp"
	"github.com/devicegate/devicegate/bootstrap/demo"
	"github.com/devicegate/devicegate/e2e/systemtest"
)

// login is one login of one device.
type login struct {
	f     *fixture
	n     int64
	codes demo.Codes
	token string
}

// from sends requests as a proxy would that has them from an address.
type from struct{ address string }

func (a from) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("X-Forwarded-For", a.address)
	return http.DefaultTransport.RoundTrip(req)
}

func network(n int64) from { return from{fmt.Sprintf("10.%d.%d.1", n/250%250, n%250)} }

func (l *login) device() demo.Device {
	return demo.Device{
		API: l.f.public + "/openapi/v1", ClientID: "difyctl", Label: fmt.Sprintf("laptop of person %d", l.n),
		HTTP: &http.Client{Timeout: 30 * time.Second, Transport: network(l.n)},
	}
}

// start begins a login.
func (f *fixture) start(ctx context.Context) (*login, error) {
	l := &login{f: f, n: f.logins.Add(1)}
	var err error
	l.codes, err = l.device().Start(ctx)
	return l, err
}

// approve has a person approve in a fresh browser.
func (l *login) approve(ctx context.Context) error {
	user := fmt.Sprintf("p%d", l.f.approvals.Add(1)%staffSize) // in turn: each may approve ten times an hour
	person := demo.NewPerson(user, demoidp.Password, "approve", io.Discard).Through(network(l.n))
	ended, err := person.Decide(ctx, l.codes.Complete, l.codes.UserCode)
	if err == nil && ended != "approved" {
		err = fmt.Errorf("the page ends with %q", ended)
	}
	return err
}

// poll asks once; want is "" for the token.
func (l *login) poll(ctx context.Context, want string) error {
	token, refused, err := l.device().Poll(ctx, l.codes.DeviceCode)
	if err == nil && refused != want {
		err = fmt.Errorf("a poll is told %q, not %q", refused, want)
	}
	if token.AccessToken != "" {
		l.token = token.AccessToken
	}
	return err
}

// works asks with the token.
func (l *login) works(ctx context.Context) error {
	got, body, err := l.device().Account(ctx, l.token)
	if err == nil && got != http.StatusOK {
		err = fmt.Errorf("a token gets %d: %s", got, body)
	}
	return err
}

// logIn plays a login from its start to a request with the token.
func (f *fixture) logIn(ctx context.Context) (*login, error) {
	l, err := f.start(ctx)
	if err == nil {
		err = l.finish(ctx)
	}
	return l, err
}

// finish approves, fetches the token and uses it.
func (l *login) finish(ctx context.Context) error {
	if err := l.approve(ctx); err != nil {
		return err
	}
	if err := l.poll(ctx, ""); err != nil {
		return err
	}
	return l.works(ctx)
}

// people log in one after the other until stopped.
type people struct {
	stop func() // waits for the last login
	done atomic.Int64

	mu   sync.Mutex
	they []*login // all that have their token
}

// people begins with some at the same time. What fails is lost.
func (f *fixture) people(atOnce int, lost *lost) *people {
	always := make(chan time.Time)
	close(always)
	return f.peopleAt(always, atOnce, lost)
}

// peopleAt is people who wait for a turn before each login.
func (f *fixture) peopleAt(turns <-chan time.Time, atOnce int, lost *lost) *people {
	p := &people{}
	stopped := make(chan struct{})
	var running sync.WaitGroup
	for range atOnce {
		running.Go(func() {
			for {
				select {
				case <-stopped:
					return
				case <-turns:
				}
				l, err := f.logIn(context.Background())
				if err != nil {
					lost.add("a login: %v", err)
				}
				p.mu.Lock()
				p.they = append(p.they, l)
				p.mu.Unlock()
				p.done.Add(1)
			}
		})
	}
	p.stop = sync.OnceFunc(func() { close(stopped); running.Wait() })
	f.t.Cleanup(p.stop)
	return p
}

// more waits until so many more logins are done.
func (p *people) more(f *fixture, n int64) {
	f.t.Helper()
	before := p.done.Load()
	systemtest.Within(f.t, 2*time.Minute, "people log in", func() bool { return p.done.Load() >= before+n })
}

// allWork checks the tokens of all of them.
func (p *people) allWork(lost *lost) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.they {
		if l.token == "" {
			continue
		}
		if err := l.works(context.Background()); err != nil {
			lost.add("a token at the end: %v", err)
		}
		n++
	}
	return n
}
