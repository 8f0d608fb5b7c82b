// Package httpserver holds what the JSON routes and the pages share: public
// addresses, cookies, the address of the client, request ids, the security
// headers, the protection against cross-origin requests, the recovery of panics
// and the status of each kind of refusal. Both adapters import it, so that each
// of these is decided once.
//
// Origins, links and cookie attributes come from configuration. A
// Host or X-Forwarded-* header decides nothing, except for the client's address,
// and that only behind a trusted proxy.
package httpserver
