package incident

import (
	"math"
	"net/netip"
	"slices"
	"time"
)

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

// since is when the observations begin that are reasons for suspicion.
func (r Rules) since(past Past, at time.Time) time.Time {
	since := at.Add(-r.Window)
	if past.Released.After(since) {
		since = past.Released
	}
	return since
}

// firstConnections are suspect cases of [FirstTime], the oldest first.
type firstConnections []Observation

// split are those that are a reason for suspicion, and those of before.
func (r Rules) split(seen []Observation, home, reporters map[person]bool, past Past, at time.Time) (now, before firstConnections) {
	since := r.since(past, at)
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
	return now, before
}

// gathering counts people who connect devices in different networks. Of one network
// it counts fewer than make a [Network] suspect by themselves: a third of it is that
// network's matter, such as a machine room's. One person in many networks is one.
type gathering struct {
	people map[person]bool
	within map[netip.Prefix]map[person]bool
	capped int // people of each network, [peopleOfNetwork] of each at most
}

const peopleOfNetwork = 2

func newGathering() *gathering {
	return &gathering{people: map[person]bool{}, within: map[netip.Prefix]map[person]bool{}}
}

func (g *gathering) add(o Observation) {
	by, there := o.person(), g.within[o.Network]
	if there == nil {
		there = map[person]bool{}
		g.within[o.Network] = there
	}
	if g.people[by] = true; !there[by] && len(there) < peopleOfNetwork {
		there[by] = true
		g.capped++
	}
}

// count is how many they are; none where all are in one network.
func (g *gathering) count() int {
	if len(g.within) < 2 {
		return min(1, len(g.people))
	}
	return min(len(g.people), g.capped)
}

// gathered is how many people they are, see [gathering].
func (all firstConnections) gathered() int {
	g := newGathering()
	for _, o := range all {
		g.add(o)
	}
	return g.count()
}

// familiar are the networks in which several people approved. An attacker with many
// networks has two victims in none of them before the campaign is noticed.
func (all firstConnections) familiar() map[netip.Prefix]bool {
	first, familiar := map[netip.Prefix]person{}, map[netip.Prefix]bool{}
	for _, o := range all {
		if o.Kind != Approved {
			continue
		}
		if by, known := first[o.Network]; known && by != o.person() {
			familiar[o.Network] = true
		}
		first[o.Network] = o.person()
	}
	return familiar
}

// isFamiliar reports whether several people approved devices of a network before,
// of the observations of [FirstTime].
func (r Rules) isFamiliar(network netip.Prefix, seen []Observation, past Past, at time.Time) bool {
	reporters := map[person]bool{}
	for _, o := range seen {
		if o.Kind == Reported {
			reporters[o.person()] = true
		}
	}
	_, before := r.split(seen, nil, reporters, past, at)
	return before.familiar()[network]
}

// IsUnconcerned reports whether the person of o is no case for suspicion, although the
// source is held: the person is at home at it or, of [FirstTime], the network is
// familiar or, of an [Address], other people's browsers have the same address. Of an
// [Address] the observations of its network are given.
func (r Rules) IsUnconcerned(source Source, o Observation, seen []Observation, past Past, at time.Time) bool {
	switch {
	case source.Kind == FirstTime && r.isFamiliar(o.Network, seen, past, at):
		return true
	case source.Kind == Address && o.IsBeside() && r.sharedAddresses(append(slices.Clone(seen), o))[o.BrowserAddress]:
		return true
	}
	return r.atHome(r.seenBy(source, seen), past.Released, at)[o.person()]
}

// beyondUsual is how many people connect for the first time, in different networks,
// within a span that is too short for them to be a coincidence. For a
// window after a release, as many are usual as any such span, or any hour, before it
// had. The observations are the oldest first.
func (r Rules) beyondUsual(seen []Observation, home, reporters map[person]bool, past Past, at time.Time) (most int) {
	now, before := r.split(seen, home, reporters, past, at)
	familiar, often := before.familiar(), before.often(at)
	var released firstConnections
	if past.Released.After(at.Add(-r.Window)) {
		released = before.after(past.Released.Add(-r.Window))
	}
	together := newGathering()
	for i := len(now) - 1; i >= 0; i-- {
		o := now[i]
		if familiar[o.Network] {
			continue
		}
		together.add(o)
		n, span := together.count(), at.Sub(o.At)
		if n > most && often.isUnusual(max(n, r.FirstTime), span) {
			most = max(most, n-released.mostPeople(max(span, time.Hour)))
		}
	}
	return most
}

// mostPeople is the most people that were observed within any span.
func (all firstConnections) mostPeople(span time.Duration) (most int) {
	first, within := 0, map[person]int{}
	for _, o := range all {
		within[o.person()]++
		for ; all[first].At.Before(o.At.Add(-span)); first++ {
			by := all[first].person()
			if within[by]--; within[by] == 0 {
				delete(within, by)
			}
		}
		most = max(most, len(within))
	}
	return most
}

func (all firstConnections) after(t time.Time) firstConnections {
	for len(all) > 0 && !all[0].At.After(t) {
		all = all[1:]
	}
	return all
}

// frequency is how many first connections an hour of work has.
type frequency float64

// The hours in which people work. Averages are those of a week at least, so that
// the first day of an installation does not make many first connections usual.
const (
	week        = 7 * 24 * time.Hour
	hoursOfDay  = 8.0
	hoursOfWeek = 5 * hoursOfDay
	// coincidences is how many of them an hour of work may have: one in two months.
	// They are counted for each number of people, which about doubles them.
	coincidences = 1 / (2 * 4.3 * hoursOfWeek)
)

// often is the average of before.
func (all firstConnections) often(at time.Time) frequency {
	if len(all) == 0 {
		return 0
	}
	weeks := max(1, float64(at.Sub(all[0].At))/float64(week))
	return frequency(float64(all.gathered()) / weeks / hoursOfWeek)
}

// isUnusual reports whether n people or more within a span are seldom a coincidence:
// arrivals that have nothing to do with each other are a Poisson process.
func (f frequency) isUnusual(n int, span time.Duration) bool {
	hours := min(span.Hours(), hoursOfDay*math.Ceil(span.Hours()/24))
	mean := float64(f) * hours
	others, fewer := math.Exp(-mean), 0.0
	for i := range n - 1 { // besides the one with which the span begins
		fewer += others
		others *= mean / float64(i+1)
	}
	return float64(f)*(1-fewer) < coincidences
}
