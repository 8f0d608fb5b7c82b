package bench

import "fmt"

// The service's own paths. The ceiling has one for each operation.
const (
	pollPath   = "/openapi/v1/oauth/device/token"
	startPath  = "/openapi/v1/oauth/device/code"
	lookUpPath = "/openapi/v1/oauth/device/lookup"
	verifyPath = "/openapi/v1/account"
)

const commonHeaders = " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench/1.0\r\n"

func pollRequest(path, code string) []byte {
	return post(path, "", "client_id=difyctl&device_code="+code)
}

// startRequest is forwarded by a trusted proxy for a client at from, if given.
func startRequest(path, from string) []byte {
	return post(path, from, "client_id=difyctl&device_label=laptop")
}

func post(path, from, form string) []byte {
	return fmt.Appendf(nil, "POST %s%s%sContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s",
		path, commonHeaders, forwarded(from), len(form), form)
}

func lookUpRequest(path, from, code string) []byte {
	return fmt.Appendf(nil, "GET %s?user_code=%s%s%s\r\n", path, code, commonHeaders, forwarded(from))
}

func verifyRequest(path, token string) []byte {
	return fmt.Appendf(nil, "GET %s%sAuthorization: Bearer %s\r\n\r\n", path, commonHeaders, token)
}

func forwarded(from string) string {
	if from == "" {
		return ""
	}
	return "X-Forwarded-For: " + from + "\r\n"
}
