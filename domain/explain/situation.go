package explain

import (
	"fmt"
	"time"

	"github.com/devicegate/devicegate/domain/acsmove"
	"github.com/devicegate/devicegate/domain/connection"
)

// Situation is what is known of a response besides its checks.
type Situation struct {
	Via         connection.Connection
	Product     acsmove.Product
	Claim       Claim
	At          time.Time // when it came
	RequestedAt time.Time
}

// metadata names the metadata and its age.
func (s Situation) metadata(m Metadata) string {
	switch {
	case !m.FetchedAt.IsZero():
		return "the metadata fetched " + ago(s.At.Sub(m.FetchedAt))
	case m.FromURL:
		return "the metadata of this connection"
	}
	return "the metadata document of this connection"
}

// ago words how long something was before the response came. Metadata can be newer
// than that.
func ago(d time.Duration) string {
	if d < 0 {
		return spell(-d) + " after this response"
	}
	return spell(d) + " before this response"
}

// spell words a duration by the largest unit of which it has two.
func spell(d time.Duration) string {
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"days", 24 * time.Hour}, {"hours", time.Hour}, {"minutes", time.Minute}, {"seconds", time.Second}} {
		if n := d / unit.size; n >= 2 {
			return fmt.Sprintf("%d %s", n, unit.name)
		}
	}
	return "a second"
}
