package commands

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/spkeys"
)

type keysCommand struct {
	List    listKeys   `cmd:"" help:"Show the pairs: the active one signs, the next one is published, the previous one still decrypts."`
	AddNext addNextKey `cmd:"" help:"Make the next pair and publish it in our metadata."`
	Promote promoteKey `cmd:"" help:"Let the next pair sign. The active one becomes the previous one."`
	Retire  retireKey  `cmd:"" help:"Delete the previous pair, or the next one."`
}

// withKeys runs a step on the pairs of the database and prints what they are then.
func withKeys(ctx context.Context, out io.Writer, as Acting, step func(ctx context.Context, uc *application.RotateKeys, by audit.Actor) (spkeys.RingSnapshot, error)) error {
	var uc *application.RotateKeys
	return administer(ctx, as, func(ctx context.Context, by audit.Actor) error {
		ring, err := step(ctx, uc, by)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ROLE\tSINCE\tCERTIFICATE ENDS\tFINGERPRINT (SHA-256)")
		for _, row := range []struct {
			role spkeys.Role
			held spkeys.RingPair
		}{{spkeys.Active, ring.Active}, {spkeys.Next, ring.Next}, {spkeys.Previous, ring.Previous}} {
			if !row.held.IsZero() {
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", row.role, when(row.held.Since), row.held.Certificate().NotAfter.UTC().Format(time.DateOnly), row.held.Fingerprint())
			}
		}
		return table.Flush()
	}, &uc)
}

type listKeys struct{ Acting }

// Run prints the pairs.
func (c listKeys) Run(ctx context.Context, out io.Writer) error {
	return withKeys(ctx, out, c.Acting, func(ctx context.Context, uc *application.RotateKeys, _ audit.Actor) (spkeys.RingSnapshot, error) {
		return uc.List(ctx)
	})
}

type addNextKey struct{ Acting }

// Run prints the pairs as they are then.
func (c addNextKey) Run(ctx context.Context, out io.Writer) error {
	return withKeys(ctx, out, c.Acting, func(ctx context.Context, uc *application.RotateKeys, by audit.Actor) (spkeys.RingSnapshot, error) {
		return uc.AddNext(ctx, application.Rotation{By: by})
	})
}

type promoteKey struct {
	Early bool `help:"Although it was published less than a day ago."`
	Yes   bool `help:"Do it; without this the command only shows what would be."`
	Acting
}

// Run prints the pairs as they are then, or would be.
func (c promoteKey) Run(ctx context.Context, out io.Writer) error {
	return withKeys(ctx, out, c.Acting, func(ctx context.Context, uc *application.RotateKeys, by audit.Actor) (spkeys.RingSnapshot, error) {
		ring, err := uc.Promote(ctx, application.Rotation{Early: c.Early, DryRun: !c.Yes, By: by})
		sayWould(out, c.Yes || err != nil)
		return ring, err
	})
}

type retireKey struct {
	Role string `arg:"" optional:"" default:"previous" enum:"previous,next" help:"Which pair: ${enum}."`
	Yes  bool   `help:"Do it; without this the command only shows what would be."`
	Acting
}

// Run prints the pairs as they are then, or would be.
func (c retireKey) Run(ctx context.Context, out io.Writer) error {
	return withKeys(ctx, out, c.Acting, func(ctx context.Context, uc *application.RotateKeys, by audit.Actor) (spkeys.RingSnapshot, error) {
		ring, err := uc.Retire(ctx, spkeys.Role(c.Role), application.Rotation{DryRun: !c.Yes, By: by})
		sayWould(out, c.Yes || err != nil)
		return ring, err
	})
}

func sayWould(out io.Writer, done bool) {
	if !done {
		fmt.Fprintln(out, "With --yes the pairs would be:")
	}
}
