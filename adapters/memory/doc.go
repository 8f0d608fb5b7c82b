// Package memory keeps polling intervals, limits and cached tokens for one
// process: for the embedded service, and for deployments that run without Redis.
// Several replicas each keep their own, so limits are then per replica.
//
// Whatever is sent, memory stays bounded: what has expired is swept, and at
// capacity something arbitrary is forgotten, which the ports allow.
package memory
