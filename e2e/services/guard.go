package services

import (
	"context"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// A guard is a second copy of the test binary that waits for the first one to
// end, however it ends, and then removes one server. The first one holds the
// guard's standard input; that it closes is the sign.
const guardEnv = "DEVICEGATE_E2E_GUARD"

// guard starts one. The server is named by "container ID" or "child PID SIGNAL
// FOLDER". The returned function dismisses the guard once the server has ended.
func guard(server ...string) (dismiss func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), guardEnv+"="+strings.Join(server, " "))
	// Its own session: a ^C for the tests must not end it too.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	sign, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() {
		_ = cmd.Process.Kill()
		_ = sign.Close()
		_ = cmd.Wait()
	}, nil
}

// standGuard does a guard's work and returns true, if this process is one.
func standGuard() bool {
	server := strings.Fields(os.Getenv(guardEnv))
	if len(server) == 0 {
		return false
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	switch server[0] {
	case "container":
		removeContainer(server[1])
	case "child":
		pid, _ := strconv.Atoi(server[1])
		signal, _ := strconv.Atoi(server[2])
		endGroup(pid, syscall.Signal(signal))
		_ = os.RemoveAll(server[3])
	}
	return true
}

func removeContainer(id string) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	docker, err := testcontainers.NewDockerClientWithOpts(ctx)
	if err != nil {
		return
	}
	defer func() { _ = docker.Close() }()
	_, _ = docker.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
}

// endGroup asks a process group to end, and insists after some seconds.
func endGroup(pid int, signal syscall.Signal) {
	_ = syscall.Kill(pid, signal)
	deadline := time.Now().Add(2 * time.Second)
	for time.Now().Before(deadline) && syscall.Kill(pid, 0) == nil {
		time.Sleep(20 * time.Millisecond)
	}
	_ = syscall.Kill(-pid, syscall.SIGKILL)
}
