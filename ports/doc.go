// Package ports says what the use cases need from outside, one file per need: the
// store, with an interface for each aggregate ([Tx], [Reader]), what is configured
// ([Connections], [Clients], [Policies] …), and what is counted, cached, sent and
// asked elsewhere.
//
// These are outgoing interfaces only; HTTP, which comes in, is an adapter. Each
// comment is a promise, and package porttest holds every adapter to it.
package ports
