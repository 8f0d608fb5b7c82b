package application_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/incident"
)

// The event of a signal says of which source it is, and what that comes to. Of
// several sources that one observation makes suspect, one event tells.
func TestASignalIsRecordedOnceWithItsReasons(t *testing.T) {
	s := newCampaign(t)
	for n, from := range []string{"203.0.113.66", "203.1.113.66", "203.0.113.66"} {
		s.victim(n, s.begins("prod-01", agent(from, "x/1")))
	}
	var got []string
	for _, e := range s.Events(t) {
		if e.Event == string(audit.PhishingSuspected) && e.Reason == string(incident.SeveralPeople) {
			got = append(got, e.Detail)
		}
	}
	const source, nothingElse = `source: devices "prod-01" of difyctl with "x/1"; `, "; usual: 0; reports: 0; codes opened by several: 0; codes polled from elsewhere: 0; at home: 0; "
	want := []string{source + "people: 2" + nothingElse + "points: 6 of 9", source + "people: 3" + nothingElse + "points: 9 of 9"}
	if !slices.Equal(got, want) {
		t.Errorf("got the reasons %q, want %q", got, want)
	}
}

// People whose codes a held source explains are no reason to suspect others, whose
// devices have nothing to do with it.
func TestVictimsOfAHeldSourceMakeNoFirstConnectionSuspect(t *testing.T) {
	s := newCampaign(t)
	for n := range 3 {
		s.victim(n, s.begins(fmt.Sprint("prod-", n), agent(attacker, "x/1")))
	}
	s.incidents(1)
	honest := s.begins("laptop", agent("198.18.9.7", "difyctl/1"))
	s.approves(honest.UserCode, "ann@acme.example", "10.77.0.7")
	if !s.redeems(honest.Code, "198.18.9.7") {
		t.Error("the honest device waits")
	}
	s.incidents(1)
	if n := s.signals(incident.ManyFirstTimes); n != 0 {
		t.Errorf("got %d signals of first connections, want none", n)
	}
}
