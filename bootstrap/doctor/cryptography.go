package doctor

import (
	"context"
	"crypto/fips140"
	"strings"
)

// cryptography says what FIPS 140-3 mode cannot do for this installation. Without
// the mode there is nothing to say.
func (x *examination) cryptography(context.Context) {
	const check = "cryptography"
	if !fips140.Enabled() {
		return
	}
	before := len(x.found)
	for _, via := range x.Connections.All() {
		if weak := via.Settings().SAML.Weak(); len(weak) > 0 {
			x.warn(check, via.Slug()+": allow_weak ("+strings.Join(weak, ", ")+") uses code outside of the FIPS 140-3 module", "ask its administrator for RSA with SHA-256 and for RSA-OAEP with AES-GCM, then leave allow_weak out (docs/operate/fips.md)")
		}
	}
	if len(x.found) == before {
		x.ok(check, "FIPS 140-3 mode, module "+fips140.Version())
	}
}
