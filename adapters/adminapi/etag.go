package adminapi

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/devicegate/devicegate/domain/fault"
)

var errIfMatch = fault.InvalidRequest("If-Match has to be the ETag of one answer, with its quotes.")

var tagForm = regexp.MustCompile(`^"[0-9A-Za-z]+"$`)

// ifMatchTag is the tag of what a request wants to change; empty: whatever is there.
func ifMatchTag(r *http.Request) (string, error) {
	given := r.Header.Values("If-Match")
	switch {
	case len(given) == 0 || len(given) == 1 && given[0] == "*":
		return "", nil
	case len(given) == 1 && tagForm.MatchString(given[0]):
		return strings.Trim(given[0], `"`), nil
	}
	return "", errIfMatch
}

// ifMatch is [ifMatchTag] where the tag is a revision; 0: whatever is there.
func ifMatch(r *http.Request) (int64, error) {
	tag, err := ifMatchTag(r)
	if err != nil || tag == "" {
		return 0, err
	}
	revision, err := strconv.ParseInt(tag, 10, 64)
	if err != nil || revision < 1 {
		return 0, errIfMatch
	}
	return revision, nil
}

func setTag(w http.ResponseWriter, tag string) { w.Header().Set("ETag", `"`+tag+`"`) }

func setRevision(w http.ResponseWriter, revision int64) {
	if revision > 0 {
		setTag(w, strconv.FormatInt(revision, 10))
	}
}
