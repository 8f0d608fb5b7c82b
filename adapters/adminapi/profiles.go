package adminapi

import (
	"net/http"
	"net/http/pprof"
	"slices"
	"strconv"
	"sync"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/domain/fault"
)

// Profiles lets administrators take Go's profiles of this process. They hold
// names of functions and counts, not what is in memory.
type Profiles struct{ respond *Responder }

// NewProfiles makes the handlers.
func NewProfiles(respond *Responder) *Profiles { return &Profiles{respond} }

// Mount adds the routes.
func (p *Profiles) Mount(r chi.Router) { r.Get("/pprof/{profile}", p.respond.json(p.take, "seconds")) }

// The seconds that a profile may take: less than the listener's write timeout.
const profileDefault, profileMax = 10, 50

var (
	profiles      = []string{"allocs", "block", "goroutine", "heap", "mutex", "threadcreate"}
	timedProfiles = map[string]http.HandlerFunc{"profile": pprof.Profile, "trace": pprof.Trace}

	timedOnes sync.Mutex // the runtime takes one at a time

	errRunning = fault.New(fault.Conflict, "profile_running", "Another profile is being taken. Try again when it has ended.")
	errSeconds = fault.New(fault.Unprocessable, "invalid_param", "seconds has to be a number from 1 to 50.")
)

// take answers GET pprof/{profile}.
func (p *Profiles) take(w http.ResponseWriter, r *http.Request, _ Caller) error {
	name := chi.URLParam(r, "profile")
	timed, isTimed := timedProfiles[name]
	if !isTimed && !slices.Contains(profiles, name) {
		return fault.ErrNotFound
	}
	if !isTimed {
		if err := checkQuery(r); err != nil {
			return err
		}
		pprof.Handler(name).ServeHTTP(w, r)
		return nil
	}
	seconds := profileDefault
	if values := r.URL.Query(); values.Has("seconds") {
		var err error
		if seconds, err = strconv.Atoi(values.Get("seconds")); err != nil || seconds < 1 || seconds > profileMax {
			return errSeconds
		}
	}
	if !timedOnes.TryLock() {
		return errRunning
	}
	defer timedOnes.Unlock()
	of := r.Clone(r.Context())
	of.URL.RawQuery = "seconds=" + strconv.Itoa(seconds)
	timed(w, of)
	return nil
}
