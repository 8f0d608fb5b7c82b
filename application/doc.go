// Package application holds the use cases, one a file: `ls` is the list of what
// devicegate does. A use case gathers what a decision needs, lets an aggregate
// decide and keeps the result. In the order of a login:
//
//	StartDevice            a client begins
//	LookUpDevice           a page asks whether a typed code is one
//	InitiateSSO            the browser leaves for the identity provider
//	AcceptResponse         the identity provider's answer comes in (the ACS)
//	RefuseClosedACS        an answer comes to a callback that is switched off
//	CompleteSSO            the browser comes back and gets an approval grant
//	CompleteSSOByAssertion the same, from a broker outside
//	FailSSO                a broker outside sends the browser back without
//	DescribeSignIn         the page asks what the person signed in for
//	EnterCode              the person types the code after the sign-in
//	DescribeApproval       the page asks what there is to decide
//	RecallDevices          the page asks what is new about the device
//	ApproveExternal        the person lets the device in
//	DenyExternal           the person turns it away
//	DescribeDecision       the page asks what came of the decision
//	UndoApproval           the person takes an approval back: "that wasn't me"
//	PollDevice             the client asks, and in the end gets its token
//	RevokeUndelivered      an answer did not arrive: its token ends
//
// With a token, and for a person's own devices:
//
//	VerifyToken            an API asks for which subject a token acts
//	IntrospectToken        a resource server asks what a token is
//	AuthorizeRequest       a proxy asks whether a request may reach an API
//	RevokeToken            a client ends the token that it presents
//	StartAccountSignIn     a person signs in to manage their own devices
//	ListSessions           a person asks where they are signed in
//	EndSessions            a person ends sessions of theirs
//	LeaveBrowser           a person signs out of a shared browser
//
// For administrators:
//
//	ListTokens, ShowToken, RevokeTokens, EndToken
//	ListClients, ConfigureClient
//	ListConnections, AddConnection, EditConnection, RemoveConnection
//	ApplyConnections       the store gets the connections that a file lists
//	TestConnection         a connection is checked without a sign-in
//	ShadowConnection       a change is tried on live sign-ins
//	ExplainResponse        why was a response refused?
//	ACSStatus              how far is the move of callbacks?
//	ACSInstructions        what does an identity provider have to do?
//	TestACS                a link is made that tries the new callback
//	OpenTestLink           a person opens it and leaves for the identity provider
//	DescribeTest           the page asks what came of it
//	AdvanceACS             connections are moved, or moved back
//	CloseLegacyACS         can the old callback be switched off?
//	RotateKeys             the SAML keys are rotated
//	ListIncidents, ShowIncident, ContainIncident, ReleaseIncident
//	ReadAudit, TailAudit   events are read
//	VerifyAudit            events are checked against the chain
//	ListDeliveries         how do deliveries of events go?
//	ReplayAudit            events are delivered once more
//	ListJobs, RetryJob     the background work
//
// In the background:
//
//	PrepareKeys            makes the SAML keys, or seals them anew
//	RefreshMetadata        fetches metadata of identity providers
//	CompareShadows         judges live responses by changes that are tried
//	SendNotice             sends a mail that a transaction has ordered
//	SweepExpired           deletes what has expired
//	SweepTokens            ends and deletes tokens
//	SealAudit              hashes the events of past days into a chain
//	SweepAudit             removes events that retention lets go
//	DeliverAudit           hands events to sinks
//
// What several use cases share is a part of its own: [ACSMounts], [ApprovalJudge],
// [Completions], [ConnectionChecks], [Decisions], [HoldChecks], [Notices],
// [PhishingWatch], [SignInFailures], [SignIns], [UserCodes]. [InvalidatingStore] stands before the
// store of every process.
//
// Use cases neither log nor know HTTP. A limiter or poll throttle that cannot
// count lets every request pass: both hold only what may be lost.
package application
