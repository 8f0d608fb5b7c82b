package porttest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/devicegate/devicegate/ports"
)

// ChangesUnderTest are two processes on one database.
type ChangesUnderTest struct {
	Stores  [2]ports.Store
	Changes [2]ports.Changes
	// Write changes a topic, as the adapter's writes of that topic do.
	Write func(ctx context.Context, tx ports.Tx, topic ports.Topic) error
}

// changesPatience is far more than a change may take: seconds.
const changesPatience = 20 * time.Second

// Changes tests a [ports.Changes]. Open is called once for each subtest.
func Changes(t *testing.T, open func(t *testing.T) ChangesUnderTest) {
	write := func(t *testing.T, c ChangesUnderTest, by int, topics ...ports.Topic) {
		t.Helper()
		update(t, c.Stores[by], func(ctx context.Context, tx ports.Tx) error {
			for _, topic := range topics {
				must(t, c.Write(ctx, tx, topic))
			}
			return nil
		})
	}
	announced := func(t *testing.T, channels ...<-chan struct{}) {
		t.Helper()
		for i, changed := range channels {
			select {
			case <-changed:
			case <-time.After(changesPatience):
				t.Fatalf("process %d: got no notification within %s, want one", i, changesPatience)
			}
		}
	}
	waiting := func(changed <-chan struct{}) bool {
		select {
		case <-changed:
			return true
		default:
			return false
		}
	}
	watching := func(t *testing.T, c ChangesUnderTest, topic ports.Topic) (channels []<-chan struct{}) {
		t.Helper()
		for _, changes := range c.Changes {
			changed := changes.Watch(t.Context(), topic)
			if !waiting(changed) {
				t.Error("got nothing at the beginning of a watch, want to be told")
			}
			channels = append(channels, changed)
		}
		return channels
	}
	// settle waits until both processes receive the other's writes. Each is told
	// of everything when it begins to watch, so the second announcement is one of a write.
	settle := func(t *testing.T, c ChangesUnderTest, topic ports.Topic) {
		t.Helper()
		for hears, changed := range watching(t, c, topic) {
			waiting(changed) // that of its own write, if it has written
			for range 2 {
				write(t, c, 1-hears, topic)
				announced(t, changed)
			}
		}
	}

	t.Run("both processes are told of the changes of each", func(t *testing.T) {
		c := open(t)
		changed := watching(t, c, ports.TopicClients)
		for by := range c.Stores {
			write(t, c, by, ports.TopicClients)
			announced(t, changed...)
		}
	})

	t.Run("every write of a topic announces it", func(t *testing.T) {
		c, w := open(t), newFixture(t)
		settle(t, c, ports.TopicClients)
		for _, a := range announcedWrites(t, w) {
			changed := watching(t, c, a.topic)
			update(t, c.Stores[0], a.write)
			t.Log(a.name)
			announced(t, changed...)
		}
	})

	t.Run("of each topic by itself, and of several of one transaction", func(t *testing.T) {
		c := open(t)
		clients, keys := watching(t, c, ports.TopicClients), watching(t, c, ports.TopicKeys)
		write(t, c, 0, ports.TopicKeys, ports.TopicClients, ports.TopicKeys)
		announced(t, append(clients, keys...)...)
	})

	t.Run("a transaction that fails announces nothing", func(t *testing.T) {
		c := open(t)
		clients, keys := watching(t, c, ports.TopicClients), watching(t, c, ports.TopicKeys)
		settle(t, c, ports.TopicConnections)
		for _, changed := range append(clients, keys...) {
			waiting(changed) // that of the beginning of the watch
		}
		refused := errors.New("refused")
		err := c.Stores[0].Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
			must(t, c.Write(ctx, tx, ports.TopicClients))
			return refused
		})
		if err != refused {
			t.Fatalf("got %v, want the refusal", err)
		}
		write(t, c, 0, ports.TopicKeys) // announced in the order of the commits
		announced(t, keys...)
		for i, changed := range clients {
			if waiting(changed) {
				t.Errorf("process %d: got a notification of a change that was not committed, want none", i)
			}
		}
	})

	t.Run("a refusal that commits announces its changes", func(t *testing.T) {
		c := open(t)
		changed := watching(t, c, ports.TopicClients)
		refused := errors.New("refused")
		err := c.Stores[0].Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
			must(t, c.Write(ctx, tx, ports.TopicClients))
			return ports.CommitWith(refused)
		})
		if err != refused {
			t.Fatalf("got %v, want the refusal", err)
		}
		announced(t, changed...)
	})

	t.Run("a receiver that is busy is told when it asks, and delays no other", func(t *testing.T) {
		c := open(t)
		changed, busy := watching(t, c, ports.TopicClients), watching(t, c, ports.TopicClients)
		for range 5 {
			write(t, c, 0, ports.TopicClients)
			announced(t, changed...)
		}
		announced(t, busy...)
	})
}
