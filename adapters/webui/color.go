package webui

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
)

// color is sRGB.
type color [3]uint8

// The surfaces on which the accent stands; style.css uses the same ones.
var (
	lightSurface  = color{0xff, 0xff, 0xff}
	darkSurface   = color{0x1b, 0x1e, 0x24}
	darkText      = color{0xec, 0xee, 0xf1}
	defaultAccent = color{0x1f, 0x5f, 0xc4}
)

const (
	minContrast = 4.5  // of text (WCAG 2.2 §1.4.3)
	minChroma   = 0.2  // of a colour that is not taken for grey
	redHue      = 30.0 // degrees to either side of red that are taken for red
)

func parseColor(text string) (color, error) {
	digits, ok := strings.CutPrefix(text, "#")
	b, err := hex.DecodeString(digits)
	if !ok || err != nil || len(b) != 3 {
		return color{}, errors.New("write it as #rrggbb")
	}
	return color(b), nil
}

// readable returns an error unless c can be read on the light surface. For the
// dark one it is lightened.
func (c color) readable() error {
	if got := contrast(c, lightSurface); got < minContrast {
		return fmt.Errorf("has a contrast of %.2f to white; text needs %.1f (WCAG 2.2): take a darker one", got, minContrast)
	}
	return nil
}

// onDark is c, lightened until it can be read on the dark surface. What would
// become grey becomes almost white: a grey button looks disabled.
func (c color) onDark() color {
	for step := range 21 {
		light := c.mix(lightSurface, float64(step)/20)
		if contrast(light, darkSurface) < minContrast+1 {
			continue
		}
		if light.isGrey() {
			break
		}
		return light
	}
	return darkText
}

func (c color) mix(other color, share float64) (out color) {
	for i := range c {
		out[i] = uint8(math.Round(float64(c[i])*(1-share) + float64(other[i])*share))
	}
	return out
}

// textOn is black or white, whichever reads better on c.
func (c color) textOn() color {
	if white := (color{0xff, 0xff, 0xff}); contrast(white, c) >= minContrast {
		return white
	}
	return color{0x0b, 0x0d, 0x10}
}

// isGrey reports whether c has almost no colour.
func (c color) isGrey() bool {
	return float64(max(c[0], c[1], c[2])-min(c[0], c[1], c[2]))/255 < minChroma
}

// isRed reports whether c can be taken for a warning.
func (c color) isRed() bool {
	if c.isGrey() || max(c[0], c[1], c[2]) != c[0] {
		return false
	}
	r, g, b := float64(c[0]), float64(c[1]), float64(c[2])
	hue := 60 * (g - b) / (r - min(g, b))
	return math.Abs(hue) <= redHue
}

func (c color) String() string { return "#" + hex.EncodeToString(c[:]) }

// contrast is the ratio of WCAG 2.2.
func contrast(a, b color) float64 {
	la, lb := a.luminance(), b.luminance()
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func (c color) luminance() float64 {
	var linear [3]float64
	for i, v := range c {
		s := float64(v) / 255
		if s <= 0.04045 {
			linear[i] = s / 12.92
		} else {
			linear[i] = math.Pow((s+0.055)/1.055, 2.4)
		}
	}
	return 0.2126*linear[0] + 0.7152*linear[1] + 0.0722*linear[2]
}
