package ports

import (
	"context"
	"time"
)

// Topic is a part of the configuration that is kept in the store, and that each
// process keeps in memory.
type Topic string

// The topics. Processes of different releases tell each other of them: a name
// does not change.
const (
	TopicClients     Topic = "clients"
	TopicConnections Topic = "connections"
	TopicIncidents   Topic = "incidents"
	TopicKeys        Topic = "keys"
	TopicMetadata    Topic = "metadata" // of identity providers
)

// ChangesRefresh is the longest time between two notifications of a receiver, also
// without a change: one that was not announced is found by then.
const ChangesRefresh = 30 * time.Second

// Changes notifies this process of changes in the store, its own and those of other
// processes.
//
// A write of [Tx] that changes a topic announces it, and the announcement is
// delivered when its transaction commits; one that fails announces nothing.
type Changes interface {
	// Watch returns a channel that receives at once, then within seconds after
	// each change of the topic was committed and when changes may have been
	// missed, until ctx ends. Several changes may come as one notification: the
	// receiver reads the store.
	Watch(ctx context.Context, topic Topic) <-chan struct{}
}
