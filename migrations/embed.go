// Package migrations holds the schema, one file for each step and engine.
//
// The files are goose's: numbered, each with an Up and a Down half, each run
// in one transaction unless it says otherwise. The last release still has to
// work after a new file has been applied, so add first and remove one release
// later; docs/contributing.md has the rules.
//
// The token table belongs to the wire contract: another service that shares
// the database reads it, and may have created it. So it is only made where it
// is missing, never changed, and never dropped. What else we want to know of a
// token goes into a table of ours.
package migrations

import "embed"

// Files holds the directories postgres and sqlite.
//
//go:embed postgres/*.sql sqlite/*.sql
var Files embed.FS
