// Package tracing makes the spans of devicegate and sends them by OTLP
// (https://opentelemetry.io/docs/specs/otlp). The other adapters share it.
//
// No secret stands in a span. An attribute is a name that our code
// or an operator chose (a route pattern, a table, a connection), a number, or a
// code; never a URL, a statement, a header, or the text of an error.
//
// Without a place to send spans to, every [*Tracer] is nil, and its methods
// do nothing and allocate nothing.
package tracing
