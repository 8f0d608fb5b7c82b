// Toyapi is an API behind a guard, for the end-to-end tests of the service and
// as an example of a whole program. GET /me needs a token, GET /apps the scope
// apps:run besides.
//
//	ENDPOINT=https://sso.example.com/oauth2/introspect CLIENT_ID=toyapi CLIENT_SECRET=… go run ./internal/toyapi
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/devicegate/devicegate/guard"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	g, err := guard.New(guard.Config{
		Endpoint:     os.Getenv("ENDPOINT"),
		ClientID:     os.Getenv("CLIENT_ID"),
		ClientSecret: os.Getenv("CLIENT_SECRET"),
		MaxAge:       time.Second,
	})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /me", g.Middleware(http.HandlerFunc(me)))
	mux.Handle("GET /apps", g.RequireScope("apps:run")(http.HandlerFunc(me)))
	mux.Handle("GET /admin", g.RequireScope("admin")(http.HandlerFunc(me)))

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + listener.Addr().String())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	return server.Serve(listener)
}

// me answers with what the server says of the token.
func me(w http.ResponseWriter, r *http.Request) {
	token, _ := guard.From(r.Context())
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(token)
}
