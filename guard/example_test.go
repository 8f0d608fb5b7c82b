package guard_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/devicegate/devicegate/guard"
	"github.com/devicegate/devicegate/guard/guardtest"
)

func ExampleNew() {
	g, err := guard.New(guard.Config{
		Endpoint:     "https://sso.example.com/oauth2/introspect",
		ClientID:     "reports-api",
		ClientSecret: os.Getenv("INTROSPECTION_SECRET"),
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /reports", g.RequireScope("reports:read")(http.NotFoundHandler()))
	log.Fatal(http.ListenAndServe(":8081", mux))
}

func ExampleGuard_RequireScope() {
	devicegate := guardtest.NewServer()
	g := devicegate.Guard() // guard.New(…) in an API
	reports := g.RequireScope("reports:read")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := guard.From(r.Context())
		fmt.Fprintln(w, "Reports of", token.Username)
	}))

	for _, scope := range []string{"reports:read", "reports:write"} {
		request := httptest.NewRequest("GET", "/reports", nil)
		request.Header.Set("Authorization", "Bearer "+devicegate.Issue(guard.Token{Username: "ada@acme.example", Scopes: []string{scope}}))
		answer := httptest.NewRecorder()
		reports.ServeHTTP(answer, request)
		fmt.Print(answer.Code, " ", answer.Body)
	}
	// Output:
	// 200 Reports of ada@acme.example
	// 403 {"error":"insufficient_scope","error_description":"The token does not allow this: it lacks the scope reports:read."}
}

func ExampleGuard_Verify() {
	devicegate := guardtest.NewServer()
	g := devicegate.Guard()
	verify := func(text string) {
		// For tokens that do not come by HTTP; pass the request's context.
		token, err := g.Verify(context.Background(), text)
		switch {
		case errors.Is(err, guard.ErrInvalidToken):
			fmt.Println("sign in again")
		case errors.Is(err, guard.ErrUnavailable):
			fmt.Println("try again later")
		case err == nil:
			fmt.Println("hello", token.Username)
		}
	}
	verify(devicegate.Issue(guard.Token{Username: "ada@acme.example"}))
	verify("dfoe_made-up")
	devicegate.SetDown(true)
	verify(devicegate.Issue(guard.Token{}))
	// Output:
	// hello ada@acme.example
	// sign in again
	// try again later
}

func ExampleNewContext() {
	// The handler alone, in a test without a guard.
	handler := func(w http.ResponseWriter, r *http.Request) {
		token, _ := guard.From(r.Context())
		fmt.Fprint(w, token.HasScope("reports:read"))
	}
	request := httptest.NewRequest("GET", "/", nil)
	request = request.WithContext(guard.NewContext(request.Context(), guard.Token{Scopes: []string{"reports:read"}}))
	answer := httptest.NewRecorder()
	handler(answer, request)
	fmt.Println(answer.Body)
	// Output: true
}

func ExampleConfig_outage() {
	config := guard.Config{
		Endpoint:     "https://sso.example.com/oauth2/introspect",
		ClientID:     "reports-api",
		ClientSecret: os.Getenv("INTROSPECTION_SECRET"),
		// Go on for a minute when devicegate cannot be reached; a token that
		// is revoked in that minute still works.
		OutageMaxAge: time.Minute,
	}
	fmt.Println(config)
	// Output: guard.Config{Endpoint:"https://sso.example.com/oauth2/introspect" ClientID:"reports-api"}
}
