package webui

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/devicegate/devicegate/domain/setting"
)

// Config is what an operator may say about the pages. All of it is optional.
type Config struct {
	Brand      Brand
	SupportURL string // https: or mailto:
}

// Brand is whose page it is.
type Brand struct {
	Name  string // empty: devicegate
	Logo  []byte // SVG, PNG, WebP or JPEG; empty: none
	Color string // #rrggbb; empty: a calm blue
}

const (
	brandNameMax = 40
	logoMax      = 24 << 10 // the whole page has to stay small
	supportMax   = 500
)

// Check lists everything that is wrong with the configuration; each
// [setting.Problem] names a field of it or of [Brand].
func (c Config) Check() error {
	var errs []error
	wrong := func(field, format string, args ...any) { errs = append(errs, setting.Wrong(field, format, args...)) }
	if name := c.Brand.Name; utf8.RuneCountInString(name) > brandNameMax || !utf8.ValidString(name) || strings.ContainsFunc(name, unprintable) {
		wrong("Name", "at most %d characters, none of them invisible", brandNameMax)
	}
	if n := len(c.Brand.Logo); n > logoMax {
		wrong("Logo", "%d bytes; at most %d", n, logoMax)
	}
	if len(c.Brand.Logo) > 0 && logoType(c.Brand.Logo) == "" {
		wrong("Logo", "must be SVG, PNG, WebP or JPEG")
	}
	if c.Brand.Color != "" {
		if accent, err := parseColor(c.Brand.Color); err != nil {
			wrong("Color", "%q: %v", c.Brand.Color, err)
		} else if err := accent.readable(); err != nil {
			wrong("Color", "%s: %v", c.Brand.Color, err)
		}
	}
	if c.SupportURL != "" && !supportLink(c.SupportURL) {
		wrong("SupportURL", "must be an https: or mailto: link of at most %d characters", supportMax)
	}
	return errors.Join(errs...)
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

func supportLink(text string) bool {
	u, err := url.Parse(text)
	if err != nil || len(text) > supportMax {
		return false
	}
	return u.Scheme == "https" && u.Host != "" || u.Scheme == "mailto" && u.Opaque != ""
}

// logoType is the media type of a picture, or empty for anything else.
func logoType(picture []byte) string {
	switch t := http.DetectContentType(picture); t {
	case "image/png", "image/webp", "image/jpeg":
		return t
	}
	head := picture[:min(len(picture), 1024)]
	if utf8.Valid(picture) && bytes.Contains(head, []byte("<svg")) {
		return "image/svg+xml"
	}
	return ""
}
