package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// reply is an answer. Object is nil unless the body is one JSON object.
type reply struct {
	status int
	header http.Header
	body   []byte
	object map[string]any
}

// replyMax bounds what is read of an answer.
const replyMax = 1 << 20

// ask makes one request. Headers come in pairs. If the server limits the rate (429),
// the rule is skipped.
func (r *run) ask(ctx context.Context, method, address, body string, headers ...string) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	req.Header.Set("Accept", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	resp, err := r.http.Do(req)
	if err != nil {
		return reply{}, fmt.Errorf("no answer: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, replyMax))
	if err != nil {
		return reply{}, fmt.Errorf("the answer broke off: %w", err)
	}
	got := reply{resp.StatusCode, resp.Header, text, nil}
	_ = json.Unmarshal(text, &got.object) // nil says that it is not an object
	if got.status == http.StatusTooManyRequests {
		return got, skipped("the server limits how often this may be asked; again in " + resp.Header.Get("Retry-After") + " s")
	}
	return got, nil
}

const formType = "application/x-www-form-urlencoded"

// post sends a form.
func (r *run) post(ctx context.Context, address string, form url.Values, headers ...string) (reply, error) {
	return r.ask(ctx, http.MethodPost, address, form.Encode(), append([]string{"Content-Type", formType}, headers...)...)
}

// get asks with a token, or without one if it is "".
func (r *run) get(ctx context.Context, address, token string, headers ...string) (reply, error) {
	if token != "" {
		headers = append(headers, "Authorization", "Bearer "+token)
	}
	return r.ask(ctx, http.MethodGet, address, "", headers...)
}

// String shows an answer without secrets: of a success, the names alone.
func (a reply) String() string {
	switch {
	case a.object == nil:
		return fmt.Sprintf("%d %s", a.status, a.header.Get("Content-Type"))
	case a.status >= 400:
		return fmt.Sprintf("%d %v", a.status, a.object["error"])
	}
	return fmt.Sprintf("%d with %s", a.status, strings.Join(slices.Sorted(maps.Keys(a.object)), ", "))
}

// refuses checks for an error with one of the words (RFC 6749 §5.2).
func (a reply) refuses(status int, words ...string) error {
	return a.refusesWith([]int{status}, words...)
}

func (a reply) refusesWith(statuses []int, words ...string) error {
	word, _ := a.object["error"].(string)
	if !slices.Contains(statuses, a.status) || !slices.Contains(words, word) {
		return fmt.Errorf("got %s, want %v %s", a, statuses, strings.Join(words, " or "))
	}
	return a.isJSON()
}

// only checks for an error that is its word and nothing else.
func (a reply) only(word string) error {
	if err := a.refuses(http.StatusBadRequest, word); err != nil {
		return err
	}
	if len(a.object) != 1 {
		return fmt.Errorf("got %s beside the error word", strings.Join(slices.Sorted(maps.Keys(a.object)), ", "))
	}
	return nil
}

func (a reply) isJSON() error {
	media, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	if err != nil || media != "application/json" || a.object == nil {
		return fmt.Errorf("got %q, want one JSON object as application/json", a.header.Get("Content-Type"))
	}
	return nil
}

func (a reply) ok() error {
	if a.status != http.StatusOK {
		return fmt.Errorf("got %s, want 200", a)
	}
	return a.isJSON()
}

func (a reply) is(statuses ...int) error {
	if !slices.Contains(statuses, a.status) {
		return fmt.Errorf("got %s, want %v", a, statuses)
	}
	return nil
}

// has checks that members are there, whatever they are.
func (a reply) has(names ...string) error {
	for _, name := range names {
		if _, ok := a.object[name]; !ok {
			return fmt.Errorf("%s is missing: got %s", name, a)
		}
	}
	return nil
}

// texts checks that members are strings that are not empty.
func (a reply) texts(names ...string) error {
	for _, name := range names {
		if v, ok := a.object[name].(string); !ok || v == "" {
			return fmt.Errorf("%s is missing or no string: got %s", name, a)
		}
	}
	return nil
}

// positive checks that members are whole numbers above zero.
func (a reply) positive(names ...string) error {
	for _, name := range names {
		if v, ok := a.object[name].(float64); !ok || v <= 0 || v != float64(int64(v)) {
			return fmt.Errorf("%s is %v, want a whole number above zero", name, a.object[name])
		}
	}
	return nil
}

func (a reply) noStore() error {
	if !strings.Contains(strings.ToLower(a.header.Get("Cache-Control")), "no-store") {
		return fmt.Errorf("the Cache-Control header is %q, want no-store", a.header.Get("Cache-Control"))
	}
	return nil
}

// first returns the first error.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
