//go:build !linux

package services

import (
	"errors"
	"testing"
)

// SmallDisk is a file system of its own, which a test may fill.
type SmallDisk struct{ Folder string }

// NewSmallDisk mounts one of some bytes. It needs Linux.
func NewSmallDisk(t testing.TB, _ int) *SmallDisk {
	t.Helper()
	missing(t, errors.New("no disk that can be filled: run the test on Linux"))
	return nil
}

// Fill leaves no room on the disk.
func (*SmallDisk) Fill() {}

// Clear makes room again.
func (*SmallDisk) Clear() {}
