package saml

import (
	"regexp"
	"strconv"
	"time"
)

var instantForm = regexp.MustCompile(`^(-?)(\d{4,9})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?$`)

// parseInstant reads an xs:dateTime (XML Schema part 2 §3.2.7) as UTC where it
// names no zone (SAML core §1.3.3). time.Parse differs: xs:dateTime allows 24:00:00 for
// the next midnight and years of more digits or before the first, and knows no
// leap seconds.
func parseInstant(text string) (time.Time, bool) {
	m := instantForm.FindStringSubmatch(text)
	if m == nil || len(m[2]) > 4 && m[2][0] == '0' {
		return time.Time{}, false
	}
	n := func(digits string) int {
		number, _ := strconv.Atoi(digits) // the form bounds it
		return number
	}
	year, month, day, hour, minute, second := n(m[2]), n(m[3]), n(m[4]), n(m[5]), n(m[6]), n(m[7])
	fraction := n((m[8] + "000000000")[:9])
	if m[1] != "" {
		year = 1 - year // there is no year 0; time counts 1 BC as 0
	}
	midnight := hour == 24 && minute == 0 && second == 0 && n(m[8]) == 0
	if n(m[2]) == 0 || hour > 23 && !midnight || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	date := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if date.Month() != time.Month(month) || date.Day() != day {
		return time.Time{}, false
	}
	offset, ok := zone(m[9])
	if !ok {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, fraction, time.UTC).Add(-offset)
	if t.IsZero() { // the zero time means that there is none
		t = t.Add(1)
	}
	return t, true
}

// zone reads an offset of at most fourteen hours.
func zone(text string) (time.Duration, bool) {
	if text == "" || text == "Z" {
		return 0, true
	}
	hours, _ := strconv.Atoi(text[1:3])
	minutes, _ := strconv.Atoi(text[4:6])
	offset := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if text[0] == '-' {
		offset = -offset
	}
	return offset, minutes <= 59 && offset.Abs() <= 14*time.Hour
}
