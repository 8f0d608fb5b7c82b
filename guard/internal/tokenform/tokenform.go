// Package tokenform knows the form of devicegate's tokens: the prefix dfoe_
// (an enterprise identity) or dfoa_ (an account) and 43 base64url characters,
// the last six of which are a checksum in the tokens that devicegate issues.
package tokenform

import (
	"crypto/rand"
	"encoding/base64"
	"hash/crc32"
	"strings"
)

const (
	bodyLength     = 43
	checksumLength = 6
	base64url      = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
)

// Valid reports whether text has the form of a token. It does not look at the
// checksum: another issuer that shares the token table may not make one.
func Valid(text string) bool {
	body, ok := strings.CutPrefix(text, "dfoe_")
	if !ok {
		body, ok = strings.CutPrefix(text, "dfoa_")
	}
	return ok && len(body) == bodyLength && strings.Trim(body, base64url) == ""
}

// ChecksumHolds reports whether the last six characters fit the others.
func ChecksumHolds(text string) bool {
	cut := len(text) - checksumLength
	return cut >= 0 && checksum(text[:cut]) == text[cut:]
}

// New makes a token for an enterprise identity.
func New() string {
	random := make([]byte, 28)
	_, _ = rand.Read(random) // never fails
	text := "dfoe_" + base64.RawURLEncoding.EncodeToString(random)[:bodyLength-checksumLength]
	return text + checksum(text)
}

func checksum(text string) string {
	sum := crc32.ChecksumIEEE([]byte(text))
	var b [checksumLength]byte
	for i := checksumLength - 1; i >= 0; i-- {
		b[i] = base64url[sum&63]
		sum >>= 6
	}
	return string(b[:])
}
