// Package application holds the use cases, one a file: `ls` is the list of what
// devicegate does. A use case gathers what a decision needs, lets an aggregate
// decide and keeps the result, in the order in which one would tell it.
//
//	StartDevice      a client begins
//	LookUpDevice     a page asks whether a typed code is one
//	InitiateSSO      the browser leaves for the identity provider
//	AcceptResponse   the identity provider's answer comes in (the ACS)
//	CompleteSSO      the browser comes back and gets an approval grant
//	DescribeApproval the page asks what there is to decide
//	ApproveExternal  the person lets the device in
//	DenyExternal     the person turns it away
//	UndoApproval     and takes that back: "that wasn't me"
//	BeginVisit       a person wants to see their devices
//	ListOwnDevices   and does, once signed in
//	EndOwnDevices    and locks some of them out
//	PollDevice       the client asks, and in the end gets its token
//	WithdrawToken    an answer did not arrive: the token dies
//	VerifyToken      an API asks whom a token acts for
//	RevokeToken      a client ends the token that it presents
//	ListSessions     a person asks where they are signed in
//	RevokeSession    and ends one of them
//
// Use cases neither log nor know HTTP. A limiter or pace that cannot count
// lets everybody pass: both hold only what may be lost.
package application
