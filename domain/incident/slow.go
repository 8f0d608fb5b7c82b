package incident

import (
	"time"

	"github.com/devicegate/devicegate/domain/identity"
)

// visits are what one person did with the devices of a network.
type visits struct {
	subject   identity.Subject
	first     time.Time // from elsewhere, for the first time
	latest    time.Time // from elsewhere
	approved  time.Time // for the first time; zero: never
	near      bool
	suspected bool // of them any is a reason for suspicion
}

// cameBack reports whether the person approved, and came again a window later.
func (v visits) cameBack(window time.Duration) bool {
	return !v.approved.IsZero() && !v.latest.Before(v.approved.Add(window))
}

// assessSlow weighs the people of a network, or of an address, who came from elsewhere, however long
// after each other, if one of them came within the window: an attacker is in no
// hurry. Reports are those of the window. People who were near, came back a window
// later or came before a release are at home there, and raise the threshold.
func (r Rules) assessSlow(source Source, seen []Observation, reports int, past Past, at time.Time) (out Assessment) {
	if r.People <= 0 {
		return out
	}
	all, since := r.visitsOf(seen, past), r.since(past, at)
	recent, near := false, 0
	for _, v := range all {
		switch {
		case v.near:
			near++
		case v.cameBack(r.Window) || !v.approved.IsZero() && !v.approved.After(past.Released):
			out.AtHome++
		case v.suspected:
			out.People = append(out.People, v.subject)
			recent = recent || v.latest.After(since)
			if out.Since.IsZero() || v.first.Before(out.Since) {
				out.Since = v.first
			}
		}
	}
	out.AtHome += source.presentNear(near)
	if recent {
		out.Points, out.Threshold = pointsOfPerson*len(out.People)+pointsOfReport*reports, pointsOfPerson*(r.People+out.AtHome)
	}
	return out
}

// visitsOf are those of each person who has not reported the network, in the order
// in which they came.
func (r Rules) visitsOf(seen []Observation, past Past) (all []visits) {
	reporters, of := map[person]bool{}, map[person]int{}
	for _, o := range seen {
		reporters[o.person()] = reporters[o.person()] || o.Kind == Reported
	}
	for _, o := range seen {
		by := o.person()
		if o.Person.IsZero() || reporters[by] || r.IsExempt(o.Network) || o.Kind != Opened && o.Kind != Approved {
			continue
		}
		i, known := of[by]
		if !known {
			i = len(all)
			of[by], all = i, append(all, visits{subject: o.Person, first: o.At})
		}
		v := &all[i]
		if o.Kind == Approved && v.approved.IsZero() {
			v.approved = o.At
		}
		v.near = v.near || o.Kind == Approved && o.Where == Near
		if o.suspect() {
			v.latest, v.suspected = o.At, v.suspected || o.At.After(past.Released)
		}
	}
	return all
}
