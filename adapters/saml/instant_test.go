package saml

import (
	"testing"
	"time"
)

func TestInstantsFollowXMLSchema(t *testing.T) {
	utc := func(year int, month time.Month, day, hour, minute, second, nano int) time.Time {
		return time.Date(year, month, day, hour, minute, second, nano, time.UTC)
	}
	for text, want := range map[string]time.Time{
		"2026-11-25T12:00:00Z":           utc(2026, 11, 25, 12, 0, 0, 0),
		"2026-11-25T12:00:00":            utc(2026, 11, 25, 12, 0, 0, 0),
		"2026-11-25T12:00:00.5Z":         utc(2026, 11, 25, 12, 0, 0, 500_000_000),
		"2026-11-25T12:00:00.1234567Z":   utc(2026, 11, 25, 12, 0, 0, 123_456_700),
		"2026-11-25T12:00:00.1234567899": utc(2026, 11, 25, 12, 0, 0, 123_456_789),
		"2026-11-25T12:00:00+05:30":      utc(2026, 11, 25, 6, 30, 0, 0),
		"2026-11-25T12:00:00-14:00":      utc(2026, 11, 26, 2, 0, 0, 0),
		"2026-12-31T24:00:00Z":           utc(2027, 1, 1, 0, 0, 0, 0),
		"2026-12-31T24:00:00.000Z":       utc(2027, 1, 1, 0, 0, 0, 0),
		"2024-02-29T00:00:00Z":           utc(2024, 2, 29, 0, 0, 0, 0),
		"0001-01-01T00:00:00Z":           utc(1, 1, 1, 0, 0, 0, 1), // the zero time stands for none
		"9999-12-31T23:59:59Z":           utc(9999, 12, 31, 23, 59, 59, 0),
		"12027-01-01T00:00:00Z":          utc(12027, 1, 1, 0, 0, 0, 0),
		"-0001-01-01T00:00:00Z":          utc(0, 1, 1, 0, 0, 0, 0),
	} {
		if got, ok := parseInstant(text); !ok || !got.Equal(want) || got.IsZero() {
			t.Errorf("%s: got %v, %v, want the instant", text, got, ok)
		}
	}
	for _, text := range []string{
		"", "tomorrow", "2026-11-25", "12:00:00Z", "2026-11-25 12:00:00Z", "2026-11-25t12:00:00z", "26-11-25T12:00:00Z", "02026-11-25T12:00:00Z",
		"2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-02-30T00:00:00Z", "2026-11-00T00:00:00Z",
		"2026-11-25T24:00:01Z", "2026-11-25T24:00:00.1Z", "2026-11-25T25:00:00Z", "2026-11-25T12:60:00Z", "2026-12-31T23:59:60Z",
		"0000-01-01T00:00:00Z", "-0000-01-01T00:00:00Z", "2026-11-25T12:00:00.Z", "2026-11-25T12:00:00,5Z", "2026-11-25T12:00Z",
		"2026-11-25T12:00:00+14:01", "2026-11-25T12:00:00+15:00", "2026-11-25T12:00:00+05:60", "2026-11-25T12:00:00+0530", "2026-11-25T12:00:00ZZ",
		"+2026-11-25T12:00:00Z", "99999999999-01-01T00:00:00Z", "2026-11-25T12:00:00Z\n",
	} {
		if got, ok := parseInstant(text); ok {
			t.Errorf("%q: got %v, want a refusal", text, got)
		}
	}
}

func TestTheEarliestSignInCounts(t *testing.T) {
	at := time.Date(2026, 11, 25, 12, 0, 0, 123_456_700, time.UTC)
	for name, test := range map[string]struct {
		logins []login
		want   time.Time
	}{
		"one":                {[]login{{at: at}}, at.Truncate(time.Microsecond)},
		"of two the earlier": {[]login{{at: at}, {at: at.Add(-time.Hour)}, {at: at.Add(time.Hour)}}, at.Add(-time.Hour).Truncate(time.Microsecond)},
		"before computers":   {[]login{{at: at}, {at: time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)}}, time.Time{}},
		"none":               {nil, time.Time{}},
	} {
		if got := (&assertion{logins: test.logins}).signedInAt(); !got.Equal(test.want) {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}
