package incident

import "time"

// IsAtDevice reports whether the person is at the device's own address, as far as the
// service sees: both may be behind one gateway.
func (o Observation) IsAtDevice() bool {
	return o.Where == Near && o.DeviceAddress.IsValid() && o.DeviceAddress == o.BrowserAddress
}

// seenAtDevice is what was observed of a [DevicesAtAddress] as it is weighed: people at
// the address are the possible victims, and people elsewhere are the matter of others.
func seenAtDevice(seen []Observation) []Observation {
	for n, o := range seen {
		if o.IsAtDevice() {
			seen[n].Where = Far
		} else {
			seen[n].Where = Unknown
		}
	}
	return seen
}

// Spares reports whether what is done about the source leaves out people at the source,
// as seen from it.
func (s Source) Spares(where Whereabouts) bool { return where == Near && s.Kind != DevicesAtAddress }

// Weighs reports whether the source is assessed because of an observation of it.
func (s Source) Weighs(o Observation) bool {
	switch s.Kind {
	case FirstTime:
		return o.FirstTime != ""
	case Address:
		return o.Kind != Approved && o.IsBeside()
	case DevicesAtAddress:
		return o.IsAtDevice()
	}
	return o.Kind != Approved
}

// usualPeople is how many people make devices usual at an address.
const usualPeople = 2

// assessAtAddress weighs the people at an address who approved devices of one name
// there, however long after each other, if one of them did within the window. Devices
// to which [usualPeople] came back a window later, or which as many had approved before
// a release, are usual and no case. A release is quiet for a window.
func (r Rules) assessAtAddress(source Source, seen []Observation, past Past, at time.Time) Assessment {
	reports := r.gather(seen, nil, past, at).reports
	out := r.assessSlow(source, seen, len(reports), past, at)
	out.Reporters = reports
	switch {
	case out.AtHome >= usualPeople, past.Released.After(at.Add(-r.Window)):
		out.Points, out.Threshold = 0, 0
	case out.Threshold > 0:
		out.Threshold = pointsOfPerson * r.People
	}
	return out
}
