package config

import (
	"time"

	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/quota"
)

// loadIncidents reads the thresholds of package incident.
func (c *Config) loadIncidents(e environment, wrong *problems) {
	c.Incidents = incident.Rules{
		People:    wrong.between("INCIDENT_PEOPLE", e.IncidentPeople, 0, 1000),
		FirstTime: wrong.between("INCIDENT_FIRST_TIME", e.IncidentFirst, 0, 1000),
		Reports:   wrong.between("INCIDENT_REPORTS", e.IncidentReports, 0, 1000),
		Window:    wrong.duration("INCIDENT_WINDOW", e.IncidentWindow, 10*time.Minute, 7*24*time.Hour),
		Hold:      wrong.duration("INCIDENT_HOLD", e.IncidentHold, time.Minute, 7*24*time.Hour),
		Wait:      wrong.duration("INCIDENT_WAIT", e.IncidentWait, 0, 10*time.Minute),
		// Less is no time to read a page in, more is what quick readers need.
		Reading: wrong.duration("INCIDENT_READING", e.IncidentReading, 0, 10*time.Second),
		Exempt:  wrong.networks("INCIDENT_EXEMPT_NETWORKS", e.IncidentExempt),
	}
	c.Limits.StartsOfNetwork = quota.StartsOfNetwork(wrong.between("INCIDENT_STARTS", e.IncidentStarts, 0, 1_000_000))
}

func (p *problems) duration(setting string, value, least, most time.Duration) time.Duration {
	if value < least || value > most {
		p.add(setting, "%s: use %s to %s", value, least, most)
	}
	return value
}
