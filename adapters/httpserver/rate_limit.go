package httpserver

import (
	"math"
	"net/http"
	"strconv"

	"github.com/devicegate/devicegate/domain/quota"
)

// SetRateLimit writes what is left of a limit
// (draft-ietf-httpapi-ratelimit-headers, in its three-header form).
func SetRateLimit(head http.Header, a quota.Allowance) {
	if a.IsZero() {
		return
	}
	reset := strconv.Itoa(int(math.Ceil(a.Reset.Seconds())))
	values := []string{strconv.Itoa(a.Limit.Max), strconv.Itoa(max(0, a.Remaining)), reset}
	head["Ratelimit-Limit"] = values[0:1:1]
	head["Ratelimit-Remaining"] = values[1:2:2]
	head["Ratelimit-Reset"] = values[2:3:3]
	if a.Exceeded {
		head.Set("Retry-After", reset)
	}
}
