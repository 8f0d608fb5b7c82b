// Package deviceclient is a client of the OAuth device flow (RFC 8628): what a
// command-line tool needs to sign a person in, keep the token and end it.
//
//	server, _ := deviceclient.ParseServer("https://sso.example.com")
//	c := deviceclient.New(server, "my-tool")
//	a, _ := c.Start(ctx, deviceclient.Login{Label: "laptop of ada"})
//	fmt.Println("open", a.VerificationURI, "and enter", a.UserCode)
//	token, err := c.Poll(ctx, a) // ErrDenied, ErrExpired, the context's error, …
//
// The first call reads the server's metadata (RFC 8414). A server that
// announces a device authorization endpoint is spoken to as the RFCs say; any
// other is taken for one with the routes of Dify's API under /openapi/v1.
//
// The package knows nothing of devicegate's own code: it depends on the wire
// alone, and works against any server that keeps to it.
package deviceclient
