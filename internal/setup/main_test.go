package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/devicegate/devicegate/bootstrap/config"
)

func TestSetupMakesAnEnvironmentThatWorksAndKeepsIt(t *testing.T) {
	example, err := os.ReadFile("../../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, ".env.example"), example, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(folder); err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(filepath.Join(folder, ".env"))
	if err != nil {
		t.Fatal(err)
	}
	vars, err := config.ReadVariables([]string{"ENV_FILE=" + filepath.Join(folder, ".env"), "CONNECTIONS_FILE=../../deploy/dev/connections.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := config.Load(vars.Values); err != nil {
		t.Errorf("the settings: got %v, want nil", err)
	}
	if err := run(folder); err != nil {
		t.Fatal(err)
	}
	if second, err := os.ReadFile(filepath.Join(folder, ".env")); err != nil || string(second) != string(first) {
		t.Errorf("got the file %q after a second run (%v), want %q", second, err, first)
	}
}
