package webui

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

func TestConfigCheckReportsEveryFault(t *testing.T) {
	err := Config{
		Brand:      Brand{Name: strings.Repeat("x", 41), Logo: []byte("GIF89a"), Color: "#ffff00"},
		SupportURL: "javascript:alert(1)",
	}.Check()
	if err == nil {
		t.Fatal("got no error, want each field named")
	}
	for _, want := range []string{"Name: ", "Logo: ", "contrast", "SupportURL: "} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
	if err := (Config{}).Check(); err != nil {
		t.Errorf("the default: got %v, want no error", err)
	}
}

func TestConfigCheckAcceptsAndRefuses(t *testing.T) {
	png := append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 100)...)
	for name, c := range map[string]struct {
		config Config
		ok     bool
	}{
		"a PNG":             {Config{Brand: Brand{Logo: png}}, true},
		"a large PNG":       {Config{Brand: Brand{Logo: append(png, make([]byte, logoMax)...)}}, false},
		"an SVG":            {Config{Brand: Brand{Logo: []byte(`<?xml version="1.0"?><svg/>`)}}, true},
		"a page":            {Config{Brand: Brand{Logo: []byte(`<html>`)}}, false},
		"an invisible name": {Config{Brand: Brand{Name: "A\u202eB"}}, false},
		"a dark colour":     {Config{Brand: Brand{Color: "#004d40"}}, true},
		"a short colour":    {Config{Brand: Brand{Color: "#123"}}, false},
		"a colour's name":   {Config{Brand: Brand{Color: "navy"}}, false},
		"smuggled style":    {Config{Brand: Brand{Color: "#000;}body{}"}}, false},
		"an https link":     {Config{SupportURL: "https://help.acme.example/?a=b"}, true},
		"a mailto link":     {Config{SupportURL: "mailto:help@acme.example"}, true},
		"an http link":      {Config{SupportURL: "http://help.acme.example"}, false},
		"a data link":       {Config{SupportURL: "data:text/html,x"}, false},
		"no link":           {Config{SupportURL: "help"}, false},
	} {
		if err := c.config.Check(); (err == nil) != c.ok {
			t.Errorf("%s: got %v, want it accepted: %t", name, err, c.ok)
		}
	}
}

// F62: the reason has to hold for a colour that just misses the contrast, too.
func TestARefusedBrandColourSaysByHowMuch(t *testing.T) {
	err := Config{Brand: Brand{Color: "#777777"}}.Check()
	if err == nil || !strings.Contains(err.Error(), "a contrast of 4.48 to white; text needs 4.5") {
		t.Errorf("got %v, want a contrast of 4.48 that is less than 4.5", err)
	}
}

func TestAcceptedBrandColoursAreReadableInBothSchemes(t *testing.T) {
	for r := 0; r < 256; r += 17 {
		for g := 0; g < 256; g += 17 {
			for b := 0; b < 256; b += 17 {
				c := color{uint8(r), uint8(g), uint8(b)}
				if c.readable() != nil {
					continue
				}
				dark := c.onDark()
				if contrast(c, lightSurface) < minContrast || contrast(dark, darkSurface) < minContrast ||
					contrast(c.textOn(), c) < minContrast || contrast(dark.textOn(), dark) < minContrast {
					t.Errorf("%s: got %s in the dark, with %s on it, want enough contrast", c, dark, dark.textOn())
				}
			}
		}
	}
	if got := contrast(color{}, lightSurface); got < 20.9 || got > 21.1 {
		t.Errorf("got a contrast of %f, want 21", got)
	}
}

// F62: in either scheme, what approves is taken neither for a warning nor for a
// disabled button, and what denies does not depend on the brand.
func TestApproveButtonIsNeitherRedNorGreyForAnyBrand(t *testing.T) {
	variable := func(css, name string) color {
		_, rest, _ := strings.Cut(css, "--"+name+":")
		c, err := parseColor(rest[:min(7, len(rest))])
		if err != nil {
			t.Fatalf("got no %s in %s, want one", name, css)
		}
		return c
	}
	for _, brand := range []string{"#111827", "#c8102e", "#000000", "#8a1c4a", "#444444", "#004d40", "#1f5fc4", "#b45309", ""} {
		css := string(theme(brand))
		for _, scheme := range []string{"light", "dark"} {
			button, text := variable(css, "approve-"+scheme), variable(css, "on-approve-"+scheme)
			if button.isRed() || button.isGrey() || contrast(button, text) < minContrast {
				t.Errorf("brand %q, %s: got a button %s with %s on it, want one that is neither red nor grey", brand, scheme, button, text)
			}
			if accent := variable(css, "accent-"+scheme); accent.isGrey() && scheme == "dark" && contrast(accent, darkSurface) < 10 {
				t.Errorf("brand %q: got the accent %s in the dark, want none that looks disabled", brand, accent)
			}
		}
	}
	style, err := assetFiles.ReadFile("assets/style.css")
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range regexp.MustCompile(`(?m)^.*\.deny\b.*$`).FindAllString(string(style), -1) {
		if selector, body, _ := strings.Cut(rule, "{"); strings.Contains(body, "accent") || strings.Contains(body, "approve") {
			t.Errorf("got %s with the brand's colour, want it without", selector)
		}
	}
}

func TestStyleSheetUsesTheSurfacesThatContrastIsComputedFor(t *testing.T) {
	style, err := assetFiles.ReadFile("assets/style.css")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"--surface: #fff;", "--surface: " + darkSurface.String() + ";"} {
		if !bytes.Contains(style, []byte(want)) {
			t.Errorf("got no %s, want it", want)
		}
	}
}
