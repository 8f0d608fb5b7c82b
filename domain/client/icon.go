package client

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// IconMax is the most bytes of an icon: it comes with a page that has to stay
// small.
const IconMax = 24 << 10

// Icon is a picture of a client that runs nothing and loads nothing.
type Icon struct{ mediaType, content string }

// pictures are the media types of icons, and how their files begin.
var pictures = []struct{ mediaType, begins, extension string }{
	{"image/png", "\x89PNG\r\n\x1a\n", ".png"},
	{"image/jpeg", "\xff\xd8\xff", ".jpg"},
	{"image/webp", "RIFF", ".webp"},
}

const svg = "image/svg+xml"

// ParseIcon takes a PNG, JPEG, WebP or SVG file. An SVG file may hold shapes and
// colours alone: no script, no style sheet, no reference to elsewhere.
func ParseIcon(content []byte) (Icon, error) {
	if len(content) > IconMax {
		return Icon{}, fmt.Errorf("has %d bytes; at most %d", len(content), IconMax)
	}
	for _, p := range pictures {
		if bytes.HasPrefix(content, []byte(p.begins)) && (p.mediaType != "image/webp" || len(content) > 12 && string(content[8:12]) == "WEBP") {
			return Icon{p.mediaType, string(content)}, nil
		}
	}
	if err := checkSVG(content); err != nil {
		return Icon{}, err
	}
	return Icon{svg, string(content)}, nil
}

// IsZero reports whether there is no icon.
func (i Icon) IsZero() bool { return i.content == "" }

// MediaType is what the picture is served as.
func (i Icon) MediaType() string { return i.mediaType }

// Bytes are the file.
func (i Icon) Bytes() []byte { return []byte(i.content) }

// FileName is a name that changes with the picture, so that browsers may cache it.
func (i Icon) FileName() string {
	extension := ".svg"
	for _, p := range pictures {
		if p.mediaType == i.mediaType {
			extension = p.extension
		}
	}
	sum := sha256.Sum256([]byte(i.content))
	return "client-" + hex.EncodeToString(sum[:6]) + extension
}

var errNoPicture = errors.New("use a PNG, JPEG, WebP or SVG file")

// shapes are the elements of an SVG file that draw and do nothing else.
var shapes = []string{
	"svg", "g", "defs", "title", "desc", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon",
	"linearGradient", "radialGradient", "stop", "clipPath", "mask", "use", "symbol",
}

func checkSVG(content []byte) error {
	d := xml.NewDecoder(bytes.NewReader(content))
	for elements := 0; ; {
		next, err := d.Token()
		if errors.Is(err, io.EOF) && elements > 0 {
			return nil
		}
		if err != nil {
			return errNoPicture
		}
		switch t := next.(type) {
		case xml.StartElement:
			if elements++; elements == 1 && t.Name.Local != "svg" {
				return errNoPicture
			}
			if err := checkShape(t); err != nil {
				return err
			}
		case xml.Directive:
			return errors.New("SVG: a document type is not allowed")
		case xml.ProcInst:
			if t.Target != "xml" {
				return fmt.Errorf("SVG: the instruction %q is not allowed", shortened(t.Target))
			}
		}
	}
}

func checkShape(e xml.StartElement) error {
	if !slices.Contains(shapes, e.Name.Local) || e.Name.Space != "" && e.Name.Space != "http://www.w3.org/2000/svg" {
		return fmt.Errorf("SVG: the element %q is not allowed; use shapes and colours alone", shortened(e.Name.Local))
	}
	for _, a := range e.Attr {
		name, value := strings.ToLower(a.Name.Local), strings.ToLower(a.Value)
		switch {
		case strings.HasPrefix(name, "on"):
			return fmt.Errorf("SVG: %s is a script", shortened(a.Name.Local))
		case name == "style":
			return errors.New("SVG: style is not allowed; use attributes")
		case (name == "href" || name == "src") && !strings.HasPrefix(value, "#"),
			strings.Count(value, "url") != strings.Count(value, "url(#"), strings.Contains(value, "\\"):
			return fmt.Errorf("SVG: %s loads something from elsewhere", shortened(a.Name.Local))
		}
	}
	return nil
}
