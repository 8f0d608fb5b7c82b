// Package application holds the use cases, one a file: `ls` is the list of what
// devicegate does. A use case gathers what a decision needs, lets an aggregate
// decide and keeps the result. In the order of a login:
//
//	StartDevice            a client begins
//	LookUpDevice           a page asks whether a typed code is one
//	InitiateSSO            the browser leaves for the identity provider
//	AcceptResponse         the identity provider's answer comes in (the ACS)
//	CompleteSSO            the browser comes back and gets an approval grant
//	CompleteSSOByAssertion the same, from a broker outside
//	FailSSO                a broker outside sends the browser back without
//	DescribeSignIn         the page asks what the person signed in for
//	EnterCode              the person types the code after the sign-in
//	DescribeApproval       the page asks what there is to decide
//	ApproveExternal        the person lets the device in
//	DenyExternal           the person turns it away
//	UndoApproval           the person takes an approval back: "that wasn't me"
//	PollDevice             the client asks, and in the end gets its token
//	RevokeUndelivered      an answer did not arrive: the token dies
//	RevokeToken            a client ends the token that it presents
//	IntrospectToken        a resource server asks what a token is
//	AuthorizeRequest       a proxy asks whether a request may reach an API
//	RefuseClosedACS        an answer comes to a callback that is switched off
//	VerifyToken            an API asks for which subject a token acts
//	StartAccountSignIn     a person signs in to manage their own devices
//	ListSessions           a person asks where they are signed in
//	EndSessions            a person ends sessions of theirs
//	ACSStatus              an operator asks how far the move of callbacks is
//	ACSInstructions        an operator asks what an identity provider has to do
//	TestACS                an operator makes a link that tries one out
//	OpenTestLink           a person opens it and leaves for the identity provider
//	DescribeTest           the page tells what came of it
//	AdvanceACS             an operator moves connections, or moves them back
//	CloseLegacyACS         an operator makes sure that the old callback can go
//	PrepareKeys            a process makes the SAML keys, or seals them anew
//	RotateKeys             an operator rotates them
//	SweepExpired           a worker deletes what has expired
//	SweepTokens            a worker ends and deletes tokens
//	SealAudit              a worker hashes the events of past days into a chain
//	ReadAudit, TailAudit   administrators read events
//	VerifyAudit            administrators check events against the chain
//
// What several use cases share is a part of its own: [Decisions], [SignIns],
// [Completions], [SignInFailures], [UserCodes], [PhishingWatch].
//
// Use cases neither log nor know HTTP. A limiter or poll throttle that cannot
// count lets every request pass: both hold only what may be lost.
package application
