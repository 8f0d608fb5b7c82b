// Package phishing attacks a running service as campaigns of device code phishing
// do (RFC 8628 §5.4, RFC 10027), while honest people log in: real HTTP, a real SAML
// identity provider, SQLite, on loopback only. Its victims do whatever the attacker
// says: they type codes, sign in again and click through every warning. What they
// cannot do is to change the network that they are in.
//
//	task phishing                       all campaigns against all presets, with the tables
//	task phishing -- -victims 30        longer campaigns
//	task phishing -- -run /strict/      one preset
//	task phishing -- -past 24           after a day of honest logins; each is of another person
//	task phishing -- -past 36 -again    most people of the second day are those of the first
//
// Without -whole, `go test` plays a short version and checks what came of it. No
// test looks at a duration: the clock of the service is moved.
//
// # How a campaign goes
//
// One victim follows another, a minute apart; between them honest people log in.
// After each victim the attacker polls for every code that is still open, and goes
// on after the last victim until all codes have expired. Five minutes after an
// incident was noticed, and every five minutes from then on, an operator contains
// those that the attacker is part of; where others are, too, what the people
// approved who say that they started no device. The campaign goes on meanwhile.
//
// # How to read the tables
//
//	victims    people that followed the attacker's instructions to the end
//	noticed    how many of them had when the first incident was noticed
//	tokens     tokens that the attacker got in all
//	alive      those of them that work when all codes have expired
//	asked      people whom the operator had to ask
//
//	refused    honest logins without a token in the end
//	one more step  honest logins that took more than with the preset parity: to type
//	           the code with the decision, to sign in again, to open the page in the
//	           device's own network, or to wait for the token
//	ended      honest tokens that no longer work in the end
package phishing
