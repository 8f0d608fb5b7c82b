package saml_test

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/devicegate/devicegate/adapters/memory"
	"github.com/devicegate/devicegate/adapters/saml"
	"github.com/devicegate/devicegate/adapters/saml/samltest"
	"github.com/devicegate/devicegate/domain/connection"
)

// logReader reads the log of a broker while a test moves the clock.
type logReader struct {
	t      *testing.T
	broker *saml.Broker
	at     time.Time
	log    strings.Builder
}

// logs moves the clock by d and wants one line about acme for each of these.
func (o *logReader) logs(d time.Duration, lines ...string) {
	o.t.Helper()
	o.at = o.at.Add(d)
	o.log.Reset()
	o.broker.Maintain(o.t.Context())
	got := strings.FieldsFunc(o.log.String(), func(r rune) bool { return r == '\n' })
	if len(got) != len(lines) {
		o.t.Fatalf("got %q, want %q", got, lines)
	}
	for i, want := range lines {
		if !strings.Contains(got[i], want) || !strings.Contains(got[i], "connection=acme") {
			o.t.Errorf("got %q, want %q", got[i], want)
		}
	}
}

func reading(t *testing.T, p *publisher) *logReader {
	t.Helper()
	o := &logReader{t: t, at: samltest.Epoch}
	o.broker = fetching(t, "https://idp.test/metadata", p, func() time.Time { return o.at }, &o.log)
	return o
}

func until(idp *samltest.IdP, at time.Time) string {
	return strings.Replace(string(idp.Metadata()), ` entityID=`, ` validUntil="`+samltest.Stamp(at)+`" entityID=`, 1)
}

const day = 24 * time.Hour

func TestNewNoticesAreLoggedAtOnceAndAllOnceADay(t *testing.T) { // D11
	idp := samltest.NewIdP(t, idpID)
	p := &publisher{status: http.StatusOK, document: until(idp, samltest.Epoch.Add(9*day))}
	o := reading(t, p)
	o.logs(0)
	p.publish(http.StatusBadGateway, "")
	o.logs(time.Hour, "level=WARN msg=\"identity provider metadata\" connection=acme warning=\"metadata: https://idp.test/metadata answered 502")
	o.logs(5 * time.Minute)
	o.logs(day, "answered 502")
	o.logs(23*time.Hour, "valid until 2026-12-04")
	o.logs(time.Hour, "answered 502", "valid until 2026-12-04")
	o.logs(5 * time.Minute)
	p.publish(http.StatusOK, until(idp, samltest.Epoch.Add(11*day)))
	o.logs(5 * time.Minute)
	p.publish(http.StatusNotFound, "")
	o.logs(time.Hour, "answered 404")
	o.logs(9*day, "level=ERROR msg=\"sign-ins fail\"", "level=ERROR")
	o.logs(time.Minute)
	p.publish(http.StatusOK, string(idp.Metadata()))
	o.logs(5 * time.Minute)
}

func TestUnusableMetadataIsLoggedOnce(t *testing.T) {
	p := &publisher{status: http.StatusForbidden}
	o := reading(t, p)
	o.logs(0, "level=ERROR msg=\"sign-ins fail\" connection=acme problem=\"metadata: https://idp.test/metadata answered 403")
	o.logs(time.Minute)
	o.logs(5 * time.Minute)
	p.publish(http.StatusInternalServerError, "")
	o.logs(5*time.Minute, "answered 500")
	p.publish(http.StatusOK, string(samltest.NewIdP(t, idpID).Metadata()))
	o.logs(5 * time.Minute)
	p.publish(http.StatusInternalServerError, "")
	o.logs(time.Hour, "answered 500") // again, after it was well
}

func TestShortLivedMetadataIsLoggedOnceADay(t *testing.T) {
	idp := samltest.NewIdP(t, idpID)
	p := &publisher{status: http.StatusOK}
	o := reading(t, p)
	for hour := range 48 {
		p.publish(http.StatusOK, until(idp, o.at.Add(5*day+time.Hour)))
		switch hour {
		case 0:
			o.logs(0, "valid until")
		case 24:
			o.logs(time.Hour, "valid until")
		default:
			o.logs(time.Hour)
		}
	}
}

