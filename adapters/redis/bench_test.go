package redis_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/redis"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/e2e/services"
)

// BenchmarkCheckPending asks for many devices at once, as replicas do.
func BenchmarkCheckPending(b *testing.B) {
	c, err := redis.Open(redis.Config{URL: services.Redis(b)}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	throttle := redis.NewPollThrottle(c)
	b.ReportAllocs()
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		code := secret.Random("device code", 24).Digest()
		for pb.Next() {
			if _, _, err := throttle.CheckPending(b.Context(), code, "difyctl|192.0.2.7", 5*time.Second); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
