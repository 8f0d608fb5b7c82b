package adminapi_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/identity"
)

type events struct {
	HasMore bool `json:"has_more"`
	Data    []struct {
		ID, Event string
		Email     string `json:"subject_email"`
		Label     string `json:"device_label"`
	}
}

func TestAdministratorsReadTheAuditPageByPage(t *testing.T) {
	s := newFixture(t)
	for _, label := range []string{"one", "two <b>", "three"} {
		s.minted(label, identity.ExternalSSO)
		s.Clock.Advance(time.Second)
	}
	if got := decoded[events](t, s.as("GET /admin/v1/audit", "")); got.Data == nil || len(got.Data) != 0 {
		t.Errorf("got %+v, want none yet: they are not settled", got)
	}
	s.Clock.Advance(time.Hour)
	first := decoded[events](t, s.as("GET /admin/v1/audit?limit=2&event=oauth.token_minted&subject_email=ann@acme.example", ""))
	if len(first.Data) != 2 || !first.HasMore || first.Data[1].Label != "two <b>" || first.Data[0].Email != "ann@acme.example" {
		t.Fatalf("got %+v, want two of three", first)
	}
	rest := decoded[events](t, s.as("GET /admin/v1/audit?after="+first.Data[1].ID, ""))
	if len(rest.Data) != 1 || rest.HasMore || rest.Data[0].Label != "three" {
		t.Errorf("got %+v, want the third", rest)
	}
	for target, want := range map[string]int{
		"after=x": http.StatusNotFound, "after=01a21293-b600-7088-aa01-d69538312388": http.StatusNotFound,
		"limit=0": 422, "limit=1001": 422, "limit=x": 422, "page=1": 422, "event=": 422, "event=nosuch": 422, "since=now": 422,
	} {
		if w := s.as("GET /admin/v1/audit?"+target, ""); w.Code != want {
			t.Errorf("%s: got %d %s, want %d", target, w.Code, w.Body, want)
		}
	}
}
