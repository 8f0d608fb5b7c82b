// Package clientcmd is the commands of people who sign in, not of those who
// operate a server: login, logout, whoami, sessions, token, and conformance, which checks a
// server. Each is a few lines around adapters/deviceclient or
// adapters/conformance. What scripts read goes to standard output; what
// people read while they wait goes to standard error.
//
// Exit codes: 0 done, 1 failure, 2 wrong command line, 3 denied, 4 expired,
// 5 not signed in, 130 interrupted.
package clientcmd

// Commands are added to those of the program.
type Commands struct {
	Login    loginCommand    `cmd:"" group:"Sign in" help:"Sign in to a server with a device login and keep the token."`
	Logout   logoutCommand   `cmd:"" group:"Sign in" help:"Revoke the token and forget it."`
	Whoami   whoamiCommand   `cmd:"" group:"Sign in" help:"Say whom the token acts for."`
	Sessions sessionsCommand `cmd:"" group:"Sign in" help:"List the devices that are signed in as you, or end one."`
	Token    tokenCommand    `cmd:"" group:"Sign in" help:"Print the token, for example for curl."`

	Conformance conformanceCommand `cmd:"" group:"Check" help:"Check a server against the RFCs of the device flow and devicegate's contract."`
}
