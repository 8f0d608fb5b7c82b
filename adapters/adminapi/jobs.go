package adminapi

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/ports"
)

// Jobs serves the background work.
type Jobs struct {
	respond *Responder
	jobs    *application.ListJobs
	retry   *application.RetryJob
}

// NewJobs makes the handlers.
func NewJobs(respond *Responder, jobs *application.ListJobs, retry *application.RetryJob) *Jobs {
	return &Jobs{respond, jobs, retry}
}

// Mount adds the routes.
func (j *Jobs) Mount(r chi.Router) {
	r.Get("/jobs", j.respond.json(j.list, slices.Concat(pageParameters, []string{"all"})...))
	r.Get("/jobs/{id}", j.respond.json(j.show))
	r.Post("/jobs/{id}/retry", j.respond.json(j.again))
}

type jobBody struct {
	ID          int64         `json:"id"`
	Kind        string        `json:"kind"`
	Key         string        `json:"key,omitempty"`
	State       string        `json:"state"`
	Attempt     int           `json:"attempt"`
	Attempts    int           `json:"attempts"`
	CreatedAt   string        `json:"created_at"`
	ScheduledAt string        `json:"scheduled_at"`
	Failures    []failureBody `json:"failures,omitempty"`
}

type failureBody struct {
	At      string `json:"at"`
	Attempt int    `json:"attempt"`
	Error   string `json:"error"`
}

// JobJSON is a job as the API answers it, for encoding/json.
func JobJSON(job ports.JobRecord) any { return jobBodyOf(job) }

func jobBodyOf(job ports.JobRecord) jobBody {
	b := jobBody{
		ID: job.ID, Kind: string(job.Kind), Key: job.Key, State: job.State, Attempt: job.Attempt, Attempts: job.Attempts,
		CreatedAt: jsonTime(job.CreatedAt), ScheduledAt: jsonTime(job.ScheduledAt),
	}
	for _, f := range job.Failures {
		b.Failures = append(b.Failures, failureBody{jsonTime(f.At), f.Attempt, f.Error})
	}
	return b
}

// list answers GET jobs.
func (j *Jobs) list(w http.ResponseWriter, r *http.Request, _ Caller) error {
	page, err := pageOf(r.URL.Query())
	if err != nil {
		return err
	}
	done, err := flag(r, "all")
	if err != nil {
		return err
	}
	all, err := j.jobs.Execute(r.Context(), done)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, listOf(page, all, jobBodyOf))
}

func jobID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
	if err != nil || id < 1 {
		return 0, ports.ErrUnknownJob
	}
	return id, nil
}

// show answers GET jobs/{id}.
func (j *Jobs) show(w http.ResponseWriter, r *http.Request, _ Caller) error {
	id, err := jobID(r)
	if err != nil {
		return err
	}
	job, err := j.jobs.Show(r.Context(), id)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, jobBodyOf(job))
}

// again answers POST jobs/{id}/retry.
func (j *Jobs) again(w http.ResponseWriter, r *http.Request, by Caller) error {
	id, err := jobID(r)
	if err != nil {
		return err
	}
	job, err := j.retry.Execute(r.Context(), id, by.Actor, by.Origin)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, jobBodyOf(job))
}
