package connection_test

import (
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/connection"
)

func TestExpiryIsWarnedOfInSteps(t *testing.T) {
	at, day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 24*time.Hour
	for left, want := range map[time.Duration]int{
		91 * day: -1, 90 * day: 90, 31 * day: 90, 30 * day: 30, 8 * day: 30, 7 * day: 7, 25 * time.Hour: 7,
		day: 1, time.Second: 1, 0: 0, -time.Hour: 0,
	} {
		got, ok := connection.ExpiryAt(at.Add(left), 0, at)
		if ok != (want >= 0) || ok && (got.Days != want || got.Reminded() != (want <= 30)) {
			t.Errorf("%s left: got %+v, %t, want %d", left, got, ok, want)
		}
	}
	if got, ok := connection.ExpiryAt(at.Add(13*day), 14*day, at); ok {
		t.Errorf("published for two weeks: got %+v, want no warning after a day", got)
	}
	if got, ok := connection.ExpiryAt(at.Add(6*day), 14*day, at); !ok || got.Days != 7 {
		t.Errorf("published for two weeks: got %+v, want a warning when 7 days are left", got)
	}
	if got, ok := connection.ExpiryAt(time.Time{}, 0, at); ok {
		t.Errorf("without an end: got %+v, want no warning", got)
	}
}
