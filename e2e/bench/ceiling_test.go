package bench

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-chi/chi/v5"
)

// ceiling is the least program that could do what the service does.
type ceiling struct {
	store ceilingStore
	hints *hints   // nil without Redis
	cache sync.Map // token hash to ceilingToken
}

// ceilingStore makes the one call of each operation that cannot be avoided.
type ceilingStore interface {
	poll(ctx context.Context, codeHash string) (status string, expires time.Time, err error)
	lookUp(ctx context.Context, userCode string) (clientID string, expires time.Time, err error)
	verify(ctx context.Context, tokenHash string) (ceilingToken, error)
	// start also records an event, if its id is given.
	start(ctx context.Context, row newCode, eventID string) error
	redeem(ctx context.Context, codeHash, tokenHash, eventID string) (ceilingToken, error)
}

type ceilingToken struct {
	ID        string    `json:"token_id"`
	Email     string    `json:"subject_email"`
	Issuer    string    `json:"subject_issuer"`
	ExpiresAt time.Time `json:"expires_at"`
	Secret    string    `json:"access_token,omitempty"`
}

type newCode struct{ id, codeHash, userCode, from string }

// runCeiling serves one path for each operation.
func runCeiling() error {
	c, err := newCeiling(os.Getenv("DATABASE_URL"), os.Getenv("REDIS_URL"))
	if err != nil {
		return err
	}
	if err := serveControl(); err != nil {
		return err
	}
	r := chi.NewRouter()
	r.Post("/hinted", c.pollHinted)
	r.Post("/poll", c.poll)
	r.Get("/lookup", c.lookUp)
	r.Post("/asked/poll", c.askFirst(c.poll))
	r.Get("/asked/lookup", c.askFirst(c.lookUp))
	r.Get("/verify", c.verify)
	r.Get("/hot", c.verifyHot)
	r.Post("/start", c.start)
	r.Post("/recorded/start", c.startRecorded)
	r.Post("/redeem", c.redeem)
	l, err := net.Listen("tcp", os.Getenv("LISTEN_ADDR"))
	if err != nil {
		return err
	}
	server := &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(l) }()
	untilAbandoned()
	return server.Close()
}

func newCeiling(database, redis string) (*ceiling, error) {
	c := &ceiling{}
	var err error
	if strings.HasPrefix(database, "postgres") {
		c.store, err = newPostgresCeiling(database)
	} else {
		c.store, err = newSQLiteCeiling(strings.TrimPrefix(database, "sqlite:"))
	}
	if err == nil && redis != "" {
		c.hints, err = newHints(redis)
	}
	return c, err
}

var pending = []byte(`{"error":"authorization_pending"}` + "\n")

func (c *ceiling) pollHinted(w http.ResponseWriter, r *http.Request) {
	code, ok := parsed(w, r)
	if !ok {
		return
	}
	if err := c.hints.ask(r.Context(), hash(code)); err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusBadRequest, pending)
}

func (c *ceiling) poll(w http.ResponseWriter, r *http.Request) {
	code, ok := parsed(w, r)
	if !ok {
		return
	}
	status, expires, err := c.store.poll(r.Context(), hash(code))
	if err != nil || status != "pending" || time.Now().After(expires) {
		fail(w, err)
		return
	}
	reply(w, http.StatusBadRequest, pending)
}

// askFirst asks Redis once for each request: replicas share the interval of polls
// and the limits of look-ups there.
func (c *ceiling) askFirst(next http.HandlerFunc) http.HandlerFunc {
	var asked atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		if err := c.hints.ask(r.Context(), hash(strconv.FormatInt(asked.Add(1), 10))); err != nil {
			fail(w, err)
			return
		}
		next(w, r)
	}
}

func (c *ceiling) lookUp(w http.ResponseWriter, r *http.Request) {
	client, expires, err := c.store.lookUp(r.Context(), strings.ToUpper(r.URL.Query().Get("user_code")))
	if err != nil {
		fail(w, err)
		return
	}
	replyJSON(w, map[string]any{"valid": true, "client_id": client, "expires_in_remaining": int(time.Until(expires).Seconds())})
}

func (c *ceiling) verify(w http.ResponseWriter, r *http.Request) {
	t, err := c.store.verify(r.Context(), hash(bearer(r)))
	if err != nil {
		fail(w, err)
		return
	}
	replyJSON(w, t)
}

func (c *ceiling) verifyHot(w http.ResponseWriter, r *http.Request) {
	digest := hash(bearer(r))
	if t, ok := c.cache.Load(digest); ok {
		replyJSON(w, t)
		return
	}
	t, err := c.store.verify(r.Context(), digest)
	if err != nil {
		fail(w, err)
		return
	}
	c.cache.Store(digest, t)
	replyJSON(w, t)
}

func bearer(r *http.Request) string {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return token
}

// parsed reads the device code from the form.
func parsed(w http.ResponseWriter, r *http.Request) (code string, ok bool) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil || r.PostForm.Get("client_id") == "" {
		w.WriteHeader(http.StatusBadRequest)
		return "", false
	}
	return r.PostForm.Get("device_code"), true
}

func fail(w http.ResponseWriter, err error) {
	text := "not as expected"
	if err != nil {
		text = err.Error()
	}
	http.Error(w, text, http.StatusInternalServerError)
}

func replyJSON(w http.ResponseWriter, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusOK, text)
}

func reply(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
