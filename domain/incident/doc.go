// Package incident notices phishing by device codes (RFC 8628 §5.4), and models
// what is done about it.
//
// An attacker starts logins and has other people approve them. Each sign-in for a
// code and each decision leaves an [Observation]. What several codes have in common
// is their [Source]: the network of the device or, because networks are changed
// easily, devices that call themselves alike or, because names are, only that people
// elsewhere connect them for the first time. Behind one address it is the name alone.
// [Rules.Assess] weighs what was observed of one source:
//
//   - a person in another network than the device is a suspect case; of the address
//     of a device, so is a person in its network at an address of their own;
//   - people at home at the source are none: they approved a device of it from its
//     own network, or longer ago than the window. They raise the threshold, too;
//   - "I did not ask for this" is a report;
//   - what a stranger can cause weighs as much as one person, which holds nothing.
//
// From the threshold on there is an [Incident], and its source is held:
//
//	         Notice             Release
//	nothing ────────▶ held ──────────────▶ released
//	                  │  ▲
//	          Contain ▼  │ Extend
//	               contained
//
// Held means one more step for people in other networks (of an [Address]: at other
// addresses), and that redemptions wait, if the source is more than a likeness
// ([Rules.MayRedeem]). A person in the device's own network is never hindered by what is
// observed of the network, nor a person at the device's own address by anything but a
// containment. So an office behind one address cannot be locked out, whatever is observed
// of it: devices of one name there ([DevicesAtAddress]) are noticed, and held only once an
// administrator contains all of them.
package incident
