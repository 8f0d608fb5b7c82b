package uid_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/devicegate/devicegate/domain/uid"
)

var form = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// moments are those that 48 bits of milliseconds can tell.
func moments() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		return time.UnixMilli(rapid.Int64Range(0, 1<<48-1).Draw(t, "ms"))
	})
}

func TestAnIDIsAVersion7UUID(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := moments().Draw(t, "at")
		id := uid.New(at)
		if !form.MatchString(id.String()) {
			t.Errorf("got %s, want a UUID of version 7", id)
		}
		var ms int64
		for _, b := range id[:6] {
			ms = ms<<8 | int64(b)
		}
		if ms != at.UnixMilli() {
			t.Errorf("got %s of %d ms, want %d", id, ms, at.UnixMilli())
		}
	})
}

func TestIDsSortByTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := moments().Draw(t, "at")
		later := at.Add(time.Duration(rapid.Int64Range(1, 1e9).Draw(t, "ms")) * time.Millisecond)
		if later.UnixMilli() >= 1<<48 {
			t.Skip("beyond 48 bits")
		}
		if a, b := uid.New(at), uid.New(later); a.String() >= b.String() {
			t.Errorf("got %s, then %s, want them in the order of time", a, b)
		}
	})
}

func TestIDsOfOneMomentDiffer(t *testing.T) {
	seen := map[uid.ID]bool{}
	at := time.Now()
	for range 10_000 {
		id := uid.New(at)
		if seen[id] {
			t.Fatalf("got %s twice, want each id once", id)
		}
		seen[id] = true
	}
}

func TestAnIDComesBackFromText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := uid.ID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "bytes"))
		for _, text := range []string{id.String(), strings.ToUpper(id.String())} {
			if back, err := uid.Parse(text); err != nil || back != id {
				t.Errorf("got %s, %v for %s, want %s", back, err, text, id)
			}
		}
		if id.IsZero() != (id.String() == "00000000-0000-0000-0000-000000000000") {
			t.Errorf("%s: got IsZero %v, want true for zeros alone", id, id.IsZero())
		}
	})
}

func TestInvalidUUIDsAreRefused(t *testing.T) {
	for _, text := range []string{
		"", "x", "00000000-0000-7000-8000-00000000000", "00000000-0000-7000-8000-0000000000000",
		"0000000000000000-7000-8000-000000000000", "00000000000070008000000000000000",
		"{0000000-0000-7000-8000-00000000000}", "0000000g-0000-7000-8000-000000000000",
		"0000000--0000-7000-8000-00000000000-", "00000000-0000-7000-8000-0000000000--",
		" 0000000-0000-7000-8000-000000000000", "00000000-0000-7000-8000-00000000000\n",
		"０0000000-0000-7000-8000-000000000", "urn:uuid:00000000-0000-7000-8000-000",
	} {
		if id, err := uid.Parse(text); err == nil || !id.IsZero() {
			t.Errorf("got %s, %v for %q, want an error", id, err, text)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[0-9a-f-]{36}`)).Draw(t, "text")
		if id, err := uid.Parse(text); err == nil && !strings.EqualFold(id.String(), text) {
			t.Errorf("got %s for %q, want the same text", id, text)
		}
	})
}

// Events of one transaction have one time; the audit trail is read by it and ID.
func TestIDsOfOneMomentSortInTheOrderInWhichTheyWereMade(t *testing.T) {
	at := time.Now()
	before := uid.New(at)
	for range 100_000 {
		id := uid.New(at)
		if id.String() <= before.String() {
			t.Fatalf("got %s after %s, want it to sort behind", id, before)
		}
		before = id
	}
}
