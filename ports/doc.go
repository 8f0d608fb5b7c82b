// Package ports says what the use cases need from outside, one file per need.
//
// These are outgoing interfaces only; HTTP, which comes in, is an adapter. Each
// comment is a promise, and package porttest holds every adapter to it.
package ports
