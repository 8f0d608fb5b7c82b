package services

import (
	"errors"
	"os"
	"testing"
)

// Chromium returns the path of a Chromium or Chrome.
func Chromium(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("E2E_CHROMIUM"); path != "" {
		return path
	}
	path, err := find("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
		"headless-shell", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
	if err != nil {
		missing(t, errors.New("no browser for this test: set E2E_CHROMIUM to a Chromium or Chrome, or install chromium"))
	}
	return path
}
