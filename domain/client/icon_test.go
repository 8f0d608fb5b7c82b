package client_test

import (
	"strings"
	"testing"

	"github.com/devicegate/devicegate/domain/client"
)

const circle = `<circle cx="5" cy="5" r="4" fill="url(#g)"/>`

func TestPicturesAreTaken(t *testing.T) {
	for name, c := range map[string]struct{ content, mediaType, extension string }{
		"PNG":  {"\x89PNG\r\n\x1a\n\x00", "image/png", ".png"},
		"JPEG": {"\xff\xd8\xff\xe0", "image/jpeg", ".jpg"},
		"WebP": {"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp", ".webp"},
		"SVG":  {`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><!-- c -->` + circle + `</svg>`, "image/svg+xml", ".svg"},
	} {
		icon, err := client.ParseIcon([]byte(c.content))
		if err != nil || icon.MediaType() != c.mediaType || !strings.HasSuffix(icon.FileName(), c.extension) || string(icon.Bytes()) != c.content {
			t.Errorf("%s: got %s, %s, %v, want %s, %s", name, icon.MediaType(), icon.FileName(), err, c.mediaType, c.extension)
		}
	}
}

func TestAnIconRunsAndLoadsNothing(t *testing.T) {
	svg := func(inside string) string {
		return `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">` + inside + `</svg>`
	}
	for name, content := range map[string]string{
		"nothing":                 "",
		"text":                    "hello",
		"HTML":                    "<html><script>alert(1)</script></html>",
		"half an SVG":             "<svg><g>",
		"a script":                svg(`<script>alert(1)</script>`),
		"a script's own prefix":   svg(`<x:script xmlns:x="http://www.w3.org/2000/svg">alert(1)</x:script>`),
		"an HTML element":         svg(`<foreignObject><body/></foreignObject>`),
		"an element of XHTML":     svg(`<g xmlns="http://www.w3.org/1999/xhtml"/>`),
		"an event":                svg(`<g onload="alert(1)"/>`),
		"an event on the root":    `<svg xmlns="http://www.w3.org/2000/svg" ONLOAD="alert(1)"/>`,
		"a link":                  svg(`<a href="javascript:alert(1)"/>`),
		"a reference":             svg(`<use xlink:href="https://evil.example/x.svg#a"/>`),
		"a picture":               svg(`<image href="data:image/png;base64,AA"/>`),
		"an animation":            svg(`<animate attributeName="href" to="javascript:alert(1)"/>`),
		"a style sheet":           svg(`<style>@import "https://evil.example"</style>`),
		"a style":                 svg(`<g style="background:url(https://evil.example)"/>`),
		"a fill from elsewhere":   svg(`<g fill="url( https://evil.example )"/>`),
		"two fills":               svg(`<g fill="url(#a) url(https://evil.example)"/>`),
		"an escaped fill":         svg(`<g fill="u\72l(https://evil.example)"/>`),
		"a document type":         `<!DOCTYPE svg [<!ENTITY a "b">]>` + svg(""),
		"an instruction":          `<?xml-stylesheet href="https://evil.example"?>` + svg(""),
		"25 kB":                   svg(strings.Repeat(" ", 25<<10)),
		"a PNG of 25 kB":          "\x89PNG\r\n\x1a\n" + strings.Repeat("x", 25<<10),
		"RIFF that is no picture": "RIFF\x00\x00\x00\x00WAVEfmt ",
	} {
		if icon, err := client.ParseIcon([]byte(content)); err == nil || !icon.IsZero() {
			t.Errorf("%s: got it taken, want an error", name)
		}
	}
}
