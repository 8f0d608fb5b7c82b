// Package uid makes the identifiers of stored things: UUID version 7 (RFC 9562
// §5.7), whose leading 48 bits are the time in milliseconds, so that rows
// inserted one after another lie side by side in an index. The domain imports
// nothing but the standard library, which has no UUIDs; hence these few lines.
package uid

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"sync/atomic"
	"time"
)

// ID is a UUID. The zero ID names nothing.
type ID [16]byte

// made counts the IDs of this process. It begins at a random number that leaves
// room for 2^25 more before it starts again at zero.
var made = func() *atomic.Uint32 {
	var seed [4]byte
	_, _ = rand.Read(seed[:])
	n := new(atomic.Uint32)
	n.Store(binary.BigEndian.Uint32(seed[:]) >> 7)
	return n
}()

// New makes an ID that was born at the given time. IDs that one process makes
// for the same millisecond sort in the order in which they were made: 26 bits
// of a counter follow the time (RFC 9562 §6.2, method 1), then 48 random bits.
func New(at time.Time) ID {
	var id ID
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(at.UnixMilli()))
	copy(id[:6], ms[2:])
	count := made.Add(1)
	id[6], id[7] = 0x70|byte(count>>22)&0x0f, byte(count>>14)
	id[8], id[9] = 0x80|byte(count>>8)&0x3f, byte(count)
	_, _ = rand.Read(id[10:])
	return id
}

// Parse reads the 8-4-4-4-12 form; upper case is accepted.
func Parse(text string) (ID, error) {
	var id ID
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return ID{}, fmt.Errorf("uid: %d characters are not a UUID", len(text))
	}
	digits := text[:8] + text[9:13] + text[14:18] + text[19:23] + text[24:]
	if _, err := hex.Decode(id[:], []byte(digits)); err != nil {
		return ID{}, fmt.Errorf("uid: not a UUID: %w", err)
	}
	return id, nil
}

// IsZero reports whether id names nothing.
func (id ID) IsZero() bool { return id == ID{} }

func (id ID) String() string {
	h := hex.EncodeToString(id[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
