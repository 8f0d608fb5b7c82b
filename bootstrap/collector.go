package bootstrap

import (
	"os"
	"runtime"
	"runtime/debug"
	goruntime "runtime/metrics"
	"sync"
)

// heapRoom is how much garbage there may be before the garbage collector runs.
// What the service keeps is a few MiB; Go's default would let the collector run
// for each few MiB of garbage, a dozen times a second under load.
const heapRoom = 64 << 20

// relaxCollector gives the garbage collector [heapRoom], or as much as is in use
// if that is more, which is Go's default. GOGC in the environment wins, and
// GOMEMLIMIT bounds it in any case.
func relaxCollector() {
	if os.Getenv("GOGC") != "" {
		return
	}
	relaxed.Do(afterEachCollection)
}

var relaxed sync.Once

type collection struct{ _ *byte } // a pointer keeps it out of the tiny allocator

// afterEachCollection sets the percentage anew when the collector has freed the
// value that it leaves behind.
func afterEachCollection() {
	live := []goruntime.Sample{{Name: "/gc/heap/live:bytes"}}
	goruntime.Read(live)
	debug.SetGCPercent(collectorPercent(live[0].Value.Uint64()))
	runtime.AddCleanup(new(collection), func(struct{}) { afterEachCollection() }, struct{}{})
}

func collectorPercent(live uint64) int { return int(max(100, heapRoom*100/max(live, 1<<20))) }
