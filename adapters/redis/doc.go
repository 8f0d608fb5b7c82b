// Package redis keeps polling intervals and limits, and tells of ended tokens, for
// all replicas together: in Redis, Valkey, or a cluster of either.
//
// Everything here may be lost: the service starts without Redis, goes on when
// Redis goes away, and takes it up again when it is back. So a command has
// little time, and none at all while the server is known to be away.
//
// No rule lives in a script. What a script needs to know comes in its
// arguments, and each key it touches is named and shares one hash tag, so that
// a cluster can run it. Time is Redis' own, by the life of its keys. What people
// type is kept as a digest.
package redis
