package webui

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
)

//go:embed assets
var assetFiles embed.FS

// asset is a file whose name changes with its content, so that browsers may
// keep it for ever.
type asset struct {
	name, mediaType string
	content         []byte
}

type assets map[string]asset // by name

// newAssets hashes what the pages need, and the operator's logo. It returns the
// names under which the files are served: style, script, icon, logo.
func newAssets(logo []byte) (assets, map[string]string) {
	all, names := assets{}, map[string]string{}
	add := func(what, extension, mediaType string, content []byte) {
		sum := sha256.Sum256(content)
		name := what + "-" + hex.EncodeToString(sum[:6]) + extension
		all[name] = asset{name, mediaType, content}
		names[what] = name
	}
	for file, mediaType := range map[string]string{
		"style.css": "text/css; charset=utf-8",
		"script.js": "text/javascript; charset=utf-8",
		"icon.svg":  "image/svg+xml",
	} {
		content, err := assetFiles.ReadFile("assets/" + file)
		if err != nil {
			panic(err) // it is embedded
		}
		add(strings.TrimSuffix(file, path.Ext(file)), path.Ext(file), mediaType, content)
	}
	if t := logoType(logo); t != "" && len(logo) <= logoMax {
		extension := map[string]string{"image/svg+xml": ".svg", "image/png": ".png", "image/webp": ".webp", "image/jpeg": ".jpg"}[t]
		add("logo", extension, t, logo)
	}
	return all, names
}

// serve answers with the asset called name, or reports that there is none.
func (as assets) serve(w http.ResponseWriter, r *http.Request, name string) bool {
	a, ok := as[name]
	if ok {
		a.serve(w, r)
	}
	return ok
}

func (a asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.mediaType)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'") // a logo opened by itself runs nothing
	if r.Method != http.MethodHead {
		_, _ = w.Write(a.content)
	}
}
