package incident_test

import (
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/uid"
)

// What a patient attacker got from the first person on is part of the incident.
func TestASlowCampaignIsShownFromItsFirstPersonOn(t *testing.T) {
	quick := (&story{t: t}).opened(1, 2, 3).assess(network)
	slow := (&story{t: t}).ago(50*time.Hour, 1).ago(25*time.Hour, 2).opened(3).assess(network)
	i, _ := rules.Notice(network, quick, uid.New(noon), noon)
	if got, want := rules.Since(i), noon.Add(-rules.Window); !got.Equal(want) {
		t.Errorf("got it since %s, want a window before: %s", got, want)
	}
	if len(slow.People) != 3 || !slow.Since.Equal(noon.Add(-50*time.Hour)) {
		t.Errorf("got %s since %s, want three people since the first", slow, slow.Since)
	}
	if _, err := rules.Extend(i, slow, noon); err != nil || !rules.Since(i).Before(slow.Since) {
		t.Errorf("got it since %s (%v), want it to begin before the first person: %s", rules.Since(i), err, slow.Since)
	}
	if _, err := rules.Extend(i, quick, noon); err != nil || !rules.Since(i).Before(slow.Since) {
		t.Errorf("got it since %s (%v), want it as before", rules.Since(i), err)
	}
}

func TestAReleaseEndsASlowCampaign(t *testing.T) {
	s := (&story{t: t}).ago(50*time.Hour, 1).ago(25*time.Hour, 2).opened(3, 4)
	got := rules.Assess(network, false, s.seen, incident.Past{Released: noon.Add(-24 * time.Hour)}, noon)
	if got.Suspected() || got.AtHome != 2 {
		t.Errorf("got %s, want nothing, and two at home", got)
	}
}
