package bench

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"runtime"
	"syscall"
	"time"
)

// serveControl answers at BENCH_CONTROL what the process has used.
func serveControl() error {
	l, err := net.Listen("tcp", os.Getenv("BENCH_CONTROL"))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /usage", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(usageNow())
	})
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.Handle("GET /debug/pprof/allocs", pprof.Handler("allocs"))
	go func() { _ = (&http.Server{Handler: mux, ReadHeaderTimeout: time.Second}).Serve(l) }()
	return nil
}

func usageNow() usage {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return usage{
		CPU:    time.Duration(r.Utime.Nano() + r.Stime.Nano()),
		Allocs: memory.Mallocs,
	}
}

// untilAbandoned returns when the process that started this one is gone or
// closes its end.
func untilAbandoned() { _, _ = io.Copy(io.Discard, os.Stdin) }
