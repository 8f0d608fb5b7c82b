package adminapi_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/ports"
)

func TestJobsAreListedShownAndRetried(t *testing.T) {
	s := newFixture(t)
	err := s.Store.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
		for _, key := range []string{"a", "b", "c"} {
			if err := tx.Jobs().Enqueue(ctx, ports.Job{Kind: ports.SweepTokens, Key: key}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	list := s.as("GET /admin/v1/jobs?limit=2", "").Body.String()
	if !strings.Contains(list, `"total":3`) || !strings.Contains(list, `"has_more":true`) || !strings.Contains(list, `"kind":"sweep_tokens"`) {
		t.Fatalf("got %s, want the first two of three jobs", list)
	}
	at := strings.Index(list, `"id":`) + len(`"id":`)
	id, err := strconv.Atoi(list[at : at+strings.IndexByte(list[at:], ',')])
	if err != nil {
		t.Fatal(err)
	}
	target := "/admin/v1/jobs/" + strconv.Itoa(id)
	if w := s.as("GET "+target, ""); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"state":"available"`) {
		t.Errorf("got %d %s, want the job", w.Code, w.Body)
	}
	if w := s.as("POST "+target+"/retry", ""); w.Code != http.StatusOK {
		t.Errorf("got %d %s, want it retried", w.Code, w.Body)
	}
	events := s.as("GET /admin/v1/audit?event=jobs.retried", "") // settles in a minute
	if events.Code != http.StatusOK {
		t.Errorf("got %d, want the trail", events.Code)
	}
	for line, want := range map[string]int{
		"GET /admin/v1/jobs/4711":            404,
		"GET /admin/v1/jobs/x":               404,
		"GET /admin/v1/jobs/-1":              404,
		"POST /admin/v1/jobs/4711/retry":     404,
		"GET /admin/v1/jobs?all=maybe":       422,
		"GET /admin/v1/jobs?limit=0":         422,
		"GET /admin/v1/jobs?kind=x":          422,
		"POST " + target + "/retry?now=true": 422,
		"DELETE " + target:                   405,
	} {
		if w := s.as(line, ""); w.Code != want {
			t.Errorf("%s: got %d %s, want %d", line, w.Code, w.Body, want)
		}
	}
}
