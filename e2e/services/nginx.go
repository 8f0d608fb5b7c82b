package services

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

const nginxMain = `daemon off;
master_process off;
error_log stderr warn;
pid %[1]s/pid;
events {}
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
%[2]s
}
`

// Nginx runs an nginx with the given server blocks until the test ends. It
// answers at addr, which one of them listens on.
func Nginx(t testing.TB, addr, servers string) {
	t.Helper()
	needMain(t)
	program, err := find("nginx", "/usr/sbin/nginx")
	if err != nil {
		missing(t, errors.New("no nginx for this test: install nginx-light"))
	}
	c, err := newChild(os.TempDir(), program, "www-data", syscall.SIGTERM)
	if err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(c.folder, "nginx.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, nginxMain, c.folder, servers), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	r, err := c.run(ctx, addr, accepts, "-e", "stderr", "-p", c.folder, "-c", conf)
	if err != nil {
		_ = os.RemoveAll(c.folder)
		t.Fatal(err)
	}
	t.Cleanup(r.stop)
}

func accepts(ctx context.Context, addr string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return conn.Close()
}
