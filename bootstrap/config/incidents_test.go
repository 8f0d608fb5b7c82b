package config

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/incident"
)

func TestThresholdsOfIncidents(t *testing.T) {
	c, err := Load(smallest())
	if err != nil || !reflect.DeepEqual(c.Incidents, incident.DefaultRules) || c.Limits.StartsOfNetwork.Max != 100 {
		t.Errorf("got %+v, a burst of %d and %v, want the default rules and 100", c.Incidents, c.Limits.StartsOfNetwork.Max, err)
	}
	c, err = Load(smallest("INCIDENT_PEOPLE", "0", "INCIDENT_FIRST_TIME", "0", "INCIDENT_REPORTS", "0", "INCIDENT_WINDOW", "48h", "INCIDENT_HOLD", "30m", "INCIDENT_WAIT", "0s", "INCIDENT_READING", "1s",
		"INCIDENT_STARTS", "0", "INCIDENT_EXEMPT_NETWORKS", "192.0.2.0/24, 2001:db8::1"))
	want := incident.Rules{
		Window: 48 * time.Hour, Hold: 30 * time.Minute, Reading: time.Second,
		Exempt: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::1/128")},
	}
	if err != nil || !reflect.DeepEqual(c.Incidents, want) || c.Limits.StartsOfNetwork.Max != 0 {
		t.Errorf("got %+v and %v, want %+v", c.Incidents, err, want)
	}
}

func TestInvalidThresholdsAreRefused(t *testing.T) {
	for setting, values := range map[string][]string{
		"INCIDENT_PEOPLE":          {"-1", "1001", "three"},
		"INCIDENT_FIRST_TIME":      {"-1", "1001", "many"},
		"INCIDENT_REPORTS":         {"-1", "1001"},
		"INCIDENT_WINDOW":          {"0s", "9m", "169h", "a day"},
		"INCIDENT_HOLD":            {"-1h", "59s", "169h"},
		"INCIDENT_WAIT":            {"-1s", "11m"},
		"INCIDENT_READING":         {"-1s", "11s"},
		"INCIDENT_STARTS":          {"-1", "1000001"},
		"INCIDENT_EXEMPT_NETWORKS": {"192.0.2.0/33", "office", "192.0.2.0/24,,"},
	} {
		for _, value := range values {
			if _, err := Load(smallest(setting, value)); err == nil || !strings.Contains(err.Error(), setting) {
				t.Errorf("%s=%s: got %v, want a refusal that names it", setting, value, err)
			}
		}
	}
}
