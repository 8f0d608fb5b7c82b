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
	head.Set("RateLimit-Limit", strconv.Itoa(a.Limit.Max))
	head.Set("RateLimit-Remaining", strconv.Itoa(max(0, a.Remaining)))
	head.Set("RateLimit-Reset", reset)
	if a.Exceeded {
		head.Set("Retry-After", reset)
	}
}
