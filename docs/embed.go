// Package docs holds the description of the API for the program that serves it.
package docs

import _ "embed"

// OpenAPI is the description of the API, in YAML.
//
//go:embed openapi.yaml
var OpenAPI []byte
