package services

import (
	"errors"
	"os"
	"testing"
)

// Chromium returns the path of a Chromium or Chrome: of the shell without windows if
// there is one. It is the same engine and takes half of the time.
func Chromium(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("E2E_CHROMIUM"); path != "" {
		return path
	}
	path, err := find("chromium-headless-shell", "chrome-headless-shell", "headless-shell", "chromium", "chromium-browser",
		"google-chrome", "google-chrome-stable", "chrome", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
	if err != nil {
		missing(t, errors.New("no browser for this test: set E2E_CHROMIUM to a Chromium or Chrome, or install chromium-headless-shell or chromium"))
	}
	return path
}
