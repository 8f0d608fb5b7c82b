package saml_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/saml"
	"github.com/devicegate/devicegate/adapters/saml/samltest"
)

// operator reads the log of a broker as time goes by.
type operator struct {
	t      *testing.T
	broker *saml.Broker
	at     time.Time
	log    strings.Builder
}

// hears lets d pass and wants a line about acme for each of these, and no more.
func (o *operator) hears(d time.Duration, lines ...string) {
	o.t.Helper()
	o.at = o.at.Add(d)
	o.log.Reset()
	o.broker.Maintain(o.t.Context())
	got := strings.FieldsFunc(o.log.String(), func(r rune) bool { return r == '\n' })
	if len(got) != len(lines) {
		o.t.Fatalf("heard %q, want %q", got, lines)
	}
	for i, want := range lines {
		if !strings.Contains(got[i], want) || !strings.Contains(got[i], "connection=acme") {
			o.t.Errorf("heard %q, want %q", got[i], want)
		}
	}
}

func reading(t *testing.T, p *publisher) *operator {
	t.Helper()
	o := &operator{t: t, at: samltest.Epoch}
	o.broker = fetching(t, "https://idp.test/metadata", p, func() time.Time { return o.at }, &o.log)
	return o
}

func until(idp *samltest.IdP, at time.Time) string {
	return strings.Replace(string(idp.Metadata()), ` entityID=`, ` validUntil="`+samltest.Stamp(at)+`" entityID=`, 1)
}

const day = 24 * time.Hour

func TestOperatorsHearWhatIsNewAndOnceADayAllThatHolds(t *testing.T) { // D11
	idp := samltest.NewIdP(t, idpID)
	p := &publisher{status: http.StatusOK, document: until(idp, samltest.Epoch.Add(9*day))}
	o := reading(t, p)
	o.hears(0)
	p.publish(http.StatusBadGateway, "")
	o.hears(time.Hour, "level=WARN msg=\"identity provider metadata\" connection=acme warning=\"metadata: https://idp.test/metadata answered 502")
	o.hears(5 * time.Minute)
	o.hears(day, "answered 502")
	o.hears(23*time.Hour, "valid until 2026-12-04")
	o.hears(time.Hour, "answered 502", "valid until 2026-12-04")
	o.hears(5 * time.Minute)
	p.publish(http.StatusOK, until(idp, samltest.Epoch.Add(11*day)))
	o.hears(5 * time.Minute)
	p.publish(http.StatusNotFound, "")
	o.hears(time.Hour, "answered 404")
	o.hears(9*day, "level=ERROR msg=\"sign-ins fail\"", "level=ERROR")
	o.hears(time.Minute)
	p.publish(http.StatusOK, string(idp.Metadata()))
	o.hears(5 * time.Minute)
}

func TestMetadataThatIsBadFromTheStartIsToldOnce(t *testing.T) {
	p := &publisher{status: http.StatusForbidden}
	o := reading(t, p)
	o.hears(0, "level=ERROR msg=\"sign-ins fail\" connection=acme problem=\"metadata: https://idp.test/metadata answered 403")
	o.hears(time.Minute)
	o.hears(5 * time.Minute)
	p.publish(http.StatusInternalServerError, "")
	o.hears(5*time.Minute, "answered 500")
	p.publish(http.StatusOK, string(samltest.NewIdP(t, idpID).Metadata()))
	o.hears(5 * time.Minute)
	p.publish(http.StatusInternalServerError, "")
	o.hears(time.Hour, "answered 500") // again, after it was well
}

func TestMetadataThatIsAlwaysRenewedInTimeIsToldOnceADay(t *testing.T) {
	idp := samltest.NewIdP(t, idpID)
	p := &publisher{status: http.StatusOK}
	o := reading(t, p)
	for hour := range 48 {
		p.publish(http.StatusOK, until(idp, o.at.Add(5*day+time.Hour)))
		switch hour {
		case 0:
			o.hears(0, "valid until")
		case 24:
			o.hears(time.Hour, "valid until")
		default:
			o.hears(time.Hour)
		}
	}
}

func TestCertificatesThatEndAreToldAsTheirEndComesNear(t *testing.T) {
	idp := samltest.NewIdP(t, idpID)
	ending := *idp
	ending.Certificate = samltest.Certificate(t, samltest.RSAKey(t, 0), samltest.Epoch.AddDate(-1, 0, 0), samltest.Epoch.Add(40*day))
	p := &publisher{status: http.StatusOK, document: string(idp.Metadata())}
	o := reading(t, p)
	o.hears(0)
	p.publish(http.StatusOK, string(ending.Metadata()))
	o.hears(9 * day)
	o.hears(day+time.Minute, "expires at 2027-01-04")
	o.hears(time.Minute)
	o.hears(day, "expires at 2027-01-04")
	o.hears(30*day, "expired at 2027-01-04")

	document := newBench(t, &ending)
	for after, want := range map[time.Duration]string{9 * day: "", 11 * day: "expires at", 41 * day: "expired at"} {
		document.at = samltest.Epoch.Add(after)
		if w := document.broker.Warnings(); (want == "") != (len(w) == 0) || want != "" && !strings.Contains(w[0].Text, want) {
			t.Errorf("after %s: warnings %v", after, w)
		}
	}
}

func TestNothingIsToldOfAFetchThatTheEndCutShort(t *testing.T) {
	o := reading(t, &publisher{status: http.StatusBadGateway})
	over, stop := context.WithCancel(t.Context())
	stop()
	o.broker.Maintain(over)
	if o.log.Len() != 0 {
		t.Errorf("told %s", o.log.String())
	}
}
