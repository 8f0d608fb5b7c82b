package bench

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"time"
)

// The functions below make what the nth seeded row is found by. They are pure,
// so that no list of codes has to be kept.

const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func random(kind string, n int) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "devicegate bench %s %d", kind, n))
	return sum[:]
}

func deviceCode(n int) string {
	return "dc_" + base64.RawURLEncoding.EncodeToString(random("code", n)[:24])
}

// accessToken has the checksum of a real one.
func accessToken(n int) string {
	text := "dfoe_" + base64.RawURLEncoding.EncodeToString(random("token", n))[:37]
	sum := crc32.ChecksumIEEE([]byte(text))
	var check [6]byte
	for i := len(check) - 1; i >= 0; i-- {
		check[i] = base64url[sum&63]
		sum >>= 6
	}
	return text + string(check[:])
}

// userCode counts in the alphabet of user codes.
func userCode(n int) string {
	const alphabet = "ABCDEFGHJKLMNPQRSTUVWXY3456789"
	var text [8]byte
	for i := range text {
		text[len(text)-1-i] = alphabet[n%len(alphabet)]
		n /= len(alphabet)
	}
	return string(text[:4]) + "-" + string(text[4:])
}

func email(n int) string { return fmt.Sprintf("person%d@bench.example", n) }

// rowID is a UUID of version 7, whose leading part grows as those of real rows.
func rowID(kind string, n int) string {
	text := hex.EncodeToString(random(kind, n))
	at := fmt.Sprintf("%012x", epoch.UnixMilli()+int64(n))
	return at[:8] + "-" + at[8:] + "-7" + text[:3] + "-8" + text[3:6] + "-" + text[6:18]
}

var epoch = time.Now()

// address is the client of the nth request where each address is limited. The
// first 65,536 are in as many networks: many starts in one are watched as phishing.
func address(n int) string { return fmt.Sprintf("10.%d.%d.%d", n&255, n>>8&255, n>>16&255) }

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// shuffled visits each of n numbers once, in an order that no index has.
func shuffled(i, n int) int {
	const prime = 1_000_003
	if n%prime == 0 {
		return i % n
	}
	return int(uint64(i) * prime % uint64(n))
}
