package httpapi

import (
	"testing"
	"time"
)

func TestTimesHaveTheDigitsThatTheirReadersExpect(t *testing.T) { // F20, F33
	tenth := time.Date(2026, 11, 25, 13, 0, 0, 100_000_000, time.FixedZone("", 3600))
	if got, want := tenth.UTC().Format(offsetTime), "2026-11-25T12:00:00.100000+00:00"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := zuluTime(tenth), "2026-11-25T12:00:00Z"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
