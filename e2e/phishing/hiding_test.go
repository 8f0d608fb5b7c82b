package phishing

import (
	"testing"
	"time"
)

// hiding are campaigns that know what is noticed, and try to stay below it.
var hiding = []campaign{
	{name: "two networks in turns", lure: click, from: func(i int) string { return network(many, i%2) }},
	{name: "a hundred addresses, and a client for each device", lure: click, from: hundred, client: func(i int) string { return tools[i%len(tools)] }},
	{name: "one victim a day, from one network", lure: click, from: always(abroad), gap: everyDay},
	{name: "one a day for four days, then all at once", lure: click, from: always(abroad), gap: firstSlowly},
	{name: "in a telephone network that staff use, too", lure: click, from: always(network(mobile, 5)), at: inOffice, ready: near(network(mobile, 9), 6)},
	{name: "in the networks of colleagues' homes", lure: click, from: beside(60), ready: nearHomes(60, 8)},
	{name: "beside honest build runners, and one in three reports", lure: spoken, from: always(network(buildFarm, 9)), label: func(int) string { return "runner" }, careful: true, within: true},
	{name: "IPv6 for the device, IPv4 for the victims", lure: click, from: always(abroad6)},
	{name: "each second victim denies", lure: mail, from: always(abroad), press: everySecond("deny")},
	{name: "polls late, from another network", lure: click, from: always(abroad), late: true},
	{name: "next door to each victim", lure: click, from: beside(0), at: func(i int) string { return network(homeOf, i%200) }, insider: true, by: never},
	{name: "one victim a day, a network for each", lure: click, from: hundred, gap: everyDay, by: never},
	{name: "devices called as the victims' own", lure: click, from: hundred, label: func(i int) string { return network("own-%d", i) }, ready: ownDevices(8), by: never},
}

// tools are clients of the company.
var tools = []string{"difyctl", "acme-cli", "acme-build"}

func inOffice(int) string { return office }

func everyDay(int) time.Duration { return 24 * time.Hour }

func firstSlowly(i int) time.Duration {
	if i < 4 {
		return 25 * time.Hour
	}
	return 0
}

func everySecond(press string) func(int) string {
	return func(i int) string {
		if i%2 == 0 {
			return press
		}
		return "approve"
	}
}

// beside is an address in the network of each home, from the given one on.
func beside(first int) func(int) string {
	return func(i int) string { return network("198.18.%d.99", (first+i)%200) }
}

// near has people approve at an address where their devices are, the day before.
func near(address string, people int) func(*service) {
	return func(s *service) {
		for i := range people {
			s.play(user(staffSize()-1-i), trip{address, address, desktop, "", ""})
		}
		s.skip(30 * time.Hour)
	}
}

// nearHomes has people approve at home, the day before.
func nearHomes(first, people int) func(*service) {
	return func(s *service) {
		for i := range people {
			home := network(homeOf, first+i)
			s.play(user(staffSize()-1-i), trip{home, home, desktop, "", ""})
		}
		s.skip(30 * time.Hour)
	}
}

// ownDevices has the victims connect devices of their own, the day before.
func ownDevices(people int) func(*service) {
	return ownDevicesAt(people, func(i int) string { return network(homeOf, i) })
}

// ownDevicesAt has them do so at the given addresses.
func ownDevicesAt(people int, address func(i int) string) func(*service) {
	return func(s *service) {
		for i := range people {
			s.play(user(i), trip{address(i), address(i), desktop, network("own-%d", i), ""})
		}
		s.skip(30 * time.Hour)
	}
}

// TestCampaignsThatHide plays them against the default and, with -whole, against
// every preset.
func TestCampaignsThatHide(t *testing.T) {
	against, many, each := []string{"default"}, 4, 0
	if *whole {
		against, many, each = presets, *victims, *honest
	}
	for _, preset := range against {
		playAll(t, preset, hiding, many, each)
	}
}
