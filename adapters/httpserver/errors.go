package httpserver

import (
	"encoding/json"
	"net/http"

	"github.com/devicegate/devicegate/domain/fault"
)

// errorBody serves web pages and OAuth clients (error) and difyctl (code,
// message, status) at once.
type errorBody struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
	Code        string `json:"code"`
	Message     string `json:"message"`
	Status      int    `json:"status"`
	RequestID   string `json:"request_id"`
}

// WriteError answers with a refusal, worded in JSON.
func WriteError(w http.ResponseWriter, r *http.Request, f *fault.Error) error {
	SetRetryHeaders(w.Header(), f)
	code := f.Code
	if f.Kind == fault.RateLimited {
		code = "too_many_requests"
	}
	status := Status(f.Kind)
	text, err := json.Marshal(errorBody{f.Code, f.Message, code, f.Message, status, RequestID(r.Context())})
	if err != nil {
		return err
	}
	w.Header()["Content-Type"] = jsonType
	w.WriteHeader(status)
	_, err = w.Write(append(text, '\n'))
	return err
}

var jsonType = []string{"application/json"}
