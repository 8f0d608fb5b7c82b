// Package policy says what an approval costs, and which terms a request gets.
//
// A [Policy] is a preset, refined by rules and settings of the operator. Rules
// judge the [Circumstances] of one approval:
//
//	warn < type < reauthenticate < refuse
//
// Of the rules that match, the strictest decides. What the others demand is
// demanded as well, so that a further rule never makes an approval easier.
// Settings are narrowed by rules for a client or a connection, in the same way:
// [Policy.Limits] has the strictest of all values that apply.
//
// A policy decides nothing about denials: denying is always possible.
package policy