func TestCertificateExpiryIsLoggedInAdvance(t *testing.T) { // at 90, 30, 7 and 1 days
	idp := samltest.NewIdP(t, idpID)
	ending := *idp
	ending.Certificate = samltest.Certificate(t, samltest.RSAKey(t, 0), samltest.Epoch.AddDate(-1, 0, 0), samltest.Epoch.Add(100*day))
	p := &publisher{status: http.StatusOK, document: string(idp.Metadata())}
	o := reading(t, p)
	const soon = "expires at 2027-03-05"
	o.logs(0)
	p.publish(http.StatusOK, string(ending.Metadata()))
	o.logs(9 * day)
	o.logs(day+time.Minute, soon) // 90
	o.logs(time.Minute)
	o.logs(2 * day) // not every day, so long before
	o.logs(58*day, soon)
	o.logs(time.Minute)
	o.logs(day, soon) // every day from 30 on
	o.logs(21*day, soon)
	o.logs(day - 4*time.Minute)
	o.logs(2*time.Minute, soon) // 7, before a day has passed since the last reminder
	o.logs(time.Minute)
	o.logs(6*day, soon) // 1
	o.logs(30*day, "expired at 2027-03-05")

	document := newBench(t, &ending)
	for after, want := range map[time.Duration]string{9 * day: "", 11 * day: "expires at", 101 * day: "expired at"} {
		document.at = samltest.Epoch.Add(after)
		if w := document.broker.Warnings(); (want == "") != (len(w) == 0) || want != "" && !strings.Contains(w[0].Text, want) {
			t.Errorf("after %s: got the warnings %v, want those of that time", after, w)
		}
	}
}

func TestFetchEndedByShutdownIsNotLogged(t *testing.T) {
	o := reading(t, &publisher{status: http.StatusBadGateway})
	over, stop := context.WithCancel(t.Context())
	stop()
	o.broker.Maintain(over)
	if o.log.Len() != 0 {
		t.Errorf("got %s, want nothing", o.log.String())
	}
}

func TestOneIdentityProviderInTwoConnectionsIsLoggedAtStartAndReload(t *testing.T) {
	idp := samltest.NewIdP(t, idpID)
	k := new(refresher)
	var copies []connection.CopySnapshot
	of := map[string]connection.Connection{}
	for _, slug := range []string{"acme", "beta", "gamma"} {
		via, err := connection.New(connection.Settings{
			Slug: slug, Domains: []string{slug + ".example"}, SAML: connection.SAMLSettings{MetadataURL: "https://idp.test/" + slug},
		})
		if err != nil {
			t.Fatal(err)
		}
		of[slug], copies = via, append(copies, k.read(t, via, idp, samltest.Epoch))
	}
	directory := func(one, two string) connection.Directory {
		t.Helper()
		d, err := connection.NewDirectory(of[one], of[two])
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	keys := memory.NewKeys(ourKeys(t))
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		b, err := saml.New(saml.Config{PublicURL: publicURL}, keys, directory("acme", "beta"), func() time.Time { return samltest.Epoch },
			slog.New(slog.NewTextHandler(&log, nil)), saml.RefreshedBy(k))
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Adopt(copies); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go b.Run(ctx)
		logged := func(when string, want ...string) {
			t.Helper()
			synctest.Wait()
			got := log.String()
			log.Reset()
			if strings.Count(got, "\n") != len(want) {
				t.Errorf("%s: got %q, want %d lines", when, got, len(want))
			}
			for _, text := range want {
				if !strings.Contains(got, text) {
					t.Errorf("%s: got %q, want %q in it", when, got, text)
				}
			}
		}
		reload := func(one, two string) {
			t.Helper()
			if err := b.Reload(directory(one, two)); err != nil {
				t.Fatal(err)
			}
		}
		logged("start", `level=WARN msg="identity provider metadata" connection=beta warning="the same identity provider as connection acme`)
		reload("acme", "beta")
		logged("reload without a change")
		reload("acme", "gamma")
		logged("reload", `connection=gamma warning="the same identity provider as connection acme`)
	})
}
