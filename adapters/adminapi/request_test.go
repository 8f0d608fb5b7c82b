package adminapi

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/domain/fault"
)

func TestBodiesThatCannotBeRead(t *testing.T) {
	for name, c := range map[string]struct{ media, body, want string }{
		"nothing":             {"application/json", "", "invalid_request"},
		"a list":              {"application/json", `[{"a":"1"}]`, "invalid_request"},
		"null":                {"application/json", `null`, "invalid_request"},
		"a form":              {"application/x-www-form-urlencoded", `a=1`, "invalid_request"},
		"a form called JSON":  {"application/json", `a=1`, "invalid_request"},
		"two objects":         {"application/json", `{"a":"1"}{"a":"2"}`, "invalid_request"},
		"cut off":             {"application/json", `{"a":"1"`, "invalid_request"},
		"not UTF-8":           {"application/json", "{\"a\":\"\xff\"}", "invalid_request"},
		"a member unknown":    {"application/json", `{"b":"1"}`, "invalid_request"},
		"another type":        {"application/json", `{"a":1}`, "invalid_request"},
		"given twice":         {"application/json", `{"a":"1","a":"2"}`, "invalid_request"},
		"twice, in two cases": {"application/json", `{"a":"1","A":"2"}`, "invalid_request"},
		"twice, deeper":       {"application/json", `{"c":[{"d":"1"},{"d":"1","d":"2"}]}`, "invalid_request"},
		"too large":           {"application/json", `{"a":"` + strings.Repeat("x", 200) + `"}`, "request_too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/", strings.NewReader(c.body))
			r.Header.Set("Content-Type", c.media)
			var into struct {
				A string
				C []struct{ D string }
			}
			f, ok := fault.Of(readJSON(httptest.NewRecorder(), r, 100, &into))
			if !ok || f.Code != c.want {
				t.Errorf("got %v, want %s", f, c.want)
			}
		})
	}
	r := httptest.NewRequest("POST", "/", strings.NewReader(` {"a":"1","c":[{"d":"2"},{"d":"3"}]} `))
	var into struct {
		A string
		C []struct{ D string }
	}
	if err := readJSON(httptest.NewRecorder(), r, bodyMax, &into); err != nil || into.A != "1" || len(into.C) != 2 {
		t.Errorf("got %+v and %v, want everything", into, err)
	}
}

func TestQueriesThatCannotBeRead(t *testing.T) {
	for raw, want := range map[string]string{
		"page=1&page=2": "invalid_request", "x=1": "invalid_param", "page=%zz": "invalid_request", "page=%ff": "invalid_request",
		"page=0": "invalid_param", "page=one": "invalid_param", "limit=201": "invalid_param", "limit=-1": "invalid_param", "page=99999999999999999999": "invalid_param",
	} {
		r := httptest.NewRequest("GET", "/?"+raw, nil)
		err := checkQuery(r, pageParameters...)
		if err == nil {
			_, err = pageOf(r.URL.Query())
		}
		if f, ok := fault.Of(err); !ok || f.Code != want {
			t.Errorf("%s: got %v, want %s", raw, err, want)
		}
	}
	if page, err := pageOf(url.Values{"limit": {"20"}}); err != nil || page.Number() != 1 || page.Limit() != 20 {
		t.Errorf("got %+v and %v, want page 1 of 20", page, err)
	}
}

func TestPagesOfALongList(t *testing.T) {
	page, err := pageOf(url.Values{"page": {"2"}, "limit": {"2"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := pageBody(page, 5, []string{"c", "d"}); !got.HasMore || got.Total != 5 || got.Page != 2 || got.Limit != 2 {
		t.Errorf("got %+v, want page 2 of 3", got)
	}
	if got := listOf(page, []string{"a", "b"}, strings.ToUpper); got.HasMore || got.Data == nil {
		t.Errorf("got %+v, want an empty last page", got)
	}
}
