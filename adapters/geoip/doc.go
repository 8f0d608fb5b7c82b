// Package geoip tells where addresses are used, from files in MaxMind's DB format
// (MMDB) on this machine. No address leaves the process.
//
// Files are read into memory, so that one that is truncated or replaced while we
// run harms nothing. Their sizes and times are compared every few seconds; a file
// that has changed is verified as a whole before it is served, and one that
// cannot be right changes nothing.
package geoip
