package services

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// SmallDisk is a file system of its own, which a test may fill.
type SmallDisk struct {
	Folder string
	t      testing.TB
}

// NewSmallDisk mounts one of some bytes.
func NewSmallDisk(t testing.TB, size int) *SmallDisk {
	t.Helper()
	d := &SmallDisk{t.TempDir(), t}
	if err := syscall.Mount("tmpfs", d.Folder, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		missing(t, fmt.Errorf("no disk that can be filled (mount: %w): run the test as root, or below: unshare --user --map-root-user --mount", err))
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(d.Folder, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return d
}

func (d *SmallDisk) ballast() string { return filepath.Join(d.Folder, "ballast") }

// Fill leaves no room on the disk.
func (d *SmallDisk) Fill() {
	d.t.Helper()
	file, err := os.OpenFile(d.ballast(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		d.t.Fatal(err)
	}
	defer file.Close()
	page := make([]byte, os.Getpagesize())
	for err == nil {
		_, err = file.Write(page)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		d.t.Fatalf("fill the disk: got %v, want no space left", err)
	}
}

// Clear makes room again.
func (d *SmallDisk) Clear() {
	d.t.Helper()
	if err := os.Remove(d.ballast()); err != nil {
		d.t.Fatal(err)
	}
}
