// Package httpapi serves the JSON routes: the canonical mount /openapi/v1, its
// legacy alias /v1 and the standard OAuth mount /oauth2. All of them call the
// same endpoints; they differ in paths, in headers and in how a failure is
// worded.
//
//	endpoint      parses, calls one use case, answers; or returns an error
//	errorWriter   words the error
//	router        joins paths, endpoints and the writer of their errors
//
// Every answer below the canonical and the legacy prefix forbids framing, be it
// a success, a refusal, a 404, a 405 or a recovered panic.
package httpapi
