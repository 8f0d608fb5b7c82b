package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

const (
	// tombstonePrefix begins the key of each tombstone. One hash tag keeps all of
	// them, and the probes, on one node of a cluster: the one that is listened to.
	tombstonePrefix = "devicegate:{tokens}:ended:"
	allTombstone    = tombstonePrefix + "all"
	probePrefix     = "devicegate:{tokens}:probe:"
	// tombstoneLife only bounds the keys: replicas are told when one is written.
	tombstoneLife = time.Minute
	// refusedInterval is the time between attempts to listen where the server
	// refuses it: an old one, or one that may not be asked to track keys.
	refusedInterval = 10 * time.Second
)

// tombstoneChannel writes tombstones and listens for those of all replicas. It
// has a client of its own, because its connections are tracked.
//
// Redis tells a connection what was written in the order of the writes. So a probe
// that comes back proves that every tombstone which was written before the probe
// was sent has come, too.
type tombstoneChannel struct {
	redis   *Connection
	options rueidis.ClientOption
	local   ports.TokenCache
	timing  channelTiming
	probes  string    // begins the keys of this replica's probes
	began   time.Time // of the clock that probes carry

	until  atomic.Int64 // the cache is trusted until then, on that clock
	client atomic.Pointer[rueidis.Client]

	mu       sync.Mutex
	first    time.Duration // when the first of the probes that came back was sent
	last     time.Duration // when the last one was; 0: none came back
	unsent   announcement
	failing  bool // the last announcement or probe failed
	refusing bool // the server does not let this channel listen
}

func openTombstoneChannel(c *Connection, local ports.TokenCache, timing channelTiming) *tombstoneChannel {
	ch := &tombstoneChannel{
		redis: c, local: local, timing: timing, options: c.options,
		probes: probePrefix + uid.New(time.Now()).String() + ":", began: time.Now().Add(-time.Second),
	}
	ch.options.DisableCache = false  // it would not track
	ch.options.RingScaleEachConn = 6 // it carries little
	ch.options.ClientTrackingOptions = []string{"BCAST", "PREFIX", tombstonePrefix, "PREFIX", ch.probes}
	ch.options.OnInvalidations = ch.onInvalidations
	c.running.Go(ch.listen)
	return ch
}

func (c *tombstoneChannel) elapsed() time.Duration { return time.Since(c.began) }

func (c *tombstoneChannel) trusted() bool { return int64(c.elapsed()) < c.until.Load() }

// listen keeps the channel open and probes it until the connection is closed.
func (c *tombstoneChannel) listen() {
	for wait := time.Duration(0); ; {
		select {
		case <-c.redis.closing.Done():
			c.close()
			return
		case <-time.After(wait):
		}
		err := c.tick()
		if wait = c.timing.probe; c.noteRefusal(err) {
			wait = refusedInterval
		}
	}
}

// close announces what is left before it ends.
func (c *tombstoneChannel) close() {
	c.until.Store(0)
	c.mu.Lock()
	unsent := c.unsent
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), opTimeout)
	defer cancel()
	_ = c.write(ctx, unsent)
	if client := c.client.Load(); client != nil {
		(*client).Close()
	}
}

// noteRefusal reports whether the server does not let this channel listen, and
// logs it if that is new.
func (c *tombstoneChannel) noteRefusal(err error) bool {
	refuses := errors.Is(err, rueidis.ErrNoCache) || refusal(err) == "NOPERM"
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case refuses && !c.refusing:
		c.redis.log.Warn("redis does not tell which tokens end, so each verification reads the database", "error", err)
	case err == nil && c.refusing:
		c.redis.log.Info("redis tells which tokens end")
	case err != nil && !refuses:
		return false
	}
	c.refusing = refuses
	return refuses
}

