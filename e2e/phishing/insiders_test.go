package phishing

import "testing"

// In some companies each machine has an address of its own, of which the service
// sees the last part.
const (
	ownAddress  = "10.20.30.9"       // the insider's
	otherOwn    = "10.20.30.%d"      // two of the insider's, in turns
	deskOf      = "10.20.30.%d"      // of one person
	ownAddress6 = "2001:db8:20:9::9" // the insider's
	deskOf6     = "2001:db8:20:%x::1"
)

func atDesk(i int) string { return network(deskOf, 10+i%200) }

func atDesk6(i int) string { return network(deskOf6, 0x100+i) }

// insiders are attackers within the company's network.
var insiders = []campaign{
	{name: "an insider at an address of their own", lure: spoken, from: always(ownAddress), at: atDesk, insider: true},
	{name: "the same, a fresh code on each click", lure: click, from: always(ownAddress), at: atDesk, insider: true},
	{name: "the same, relayed in real time", lure: relay, from: always(ownAddress), at: atDesk, insider: true},
	{name: "the same, over IPv6", lure: mail, from: always(ownAddress6), at: atDesk6, insider: true},
	{name: "the same, devices called as the victims' own", lure: spoken, from: always(ownAddress), at: atDesk, label: func(i int) string { return network("own-%d", i) }, ready: ownDesks(8), insider: true},
	{name: "the same, one victim a day", lure: spoken, from: always(ownAddress), at: atDesk, gap: everyDay, insider: true},
	{name: "the same, and one victim in three reports", lure: spoken, from: always(ownAddress), at: atDesk, careful: true, insider: true},
	{name: "the same, with two addresses in turns", lure: spoken, from: func(i int) string { return network(otherOwn, 8+i%2) }, at: atDesk, insider: true, by: 5},
	{name: "an insider behind the victims' address, one device name", lure: spoken, from: always(office), label: func(int) string { return "WIN-7F3K2" }, insider: true},
	{name: "the same, devices without names", lure: click, from: always(office), insider: true},
	{name: "the same, one device name, one victim a day", lure: spoken, from: always(office), label: func(int) string { return "WIN-7F3K2" }, gap: everyDay, insider: true},
	{name: "the same, a name for each device", lure: spoken, from: always(office), label: func(i int) string { return network("laptop-%d", 7000+i*37) }, insider: true, by: never},
	{name: "the same, devices called as the victims' own there", lure: spoken, from: always(office), label: func(i int) string { return network("own-%d", i) }, ready: ownDevicesAt(8, func(int) string { return office }), insider: true, by: never},
}

// ownDesks has the victims connect devices at their desks, the day before.
func ownDesks(people int) func(*service) { return ownDevicesAt(people, atDesk) }

// TestInsiders plays them against the default and, with -whole, against every preset.
func TestInsiders(t *testing.T) {
	against, many, each := []string{"default"}, 4, 0
	if *whole {
		against, many, each = presets, *victims, *honest
	}
	for _, preset := range against {
		playAll(t, preset, insiders, many, each)
	}
}
