package incident

import (
	"time"

	"github.com/devicegate/devicegate/domain/device"
)

// Holds are the incidents that hold their sources, or have noticed them.
type Holds struct{ byKey map[string]*Incident } // by that of the source

// NewHolds joins incidents; of several with one source the last one counts.
func NewHolds(all ...*Incident) Holds {
	h := Holds{map[string]*Incident{}}
	for _, i := range all {
		h.byKey[i.s.Source.Key()] = i
	}
	return h
}

// All are all of them, in no order.
func (h Holds) All() []*Incident {
	var all []*Incident
	for _, i := range h.byKey {
		all = append(all, i)
	}
	return all
}

// Explains reports whether a source that is held by more than [FirstTime] has the
// observation, which is then no reason to suspect others.
func (h Holds) Explains(o Observation, at time.Time) bool {
	for _, key := range []string{o.Devices, Source{Kind: Network, Network: o.Network}.Key()} {
		if i, held := h.byKey[key]; held && i.Holds(at) {
			return true
		}
	}
	return false
}

// Holding are those that hold a source of an authorization.
func (h Holds) Holding(d device.Snapshot, at time.Time) (found []*Incident) {
	if len(h.byKey) == 0 {
		return nil
	}
	for _, source := range SourcesOf(d) {
		if i, ok := h.byKey[source.Key()]; ok && i.Holds(at) {
			found = append(found, i)
		}
	}
	return found
}
