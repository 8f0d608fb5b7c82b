// Package files serves what operators configure in files: the connections file,
// the metadata that it names, and the SAML service provider's keys.
//
// Files are read again when they change, checked first, and taken up as a whole.
// Files that cannot be right change nothing; the log and a metric report them.
//
// Files are compared by their contents every few seconds instead of being
// watched (docs/decisions/0011-files-are-polled.md).
package files
