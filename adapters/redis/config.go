package redis

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/devicegate/devicegate/adapters/tracing"
	"github.com/devicegate/devicegate/domain/setting"
)

// Config says where the server is.
type Config struct {
	// URL is redis://, rediss:// (TLS) or unix://, with user, password and
	// database. Several addr parameters name the nodes of a cluster;
	// master_set makes them sentinels.
	URL    string
	Tracer *tracing.Tracer // nil: no spans
	// Observer is told of each command; nil: nothing is.
	Observer Observer
}

// Observer measures commands.
type Observer interface {
	ObserveCommand(operation string, took time.Duration, err error)
}

var errURL = setting.Wrong("URL", "use redis://user:password@host:6379/0, or rediss:// for TLS; "+
	"in a password write @ as %%40, # as %%23, / as %%2F, ? as %%3F and %% as %%25")

// Check returns what is wrong with the configuration, without the secrets in it.
func (c Config) Check() error {
	_, err := c.options()
	return err
}

// flushDelay is how long a command waits for others that could be sent with it, if
// others are under way: fewer system calls, here and in the server. A command that
// is alone does not wait.
const flushDelay = 20 * time.Microsecond

func (c Config) options() (rueidis.ClientOption, error) {
	if !c.usable() {
		return rueidis.ClientOption{}, errURL
	}
	o, err := rueidis.ParseURL(c.URL)
	if err != nil { // the cause may quote the password
		return rueidis.ClientOption{}, errURL
	}
	if o.Dialer.Timeout == 0 {
		o.Dialer.Timeout = dialTimeout
	}
	if o.ConnWriteTimeout == 0 {
		o.ConnWriteTimeout = time.Second
	}
	o.MaxFlushDelay = flushDelay
	o.DisableCache = true    // nothing here is read twice
	o.DisableRetry = true    // opTimeout is too short for it
	o.PipelineMultiplex = -1 // one pipelined connection is plenty
	return o, nil
}

var parameterName = regexp.MustCompile(`^[a-z_]+$`)

// usable refuses what the library would read in another way than it is meant:
// a character of the password that ends the password, so that the rest would be
// dialled as a host name, and a database that is no number.
func (c Config) usable() bool {
	u, err := url.Parse(c.URL)
	if err != nil || u.Opaque != "" || strings.Contains(c.URL, "#") || strings.Contains(u.EscapedPath()+u.RawQuery, "@") {
		return false
	}
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		if name, _, named := strings.Cut(pair, "="); pair != "" && (!named || !parameterName.MatchString(name)) {
			return false
		}
	}
	if number := u.Query().Get("db"); u.Query().Has("db") && !isNumber(number) {
		return false
	}
	if u.Scheme == "unix" {
		return u.Path != ""
	}
	number := strings.TrimPrefix(u.Path, "/")
	return (u.Port() == "" || isPort(u.Port())) && (number == "" || isNumber(number))
}

func isNumber(text string) bool {
	_, err := strconv.ParseUint(text, 10, 31)
	return err == nil
}

func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n > 0
}
