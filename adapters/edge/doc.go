// Package edge is what every HTTP door of devicegate shares: who asks and from
// where, which origins are ours, which cookies a browser carries, which headers
// every answer has. The JSON routes and the pages stand on it, so that none of
// it is decided twice.
//
// Its one law: origins, links and cookie attributes come from configuration. A
// Host or X-Forwarded-* header decides nothing, but for the client's address,
// and that only behind a trusted proxy.
package edge
