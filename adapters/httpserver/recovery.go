package httpserver

import (
	"fmt"
	"net/http"
	"runtime/debug"
)

// Recover calls serve and returns its error. A panic becomes an error, so that
// it is logged and answered like any other defect.
func Recover(serve func(http.ResponseWriter, *http.Request) error, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		p := recover()
		if p == http.ErrAbortHandler {
			panic(p)
		}
		if p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return serve(w, r)
}
