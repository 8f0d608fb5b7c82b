// Package description turns the OpenAPI description of an API into JSON, and into
// a page that people read.
package description

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Documents are what is served of one description.
type Documents struct {
	JSON []byte
	Page []byte
	// Policy is the content policy of the page: it loads nothing and runs nothing.
	Policy string
}

// Make reads a description in YAML. server replaces its servers.
func Make(text []byte, server string) (Documents, error) {
	var all map[string]any
	if err := yaml.Unmarshal(text, &all); err != nil {
		return Documents{}, fmt.Errorf("read the description: %w", err)
	}
	all["servers"] = []map[string]string{{"url": server}}
	asJSON, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return Documents{}, fmt.Errorf("encode the description: %w", err)
	}
	var doc document
	if err := json.Unmarshal(asJSON, &doc); err != nil {
		return Documents{}, fmt.Errorf("read the description: %w", err)
	}
	var page bytes.Buffer
	if err := pageTemplate.Execute(&page, doc.view(server)); err != nil {
		return Documents{}, fmt.Errorf("write the page: %w", err)
	}
	hash := sha256.Sum256([]byte(style))
	policy := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	return Documents{append(asJSON, '\n'), page.Bytes(), policy}, nil
}

// document is what the page shows of a description.
type document struct {
	Info struct{ Title, Description string }
	Tags []struct{ Name, Description string }

	Paths      map[string]map[string]json.RawMessage
	Components struct {
		Responses map[string]response
		Schemas   map[string]json.RawMessage
	}
}

type operation struct {
	Tags                 []string
	Summary, Description string
	Deprecated           bool
	Parameters           []struct {
		Name, In, Description string
		Required              bool
	}
	RequestBody struct{ Content content } `json:"requestBody"`
	Responses   map[string]response
}

type response struct {
	Ref         string `json:"$ref"`
	Description string
	Content     content
}

// content is the schema of a body by its media type.
type content map[string]struct{ Schema json.RawMessage }

// view is a document as the template takes it.
type view struct {
	Title, Description, Server string
	Style                      template.CSS
	Groups                     []group
	Schemas                    []namedSchema
}

type group struct {
	Name, Description string
	Operations        []describedOperation
}

type describedOperation struct {
	Method, Path string
	operation
	Bodies    []body
	Responses []describedResponse
}

type describedResponse struct {
	Status, Description string
	Bodies              []body
}

type body struct {
	Media  string
	Name   string // of a schema with a name
	Schema string // of one without
}

type namedSchema struct{ Name, Text string }

// methods are those that a path may have, in the order in which they are shown.
var methods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

func (d document) view(server string) view {
	v := view{Title: d.Info.Title, Description: d.Info.Description, Server: server, Style: style}
	for _, tag := range d.Tags {
		v.Groups = append(v.Groups, group{Name: tag.Name, Description: tag.Description})
	}
	for _, path := range sorted(d.Paths) {
		for _, method := range methods {
			raw, there := d.Paths[path][strings.ToLower(method)]
			if !there {
				continue
			}
			var o operation
			_ = json.Unmarshal(raw, &o) // the test of the description reads all of them
			described := describedOperation{Method: method, Path: path, operation: o, Bodies: bodies(o.RequestBody.Content), Responses: d.responses(o)}
			for i := range v.Groups {
				if slices.Contains(o.Tags, v.Groups[i].Name) {
					v.Groups[i].Operations = append(v.Groups[i].Operations, described)
				}
			}
		}
	}
	for _, name := range sorted(d.Components.Schemas) {
		v.Schemas = append(v.Schemas, namedSchema{name, indented(d.Components.Schemas[name])})
	}
	return v
}

func (d document) responses(o operation) (out []describedResponse) {
	for _, status := range sorted(o.Responses) {
		r := o.Responses[status]
		if name, is := strings.CutPrefix(r.Ref, "#/components/responses/"); is {
			r = d.Components.Responses[name]
		}
		out = append(out, describedResponse{status, r.Description, bodies(r.Content)})
	}
	return out
}

func bodies(of content) (out []body) {
	for _, media := range sorted(of) {
		var ref struct {
			Ref string `json:"$ref"`
		}
		_ = json.Unmarshal(of[media].Schema, &ref)
		b := body{Media: media}
		var named bool
		if b.Name, named = strings.CutPrefix(ref.Ref, "#/components/schemas/"); !named {
			b.Name, b.Schema = "", indented(of[media].Schema)
		}
		out = append(out, b)
	}
	return out
}

func indented(raw json.RawMessage) string {
	var out bytes.Buffer
	_ = json.Indent(&out, raw, "", "  ")
	return out.String()
}

func sorted[V any](of map[string]V) []string {
	var names []string
	for name := range of {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
