// Package doctor checks an installation as its operators would: the settings,
// the stores, the keys, the addresses as seen from outside, the identity
// providers and the background work. Each check says what it found and, where
// something is wrong, what to do. Nothing is changed.
package doctor

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/devicegate/devicegate/bootstrap/config"
)

// Status says how a check ended.
type Status string

// The statuses.
const (
	OK      Status = "ok"
	Warn    Status = "warn"    // works, and should be changed
	Fail    Status = "fail"    // logins fail, or will
	Skipped Status = "skipped" // not checked, and why
)

// Result is what one check found. A check may have several.
type Result struct {
	Check  string `json:"check"`
	Status Status `json:"status"`
	Found  string `json:"found"`
	Do     string `json:"do,omitempty"`
}

// Options say what is asked.
type Options struct {
	Offline   bool              // ask nothing but the stores
	Transport http.RoundTripper // to the public URL; nil: the default
}

// askTime bounds each question over the network.
const askTime = 5 * time.Second

// examination is one row of checks.
type examination struct {
	config.Config
	Options
	http  *http.Client
	found []Result

	databaseIsDown bool // what else is in it need not be asked for
}

// Examine runs every check. The settings have been read. What does not answer
// costs its own time only: checks that do not need each other run side by side.
func Examine(ctx context.Context, c config.Config, o Options) []Result {
	client := &http.Client{
		Timeout: askTime, Transport: o.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	rows := [][]func(*examination, context.Context){
		{(*examination).settings},
		// What is in the database comes before what may be there.
		{(*examination).database, (*examination).keys, (*examination).cryptography, (*examination).connections, (*examination).enterprise},
		{(*examination).redis},
		{(*examination).cookies, (*examination).proxies},
		{(*examination).publicURL},
		{(*examination).mail},
		{(*examination).webhook},
		{(*examination).syslog},
		{(*examination).traces},
		{(*examination).logRecords},
	}
	found := make([][]Result, len(rows))
	var all sync.WaitGroup
	for i, row := range rows {
		all.Go(func() {
			x := &examination{Config: c, Options: o, http: client}
			for _, check := range row {
				check(x, ctx)
			}
			found[i] = x.found
		})
	}
	all.Wait()
	return slices.Concat(found...)
}

// Misconfigured is what there is to say about settings that cannot be right.
// Nothing else can be checked then.
func Misconfigured(err error) []Result {
	var all []Result
	for line := range strings.SplitSeq(err.Error(), "\n") {
		all = append(all, Result{"configuration", Fail, line, "mend the setting; devicegate config shows where it comes from"})
	}
	return all
}

// Worst is the worst status of all results.
func Worst(all []Result) Status {
	worst := OK
	for _, r := range all {
		switch {
		case r.Status == Fail, r.Status == Warn && worst == OK:
			worst = r.Status
		}
		if worst == Fail {
			break
		}
	}
	return worst
}

func (x *examination) add(check string, status Status, found, do string) {
	x.found = append(x.found, Result{check, status, found, do})
}

func (x *examination) ok(check, found string)           { x.add(check, OK, found, "") }
func (x *examination) warn(check, found, do string)     { x.add(check, Warn, found, do) }
func (x *examination) fail(check, found, do string)     { x.add(check, Fail, found, do) }
func (x *examination) skip(check, found, reason string) { x.add(check, Skipped, found, reason) }

// settings repeats what the start warns of.
func (x *examination) settings(context.Context) {
	for _, w := range x.Warnings {
		x.warn("configuration", w.Setting+": "+w.Text, "change "+w.Setting)
	}
	if len(x.Warnings) == 0 {
		x.ok("configuration", "the settings can be right")
	}
}

// silent drops what adapters would log: the results say it.
var silent = slog.New(slog.DiscardHandler)
