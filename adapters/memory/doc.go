// Package memory keeps pace and counts for one process: for the embedded
// service, and for deployments that run without Redis. Several replicas each
// keep their own, so limits are then per replica.
//
// Its law: whatever is sent, memory stays bounded. What has expired is
// swept, and at capacity something arbitrary is forgotten, which the ports allow.
package memory
