package database_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/database/databasetest"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/scope"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// The two reads that everything waits for: a poll that no hint answers, and a
// request made with a token.

func BenchmarkAuthorizationByCode(b *testing.B) {
	difyctl := client.Must(client.Settings{ID: "difyctl"})
	codes := make([]secret.Digest, filling)
	benchmark(b, func(ctx context.Context, tx ports.Tx, i int) error {
		label := device.ParseLabel(fmt.Sprint("laptop ", i), difyctl)
		a, code, started := device.Start(difyctl, label, scope.Set{}, device.StandardTiming, time.Now(), request.Origin{})
		codes[i] = code.Digest()
		return tx.Authorizations().Add(ctx, a, started)
	}, func(ctx context.Context, r ports.Reader, i int) error {
		_, err := r.Authorizations().ByCode(ctx, codes[i%filling])
		return err
	})
}

func BenchmarkTokenByDigest(b *testing.B) {
	email, err := identity.ParseEmail("ann@example.com")
	if err != nil {
		b.Fatal(err)
	}
	digests := make([]secret.Digest, filling)
	benchmark(b, func(ctx context.Context, tx ports.Tx, i int) error {
		of := token.Device{Email: email, Issuer: "https://idp.example", ClientID: "difyctl", Label: fmt.Sprint("laptop ", i)}
		now := ports.SystemClock()
		issued, clear, minted := token.Mint(token.Order{ID: uid.New(now), Device: of, Subject: identity.ExternalSSO, Lifetime: token.Lifetime(time.Hour)}, now, request.Origin{})
		digests[i] = clear.Digest()
		return tx.Tokens().Add(ctx, issued, minted)
	}, func(ctx context.Context, r ports.Reader, i int) error {
		_, err := r.Tokens().ByDigest(ctx, digests[i%filling])
		return err
	})
}

const filling = 1000

// benchmark fills a store and then looks for them from
// many goroutines.
func benchmark(b *testing.B, fill func(context.Context, ports.Tx, int) error, look func(context.Context, ports.Reader, int) error) {
	for _, engine := range databasetest.Engines() {
		b.Run(engine.Name, func(b *testing.B) {
			s := database.NewStore(engine.Migrated(b))
			err := s.Update(b.Context(), func(ctx context.Context, tx ports.Tx) error {
				for i := range filling {
					if err := fill(ctx, tx, i); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.SetParallelism(4)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					err := s.View(b.Context(), func(ctx context.Context, r ports.Reader) error { return look(ctx, r, i) })
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
