//go:build race

package phishing

const raceDetector = true
