package services

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// child is a server program of this machine, about to be run.
type child struct {
	program string
	folder  string // everything it writes; removed when it ends
	env     []string
	keep    bool // the folder is left, for the next run
	as      *syscall.Credential
	quit    syscall.Signal
}

// newChild makes the folder in which program will run. When we are root,
// which PostgreSQL refuses to be, it will run as the named user or as the user "nobody".
func newChild(parent, program, account string, quit syscall.Signal) (*child, error) {
	as, err := unprivileged(account)
	if err != nil {
		return nil, err
	}
	// Not t.TempDir: other users cannot enter its parent.
	folder, err := os.MkdirTemp(parent, "devicegate-e2e-")
	if err != nil {
		return nil, err
	}
	if as != nil {
		if err := os.Chown(folder, int(as.Uid), int(as.Gid)); err != nil {
			return nil, errors.Join(err, os.RemoveAll(folder))
		}
	}
	return &child{program: program, folder: folder, as: as, quit: quit}, nil
}

func (c *child) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = c.folder
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.folder, "LC_ALL=C.UTF-8", "TZ=UTC"}
	cmd.Env = append(cmd.Env, c.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.as, Setpgid: true}
	return cmd
}

// quitTime is how long a program may take to end.
const quitTime = 30 * time.Second

// run starts the program and waits until it answers at addr. On an error the
// program has ended; its folder is still there.
func (c *child) run(ctx context.Context, addr string, answers func(context.Context, string) error, args ...string) (*running, error) {
	// Not ctx: it ends when the server has started.
	cmd := c.command(context.Background(), c.program, args...)
	output := &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	died := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(died)
	}()
	dismiss, err := guard("child", strconv.Itoa(cmd.Process.Pid), strconv.Itoa(int(c.quit)), c.folder)
	if err != nil {
		dismiss = func() {}
	} else {
		err = await(ctx, died, func(ctx context.Context) error { return answers(ctx, addr) })
	}
	stop := func() {
		_ = cmd.Process.Signal(c.quit)
		select {
		case <-died:
		case <-time.After(quitTime):
			_ = cmd.Process.Kill()
			<-died
		}
		dismiss()
	}
	if err != nil {
		stop()
		return nil, fmt.Errorf("%s: %w\n%s", c.program, err, output)
	}
	return &running{addr: addr, signal: cmd.Process.Signal, stop: sync.OnceFunc(func() {
		stop()
		if !c.keep {
			_ = os.RemoveAll(c.folder)
		}
	})}, nil
}

// find looks a program up in PATH and where Debian keeps what it does not link
// there, the newest version first.
func find(names ...string) (string, error) {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
		if len(found) > 0 {
			slices.Sort(found)
			return found[len(found)-1], nil
		}
	}
	return "", fmt.Errorf("%s: %w", names[0], errAbsent)
}

// unprivileged is nil unless we are root. The account must exist: initdb looks
// its own user up.
func unprivileged(account string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{account, "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("this is root, and there is no other user to run a server as")
}

// scratch is a folder for data. Making a database takes a tenth of the time in
// memory.
func scratch() string {
	const shm = "/dev/shm"
	if err := syscall.Access(shm, 2); err == nil {
		return shm
	}
	return os.TempDir()
}

func freePort() (int, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

// onFreePort runs start on a port that was free just now, and again on another
// one if start lost the race for it.
func onFreePort(start func(port int) (*running, error)) (r *running, err error) {
	for range 3 {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		if r, err = start(port); err == nil {
			return r, nil
		}
	}
	return nil, err
}
