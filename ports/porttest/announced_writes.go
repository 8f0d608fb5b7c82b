package porttest

import (
	"context"
	"testing"

	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/spkeys"
	"github.com/devicegate/devicegate/ports"
)

// announcedWrite changes what processes keep of a topic.
type announcedWrite struct {
	name  string
	topic ports.Topic
	write func(ctx context.Context, tx ports.Tx) error
}

// announcedWrites are all writes that announce a topic. Each needs those before it,
// and has another topic than the one before, which a process can receive twice.
func announcedWrites(t *testing.T, w *fixture) []announcedWrite {
	t.Helper()
	c := client.Must(client.Settings{ID: "c-" + random().Hex()[:16], Source: client.Database})
	stored, _ := w.storedConnection(w.settings(w.slug()))
	via := stored.Connection()
	metadata := connection.NewMetadataCopy(via)
	accepted, err := metadata.Accept(connection.Metadata{EntityID: "https://idp.example", Document: []byte("x")}, w.administrator())
	must(t, err)
	pairs, err := somePairs()
	must(t, err)
	ring, err := spkeys.RestoreRing(spkeys.RingSnapshot{Active: spkeys.RingPair{Pair: pairs[0], Since: w.now}})
	must(t, err)
	noticed := w.incident(w.fullIncident())
	return []announcedWrite{
		{"adding a client", ports.TopicClients, func(ctx context.Context, tx ports.Tx) error { return tx.Clients().Add(ctx, c, w.event()) }},
		{"adding a connection", ports.TopicConnections, func(ctx context.Context, tx ports.Tx) error { return tx.Connections().Add(ctx, stored, w.event()) }},
		{"changed metadata", ports.TopicMetadata, func(ctx context.Context, tx ports.Tx) error { return tx.Metadata().Keep(ctx, metadata, accepted) }},
		{"adding keys", ports.TopicKeys, func(ctx context.Context, tx ports.Tx) error { return tx.SPKeys().Add(ctx, ring, w.event()) }},
		{"adding an incident", ports.TopicIncidents, func(ctx context.Context, tx ports.Tx) error { return tx.Incidents().Add(ctx, noticed, w.event()) }},
		{"changing a client", ports.TopicClients, func(ctx context.Context, tx ports.Tx) error { return tx.Clients().Save(ctx, c, w.event()) }},
		{"changing a connection", ports.TopicConnections, func(ctx context.Context, tx ports.Tx) error { return tx.Connections().Save(ctx, stored, w.event()) }},
		{"changing keys", ports.TopicKeys, func(ctx context.Context, tx ports.Tx) error { return tx.SPKeys().Save(ctx, ring, w.event()) }},
		{"changing an incident", ports.TopicIncidents, func(ctx context.Context, tx ports.Tx) error { return tx.Incidents().Save(ctx, noticed, w.event()) }},
		{"removing a client", ports.TopicClients, func(ctx context.Context, tx ports.Tx) error { return tx.Clients().Remove(ctx, c.ID(), w.event()) }},
		{"removing a connection", ports.TopicConnections, func(ctx context.Context, tx ports.Tx) error {
			return tx.Connections().Remove(ctx, via.Slug(), w.event())
		}},
	}
}