// tick opens the channel if it is not, announces what could not be announced, and
// sends a probe.
func (c *tombstoneChannel) tick() error {
	if c.client.Load() == nil {
		client, err := rueidis.NewClient(c.options)
		if err != nil {
			return err
		}
		c.client.Store(&client)
	}
	c.mu.Lock()
	unsent := c.unsent
	c.unsent = announcement{}
	c.mu.Unlock()

	ctx, cancel := context.WithTimeout(c.redis.closing, c.timing.lease)
	defer cancel()
	r := *c.client.Load()
	err := send(ctx, r, unsent)
	if err == nil {
		unsent = announcement{}
		key := c.probes + strconv.FormatInt(int64(c.elapsed()), 10)
		err = r.Do(ctx, r.B().Set().Key(key).Value("").Px(c.timing.lease).Build()).Error()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unsent, c.failing = c.unsent.with(unsent), err != nil
	return err
}

// announce writes tombstones. What cannot be written now is written when the
// server is of use again; while it is known to be of none, nothing is tried.
func (c *tombstoneChannel) announce(ctx context.Context, a announcement) error {
	a = a.with(announcement{})
	c.mu.Lock()
	failing := c.failing
	if failing {
		c.unsent = c.unsent.with(a)
	}
	c.mu.Unlock()
	if failing {
		return ErrDown
	}
	// A caller that leaves takes nothing back.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.timing.answer)
	defer cancel()
	err := c.write(ctx, a)
	if err == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unsent, c.failing = c.unsent.with(a), true
	return fmt.Errorf("redis: announce ended tokens: %w", err)
}

// write uses the connection of the counters until the channel is open: a command
// that has just started does not wait for it.
func (c *tombstoneChannel) write(ctx context.Context, a announcement) error {
	if client := c.client.Load(); client != nil {
		return send(ctx, *client, a)
	}
	return c.redis.do(ctx, "announce", func(ctx context.Context, r rueidis.Client) error { return send(ctx, r, a) })
}

func send(ctx context.Context, r rueidis.Client, a announcement) error {
	if a.isZero() {
		return nil
	}
	keys := []string{allTombstone}
	if !a.all {
		keys = keys[:0]
		for _, digest := range a.digests {
			keys = append(keys, tombstonePrefix+digest.Hex())
		}
	}
	writes := make(rueidis.Commands, len(keys))
	for i, key := range keys {
		writes[i] = r.B().Set().Key(key).Value("").Px(tombstoneLife).Build()
	}
	for _, result := range r.DoMulti(ctx, writes...) {
		if err := result.Error(); err != nil {
			return err
		}
	}
	return nil
}

// onInvalidations is called in the order of the server's messages. Without keys, a
// connection was lost or everything was deleted.
func (c *tombstoneChannel) onInvalidations(keys []rueidis.RedisMessage) {
	if keys == nil {
		c.lost()
		return
	}
	var ended []secret.Digest
	var newest time.Duration
	all := false
	for i := range keys {
		key, _ := keys[i].ToString()
		if sent, is := strings.CutPrefix(key, c.probes); is {
			at, _ := strconv.ParseInt(sent, 10, 64)
			newest = max(newest, time.Duration(at))
			continue
		}
		digest, err := secret.ParseDigest(strings.TrimPrefix(key, tombstonePrefix))
		if err != nil { // allTombstone, or what a later release writes
			all = true
			continue
		}
		ended = append(ended, digest)
	}
	switch {
	case all:
		_ = c.local.InvalidateAll(c.redis.closing)
	case len(ended) > 0:
		_ = c.local.Invalidate(c.redis.closing, ended...)
	}
	if newest > 0 {
		c.cameBack(newest)
	}
}

func (c *tombstoneChannel) lost() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until.Store(0)
	c.first, c.last = 0, 0
	_ = c.local.InvalidateAll(c.redis.closing)
}

// cameBack prolongs the trust in the local cache. A key that ends is told of
// again: such a probe is old.
func (c *tombstoneChannel) cameBack(sent time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case sent <= c.last:
		return
	case c.last == 0 || c.elapsed() >= c.last+c.timing.lease:
		c.first = sent
		_ = c.local.InvalidateAll(c.redis.closing)
	}
	c.last = sent
	if sent-c.first >= c.timing.settle {
		c.until.Store(int64(sent + c.timing.lease))
	}
}
