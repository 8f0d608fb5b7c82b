package incident

import (
	"time"

	"github.com/devicegate/devicegate/domain/device"
)

// Holds are the incidents that hold their sources.
type Holds struct{ bySource map[Source]*Incident }

// NewHolds joins incidents; of several with one source the last one counts.
func NewHolds(all ...*Incident) Holds {
	h := Holds{map[Source]*Incident{}}
	for _, i := range all {
		h.bySource[i.s.Source] = i
	}
	return h
}

// All are all of them, in no order.
func (h Holds) All() []*Incident {
	var all []*Incident
	for _, i := range h.bySource {
		all = append(all, i)
	}
	return all
}

// Holding are those that hold a source of an authorization.
func (h Holds) Holding(d device.Snapshot, at time.Time) (found []*Incident) {
	if len(h.bySource) == 0 {
		return nil
	}
	for _, source := range SourcesOf(d) {
		if i, ok := h.bySource[source]; ok && i.Holds(at) {
			found = append(found, i)
		}
	}
	return found
}
