package acsmove_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/devicegate/devicegate/domain/acsmove"
	"github.com/devicegate/devicegate/domain/connection"
)

const day = 24 * time.Hour

var now = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// seen is a ledger in which the last sign-ins lie so many days back; a negative
// number: there was none.
func seen(moved bool, legacy, canonical float64) acsmove.Ledger {
	l := acsmove.Ledger{Connection: "acme", Move: acsmove.New("acme").Snapshot()}
	for mount, days := range map[connection.Mount]float64{connection.Legacy: legacy, connection.Canonical: canonical} {
		if days >= 0 {
			on := l.Traffic(mount)
			*on = on.Add(acsmove.Sighting{Kind: acsmove.Succeeded, At: now.Add(-time.Duration(days * float64(day)))})
		}
	}
	if moved {
		l.Move.MovedAt, l.Move.MovedBy = now.Add(-10*day), "ops"
	}
	return l
}

func TestVerdictAndWhetherTheLegacyCallbackIsNeeded(t *testing.T) {
	const never = -1
	for name, c := range map[string]struct {
		ledger  acsmove.Ledger
		set     connection.Mount
		verdict string
		needs   bool
	}{
		"new, set to legacy":                     {seen(false, never, never), connection.Legacy, "silent, no sign-in yet", true},
		"new, set to canonical":                  {seen(false, never, never), connection.Canonical, "silent, no sign-in yet", false},
		"used on legacy":                         {seen(false, 1, never), connection.Legacy, "legacy only", true},
		"tested, and still used on legacy":       {seen(false, 1, 2), connection.Legacy, "both", true},
		"tested, not moved":                      {seen(false, 2, 1), connection.Legacy, "both", true},
		"moved, the last response on legacy":     {seen(true, 1, 2), connection.Legacy, "both", true},
		"moved yesterday":                        {seen(true, 1.5, 0), connection.Legacy, "canonical for 0 days", true},
		"moved a week ago":                       {seen(true, 7, 0), connection.Legacy, "canonical for 0 days", false},
		"moved, but the IdP posts to legacy":     {seen(true, 1, never), connection.Legacy, "legacy only", true},
		"configured anew, the IdP lags behind":   {seen(false, 6.9, never), connection.Canonical, "legacy only", true},
		"silent for a month, set to legacy":      {seen(false, 30, never), connection.Legacy, "silent since 2026-10-26", true},
		"silent for a month, moved":              {seen(true, 40, 30), connection.Legacy, "silent since 2026-10-26", false},
		"the day before it is silent":            {seen(false, 29.9, never), connection.Legacy, "legacy only", true},
		"canonical from the beginning, long ago": {seen(false, never, 29), connection.Canonical, "canonical for 29 days", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.ledger.Verdict(c.set, now).String(); got != c.verdict {
				t.Errorf("verdict: got %q, want %q", got, c.verdict)
			}
			if got := c.ledger.NeedsLegacy(c.set, now); (got != "") != c.needs {
				t.Errorf("needs the legacy callback: got %q, want %t", got, c.needs)
			}
		})
	}
}

func TestDaysOnTheCanonicalCallbackCountFromTheLastSignInOnTheOther(t *testing.T) {
	l := seen(true, 9.5, 20)
	l.Canonical = l.Canonical.Add(acsmove.Sighting{Kind: acsmove.Succeeded, At: now})
	if got := l.Verdict(connection.Legacy, now); got.String() != "canonical for 9 days" || !got.Since.Equal(l.Legacy.LastSuccessAt) {
		t.Errorf("got %v since %v, want canonical for 9 days since %v", got, got.Since, l.Legacy.LastSuccessAt)
	}
	l = seen(true, -1, 1)
	if got := l.Verdict(connection.Legacy, now).String(); got != "canonical for 1 day" {
		t.Errorf("got %q, want canonical for 1 day", got)
	}
}

func TestMetadataListsTheLegacyCallbackWhileAResponseToItMayCome(t *testing.T) {
	l := seen(false, -1, -1)
	if !l.Lists(connection.Legacy, now) || l.Lists(connection.Canonical, now) {
		t.Error("got the other callback listed, want that of the setting without requests")
	}
	l.Legacy = l.Legacy.Add(acsmove.Sighting{Kind: acsmove.Requested, At: now})
	l.Move.MovedAt, l.Move.MovedBy = now, "ops"
	if !l.Lists(connection.Legacy, now.Add(day-1)) || l.Lists(connection.Legacy, now.Add(day)) {
		t.Error("got it listed for less or more than a day after the last request that named it, want a day")
	}
}

func TestProvenIsASignInWithoutARefusalSince(t *testing.T) {
	fail := func(l acsmove.Ledger, at time.Time) acsmove.Ledger {
		l.Canonical = l.Canonical.Add(acsmove.Sighting{Kind: acsmove.Failed, Reason: "unknown_key", At: at})
		return l
	}
	for name, c := range map[string]struct {
		ledger acsmove.Ledger
		want   bool
	}{
		"none":                       {seen(false, 1, -1), false},
		"one":                        {seen(false, 1, 2), true},
		"long ago":                   {seen(false, 1, 30), false},
		"refused since":              {fail(seen(false, 1, 2), now), false},
		"refused before":             {fail(seen(false, 1, 2), now.Add(-3*day)), true},
		"refused in the same moment": {fail(seen(false, 1, 0), now), true},
	} {
		if got := c.ledger.Proven(now); got != c.want {
			t.Errorf("%s: got %t, want %t", name, got, c.want)
		}
	}
}

// The order in which sightings arrive, and how they are spread over rows, changes
// nothing but which of two failures in one moment is the last.
func TestTrafficDoesNotDependOnTheOrderOfSightings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOf(rapid.Custom(func(t *rapid.T) acsmove.Sighting {
			return acsmove.Sighting{
				Kind:   rapid.SampledFrom([]acsmove.SightingKind{acsmove.Requested, acsmove.Succeeded, acsmove.Failed}).Draw(t, "what"),
				At:     now.Add(time.Duration(rapid.IntRange(0, 1_000_000).Draw(t, "at")) * time.Second),
				Reason: "one",
			}
		})).Draw(t, "all")
		var whole acsmove.Traffic
		var parts [3]acsmove.Traffic
		for _, s := range all {
			whole = whole.Add(s)
			i := rapid.IntRange(0, 2).Draw(t, "part")
			parts[i] = parts[i].Add(s)
		}
		if sum := parts[2].Plus(parts[0]).Plus(parts[1]); sum != whole {
			t.Fatalf("got %+v, want %+v", sum, whole)
		}
		if int(whole.Requests+whole.Succeeded+whole.Failed) != len(all) || whole.FirstSuccessAt.After(whole.LastSuccessAt) {
			t.Fatalf("got %+v, want the %d requests counted once, the first success before the last", whole, len(all))
		}
	})
}

// A connection that can do without the legacy callback has no requests that name
// it, and no verdict that says it is in use.
func TestAnUnneededLegacyCallbackIsNotInUse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := seen(rapid.Bool().Draw(t, "moved"), rapid.Float64Range(-10, 60).Draw(t, "legacy"), rapid.Float64Range(-10, 60).Draw(t, "canonical"))
		set := rapid.SampledFrom([]connection.Mount{connection.Legacy, connection.Canonical}).Draw(t, "set")
		if l.NeedsLegacy(set, now) != "" {
			return
		}
		if l.Move.Advertised(set) != connection.Canonical || now.Sub(l.Legacy.LastSuccessAt) < 7*day {
			t.Fatalf("got %+v, want it moved, and the last legacy success a week ago", l)
		}
	})
}
