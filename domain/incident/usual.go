package incident

import "time"

// Past is what became of earlier incidents of a source.
type Past struct {
	Released  time.Time // the latest incident; zero: it was not
	Contained time.Time // the whole latest incident; zero: it was not
}

// PastOf reads it from the latest incident of a source; nil: there was none.
func PastOf(latest *Incident) Past {
	if latest == nil {
		return Past{}
	}
	past := Past{Released: latest.s.ReleasedAt}
	if !latest.s.Partly {
		past.Contained = latest.s.ContainedAt
	}
	return past
}

// burst is the shorter of the two spans in which people are counted: a campaign may
// take an hour or a day.
const burst = time.Hour

// beyondUsual is how many more people than usual are suspect cases of [FirstTime].
// The observations are the oldest first.
func (r Rules) beyondUsual(seen []Observation, home, reporters map[person]bool, past Past, at time.Time) (most int) {
	since := at.Add(-r.Window)
	if past.Released.After(since) {
		since = past.Released
	}
	var before, now []Observation
	for _, o := range seen {
		attack := o.At.After(past.Contained.Add(-r.Window)) && !o.At.After(past.Contained)
		switch {
		case !o.suspect() || reporters[o.person()] || r.IsExempt(o.Network):
		case o.At.After(since) && !home[o.person()]:
			now = append(now, o)
		case !o.At.After(since) && !attack:
			before = append(before, o)
		}
	}
	for _, span := range []time.Duration{burst, r.Window} {
		current := now
		for len(current) > 0 && !current[0].At.After(at.Add(-span)) {
			current = current[1:]
		}
		most = max(most, mostPeople(current, r.Window)-mostPeople(before, span))
	}
	return most
}

// mostPeople is the most people that were observed within any span.
func mostPeople(seen []Observation, span time.Duration) (most int) {
	first := 0
	within := map[person]int{}
	for _, o := range seen {
		within[o.person()]++
		for ; !seen[first].At.After(o.At.Add(-span)); first++ {
			by := seen[first].person()
			if within[by]--; within[by] == 0 {
				delete(within, by)
			}
		}
		most = max(most, len(within))
	}
	return most
}
